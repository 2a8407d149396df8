/** A tool cannot be installed here; the message says what is missing. */
export class ToolUnavailableError extends Error {
  override readonly name = "ToolUnavailableError";
}

/** What a tool said about a directory. */
export interface Findings {
  /** Number of things found in order. */
  readonly passed: number;
  /** One line for each thing that is not. */
  readonly problems: readonly string[];
}
