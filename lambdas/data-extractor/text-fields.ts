import { z } from "zod";
import { isVisible } from "../shared/lines/visible-text.ts";

/** `title, body.text` as ["title", "body.text"]. */
export const TextFields = z
  .string()
  .transform((names) => [...new Set(names.split(",").map((name) => name.trim()))].filter((name) => name !== ""))
  .refine((names) => names.length > 0, "names no field; write one or more, separated by commas: title,body.text");

function collect(value: unknown, path: readonly string[], texts: string[]): void {
  if (value === null || value === undefined) return;
  if (Array.isArray(value)) {
    for (const element of value) collect(element, path, texts);
  } else if (path.length === 0) {
    if (typeof value === "object") return;
    const text = String(value).trim();
    if (isVisible(text)) texts.push(text);
  } else if (typeof value === "object") {
    // A document may write {"body": {"text": ...}} and {"body.text": ...}; to OpenSearch they are the same field.
    for (let length = 1; length <= path.length; length += 1) {
      const key = path.slice(0, length).join(".");
      if (Object.hasOwn(value, key)) collect((value as Record<string, unknown>)[key], path.slice(length), texts);
    }
  }
}

/** The texts of one field of a document that can be seen, through arrays and objects; numbers and booleans as JSON writes them. */
export function textsOf(source: unknown, field: string): string[] {
  const texts: string[] = [];
  collect(source, field.split("."), texts);
  return texts;
}

/** The text of a document: its fields' texts in the order of `fields`, joined by a space; "" when there is none. */
export function textOf(source: unknown, fields: readonly string[]): string {
  return fields.flatMap((field) => textsOf(source, field)).join(" ");
}
