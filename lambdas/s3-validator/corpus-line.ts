/// <reference lib="es2024.string" />
import { UnreadableLine } from "../shared/line-blocks.ts";

/** What a line of the user's corpus holds. `id` is null when the line has none; `text` is "" when there is none to use. */
export interface ParsedLine {
  readonly id: string | null;
  readonly text: string;
  /** The line has these two fields and no other, so that it can stay as it is: writing it anew is the dearest step. */
  readonly canonical: boolean;
}

/** Why a line cannot be used. */
export class BadLine {
  readonly reason: string;
  constructor(reason: string) {
    this.reason = reason;
  }
}

function kind(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

function parseId(id: unknown): string | null | BadLine {
  if (id === undefined || id === null || id === "") return null;
  if (typeof id === "string") return id;
  if (typeof id !== "number") return new BadLine(`"id" is ${kind(id)}, not a string or a number`);
  if (!Number.isSafeInteger(id) && Number.isInteger(id)) {
    return new BadLine(`"id" is too large for a number in JSON; write it as a string`);
  }
  return String(id);
}

/** True for a line that has nothing on it. */
export function isBlank(line: string | UnreadableLine): boolean {
  return typeof line === "string" && (line === "" || line.trim() === "");
}

/** Parses a line: a JSON object with a string `text` and, if it wants, an `id` (string or number). */
export function parseCorpusLine(line: string | UnreadableLine): ParsedLine | BadLine {
  if (line instanceof UnreadableLine) return new BadLine(line.reason);
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    // V8 quotes the text around the fault, and a user's documents stay out of messages and logs.
    const position = /at position \d+/.exec((error as Error).message)?.[0];
    return new BadLine(`not valid JSON${position === undefined ? "" : ` ${position}`}`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return new BadLine(`${kind(value)}, not a JSON object`);
  }
  const { id: rawId, text } = value as { id?: unknown; text?: unknown };
  if (text === undefined) return new BadLine(`no "text" field`);
  if (typeof text !== "string") return new BadLine(`"text" is ${kind(text)}, not a string`);
  const id = parseId(rawId);
  if (id instanceof BadLine) return id;
  const canonical =
    id !== null &&
    id === rawId &&
    Object.keys(value).length === 2 &&
    id.isWellFormed() &&
    text.isWellFormed() &&
    // White space to JSON, but the end of a line to some readers of lines.
    !line.includes("\r");
  return { id, text: /\S/.test(text) ? text : "", canonical };
}
