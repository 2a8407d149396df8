import { z } from "zod";
import { UnreadableLine } from "../shared/lines/line-blocks.ts";
import { isVisible } from "../shared/lines/visible-text.ts";
import { parseKeepingDigits } from "../shared/lines/written-numbers.ts";

/** What a line of the user's corpus holds. `id` is null when the line has none; `text` is "" when nothing of it is seen. */
export interface ParsedLine {
  readonly id: string | null;
  readonly text: string;
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

function isId(value: unknown): value is string | number {
  return typeof value === "string" || typeof value === "number";
}

const Line = z.object(
  {
    id: z
      .custom<string | number>(isId, { error: ({ input }) => `"id" is ${kind(input)}, not a string or a number` })
      .nullish(),
    _id: z.unknown().optional(),
    title: z.unknown().optional(),
    text: z
      .string({
        error: ({ input }) => (input === undefined ? 'no "text" field' : `"text" is ${kind(input)}, not a string`),
      })
      .nullable(),
  },
  { error: ({ input }) => `${kind(input)}, not a JSON object` },
);

/** True for a line that has nothing on it. */
export function isBlank(line: string | UnreadableLine): boolean {
  return typeof line === "string" && line.trim() === "";
}

/** An id as the line has it: a number by its digits, whatever JavaScript makes of them. */
function writtenId(line: string, field: "id" | "_id", id: string | number): string {
  if (typeof id === "string") return id;
  return String((parseKeepingDigits(line) as Record<string, unknown>)[field]);
}

/**
 * Parses a line: a JSON object with a `text` (a string, or null for a document without text) and, if it wants, an `id` (a string or a
 * number). A line with `_id` in place of `id` is one of a BEIR corpus: its text is its `title`, a newline and its `text`.
 */
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
  const parsed = Line.safeParse(value);
  if (!parsed.success) return new BadLine(parsed.error.issues[0]?.message ?? "not a document");
  const { id, _id, title, text } = parsed.data;
  const isBeir = (id === undefined || id === null) && isId(_id);
  const field = isBeir ? "_id" : "id";
  const written = writtenId(line, field, (isBeir ? _id : id) ?? "");
  const parts = isBeir && typeof title === "string" ? [title, text] : [text];
  return {
    id: written === "" ? null : written,
    text: parts.filter((part) => part !== null && isVisible(part)).join("\n"),
  };
}
