import { Fn, Token } from "cdktf";
import { type Condition, oneIf } from "./conditions.ts";

/**
 * A document as a Terraform expression of its JSON: Terraform expressions in it stay expressions, and a plan shows the document
 * field by field. CDKTF's own function leaves quotes and backslashes in strings as they are, which Terraform cannot read.
 */
export function encodeJson(document: unknown): string {
  return Fn.jsonencode(escaped(document));
}

/** Parts with a separator between them; a part that is a Terraform expression may then stand in a function's arguments. */
export function joined(separator: string, parts: readonly string[]): string {
  return parts.some((part) => Token.isUnresolved(part)) ? Fn.join(separator, [...parts]) : parts.join(separator);
}

/**
 * A document with more fields when a condition holds at plan time. The two sides of Terraform's own conditional must have the
 * same type, which documents of different fields have not but their JSON has.
 *
 * @param base no string in it may mix text with an expression: CDKTF cannot nest those in functions. `joined`, or a local.
 */
export function withFieldsIf(base: object, condition: Condition, fields: object): object {
  if (typeof condition === "boolean") return condition ? { ...base, ...fields } : base;
  const chosen = Fn.jsondecode(Fn.conditional(condition, encodeJson(fields), "{}"));
  return Fn.merge([escaped(base), chosen]) as object;
}

/** A map with one more entry when a condition holds at plan time; its keys are known then, unlike with {@link withFieldsIf}. */
export function withEntryIf(base: object, condition: Condition, key: string, value: string): object {
  const ifSo = (one: string) => Fn.slice([one], 0, oneIf(condition));
  return Fn.merge([base, Fn.zipmap(ifSo(key), ifSo(value))]) as object;
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
