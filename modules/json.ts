import { Fn, Token } from "cdktf";

/**
 * A document as a Terraform expression of its JSON: Terraform expressions in it stay expressions, and a plan shows the document
 * field by field. CDKTF's own function leaves quotes and backslashes in strings as they are, which Terraform cannot read.
 */
export function encodeJson(document: unknown): string {
  return Fn.jsonencode(escaped(document));
}

function escaped(value: unknown): unknown {
  if (Token.isUnresolved(value) && typeof value !== "object") return value;
  if (typeof value === "string") return /["\\]/.test(value) ? Fn.rawString(value.replaceAll("\\", "\\\\")) : value;
  if (Array.isArray(value)) return Token.isUnresolved(value) ? value : value.map(escaped);
  if (typeof value === "object" && value !== null && !("resolve" in value)) {
    return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, escaped(entry)]));
  }
  return value;
}
