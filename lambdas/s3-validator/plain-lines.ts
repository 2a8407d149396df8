import type { EncodedLines } from "../shared/encoded-lines.ts";
import { JsonScanner, PLAIN_VALUE } from "../shared/json-scanner.ts";
import type { DocumentIds } from "./document-ids.ts";

const [QUOTE, COMMA, COLON] = [0x22, 0x2c, 0x3a];
const [OPENING_BRACE, CLOSING_BRACE, FIRST_BEYOND_ASCII] = [0x7b, 0x7d, 0x80];
const [BEFORE_ID, BEFORE_TEXT, AFTER_TEXT] = [Buffer.from('{"id":"'), Buffer.from('","text":"'), Buffer.from('"}')];

/**
 * Whole lines of a corpus as bytes, of which most can be checked and taken over without decoding, parsing or encoding them. {@link PlainLines.read} knows objects of strings, numbers, true, false and null, and is in doubt about
 * everything else; whoever reads the lines has to parse those properly.
 */
export class PlainLines {
  readonly #json: JsonScanner;

  // What the last line read has.
  #keys = 0;
  #idStart = 0;
  #idEnd = 0;
  #textStart = 0;
  #textEnd = 0;

  private constructor(json: JsonScanner) {
    this.#json = json;
  }

  /**
   * @param bytes whole lines; the last one may lack its newline.
   * @returns undefined when no line of them can be taken over unseen.
   */
  static of(bytes: Buffer): PlainLines | undefined {
    const json = JsonScanner.of(bytes);
    return json && new PlainLines(json);
  }

  /** The place after the line that begins at `start`: its newline's, or the end. */
  lineEnd(start: number): number {
    const newline = this.#json.text.indexOf("\n", start);
    return newline === -1 ? this.#json.text.length : newline;
  }

  /** Whether the line has nothing but `id` and `text`. */
  get isCanonical(): boolean {
    return this.#keys === 2;
  }

  /** The id of the line that was read. */
  get id(): string {
    return this.#json.bytes.toString("utf8", this.#idStart, this.#idEnd);
  }

  /** Adds the id of the line that was read to `ids`; false when another document had it before. */
  addIdTo(ids: DocumentIds): boolean {
    for (let index = this.#idStart; index < this.#idEnd; index += 1) {
      if (this.#json.text.charCodeAt(index) < FIRST_BEYOND_ASCII) continue;
      return ids.addNew(this.id);
    }
    return ids.addNewPart(this.#json.text, this.#idStart, this.#idEnd);
  }

  /** Writes the line that was read, with its id and text alone, to `lines`. */
  writeTo(lines: EncodedLines): void {
    lines.write(BEFORE_ID);
    lines.copy(this.#json.bytes, this.#idStart, this.#idEnd);
    lines.write(BEFORE_TEXT);
    lines.copy(this.#json.bytes, this.#textStart, this.#textEnd);
    lines.write(AFTER_TEXT);
  }

  /**
   * Reads a line.
   *
   * @returns true when it is a JSON object with a string `id` that is not empty and a string `text` that is not blank; false when in
   *   doubt.
   */
  read(start: number, end: number): boolean {
    const json = this.#json;
    const { text } = json;
    this.#keys = 0;
    let hasId = false;
    let hasText = false;
    let at = json.skipSpaces(start);
    if (text.charCodeAt(at) !== OPENING_BRACE) return false;
    for (;;) {
      at = json.skipSpaces(at + 1);
      if (text.charCodeAt(at) !== QUOTE) return false;
      const keyStart = at + 1;
      const keyEnd = json.stringEnd(keyStart, end);
      if (keyEnd === -1 || json.hasBackslash(keyStart, keyEnd)) return false;
      at = json.skipSpaces(keyEnd + 1);
      if (text.charCodeAt(at) !== COLON) return false;
      at = json.skipSpaces(at + 1);
      const isId = keyEnd - keyStart === 2 && text.startsWith("id", keyStart);
      const isText = keyEnd - keyStart === 4 && text.startsWith("text", keyStart);
      if (text.charCodeAt(at) === QUOTE) {
        const valueStart = at + 1;
        const valueEnd = json.stringEnd(valueStart, end);
        if (valueEnd === -1) return false;
        if (isId) {
          if (hasId || valueEnd === valueStart || json.hasBackslash(valueStart, valueEnd)) return false;
          hasId = true;
          this.#idStart = valueStart;
          this.#idEnd = valueEnd;
        } else if (isText) {
          if (hasText || !json.beginsWithInk(valueStart, valueEnd)) return false;
          hasText = true;
          this.#textStart = valueStart;
          this.#textEnd = valueEnd;
        }
        at = valueEnd + 1;
      } else {
        if (isId || isText) return false;
        const valueStart = at;
        while (at < end && text.charCodeAt(at) !== COMMA && text.charCodeAt(at) !== CLOSING_BRACE) at += 1;
        if (!PLAIN_VALUE.test(text.slice(valueStart, at).trimEnd())) return false;
      }
      this.#keys += 1;
      at = json.skipSpaces(at);
      const separator = text.charCodeAt(at);
      if (separator === COMMA) continue;
      return separator === CLOSING_BRACE && json.skipSpaces(at + 1) === end && hasId && hasText;
    }
  }
}
