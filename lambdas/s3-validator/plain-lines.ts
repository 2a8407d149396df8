import { isUtf8 } from "node:buffer";
import type { EncodedLines } from "../shared/encoded-lines.ts";
import type { DocumentIds } from "./document-ids.ts";

const [QUOTE, BACKSLASH, NEWLINE, SPACE, COMMA, COLON] = [0x22, 0x5c, 0x0a, 0x20, 0x2c, 0x3a];
const [OPENING_BRACE, CLOSING_BRACE, FIRST_BEYOND_ASCII] = [0x7b, 0x7d, 0x80];
const [BEFORE_ID, BEFORE_TEXT, AFTER_TEXT] = [Buffer.from('{"id":"'), Buffer.from('","text":"'), Buffer.from('"}')];
const PLAIN_VALUE = /^(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)$/;
/** What may follow a backslash, but for halves of surrogate pairs. */
const ESCAPE = /["\\/bfnrt]|u(?:[0-9a-ce-fA-CE-F][0-9a-fA-F]{3}|[dD][0-7][0-9a-fA-F]{2})/y;

/** Whether a block has a control character other than a newline: JSON allows few of them, and none in strings. */
function hasControlCharacters(bytes: Buffer): boolean {
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : Buffer.from(new Uint8Array(bytes).buffer);
  const words = new Int32Array(aligned.buffer, aligned.byteOffset, aligned.length >> 2);
  const isControl = (index: number) => (aligned[index] ?? SPACE) < SPACE && aligned[index] !== NEWLINE;
  for (let word = 0; word < words.length; word += 1) {
    const four = words[word] ?? 0;
    // Set in each byte that is below 0x20 (and in some above such a one).
    if (((four - 0x20202020) & ~four & 0x80808080) === 0) continue;
    for (let index = word * 4; index < word * 4 + 4; index += 1) if (isControl(index)) return true;
  }
  for (let index = words.length * 4; index < aligned.length; index += 1) if (isControl(index)) return true;
  return false;
}

/**
 * Whole lines of a corpus as bytes, of which most can be checked and taken over without decoding, parsing or encoding them. {@link PlainLines.read} knows objects of strings, numbers, true, false and null, and is in doubt about
 * everything else; whoever reads the lines has to parse those properly.
 */
export class PlainLines {
  readonly #bytes: Buffer;
  /** A character for each byte. */
  readonly #text: string;
  /** The first backslash from `#searchedFrom` on. */
  #backslash = -1;
  #searchedFrom = 0;

  // What the last line read has.
  #keys = 0;
  #idStart = 0;
  #idEnd = 0;
  #textStart = 0;
  #textEnd = 0;

  private constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#text = bytes.toString("latin1");
  }

  /**
   * @param bytes whole lines; the last one may lack its newline.
   * @returns undefined when no line of them can be taken over unseen: there is no UTF-8, or there are control characters.
   */
  static of(bytes: Buffer): PlainLines | undefined {
    return isUtf8(bytes) && !hasControlCharacters(bytes) ? new PlainLines(bytes) : undefined;
  }

  /** The place after the line that begins at `start`: its newline's, or the end. */
  lineEnd(start: number): number {
    const newline = this.#text.indexOf("\n", start);
    return newline === -1 ? this.#text.length : newline;
  }

  /** Whether the line has nothing but `id` and `text`. */
  get isCanonical(): boolean {
    return this.#keys === 2;
  }

  /** The id of the line that was read. */
  get id(): string {
    return this.#bytes.toString("utf8", this.#idStart, this.#idEnd);
  }

  /** Adds the id of the line that was read to `ids`; false when another document had it before. */
  addIdTo(ids: DocumentIds): boolean {
    for (let index = this.#idStart; index < this.#idEnd; index += 1) {
      if (this.#text.charCodeAt(index) < FIRST_BEYOND_ASCII) continue;
      return ids.addNew(this.id);
    }
    return ids.addNewPart(this.#text, this.#idStart, this.#idEnd);
  }

  /** Writes the line that was read, with its id and text alone, to `lines`. */
  writeTo(lines: EncodedLines): void {
    lines.write(BEFORE_ID);
    lines.copy(this.#bytes, this.#idStart, this.#idEnd);
    lines.write(BEFORE_TEXT);
    lines.copy(this.#bytes, this.#textStart, this.#textEnd);
    lines.write(AFTER_TEXT);
  }

  /**
   * Reads a line.
   *
   * @returns true when it is a JSON object with a string `id` that is not empty and a string `text` that is not blank; false when in
   *   doubt.
   */
  read(start: number, end: number): boolean {
    const text = this.#text;
    this.#keys = 0;
    let hasId = false;
    let hasText = false;
    let at = this.#skipSpaces(start);
    if (text.charCodeAt(at) !== OPENING_BRACE) return false;
    for (;;) {
      at = this.#skipSpaces(at + 1);
      if (text.charCodeAt(at) !== QUOTE) return false;
      const keyStart = at + 1;
      const keyEnd = this.#stringEnd(keyStart, end);
      if (keyEnd === -1 || this.#hasBackslash(keyStart, keyEnd)) return false;
      at = this.#skipSpaces(keyEnd + 1);
      if (text.charCodeAt(at) !== COLON) return false;
      at = this.#skipSpaces(at + 1);
      const isId = keyEnd - keyStart === 2 && text.startsWith("id", keyStart);
      const isText = keyEnd - keyStart === 4 && text.startsWith("text", keyStart);
      if (text.charCodeAt(at) === QUOTE) {
        const valueStart = at + 1;
        const valueEnd = this.#stringEnd(valueStart, end);
        if (valueEnd === -1) return false;
        if (isId) {
          if (hasId || valueEnd === valueStart || this.#hasBackslash(valueStart, valueEnd)) return false;
          hasId = true;
          this.#idStart = valueStart;
          this.#idEnd = valueEnd;
        } else if (isText) {
          if (hasText || !this.#beginsWithInk(valueStart, valueEnd)) return false;
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
      at = this.#skipSpaces(at);
      const separator = text.charCodeAt(at);
      if (separator === COMMA) continue;
      return separator === CLOSING_BRACE && this.#skipSpaces(at + 1) === end && hasId && hasText;
    }
  }

  #skipSpaces(from: number): number {
    let at = from;
    while (this.#text.charCodeAt(at) === SPACE) at += 1;
    return at;
  }

  #nextBackslash(from: number): number {
    if (from < this.#searchedFrom || from > this.#backslash) {
      // Not in the string: V8's optimising compiler takes that search for free of effects and makes it in every call.
      const found = this.#bytes.indexOf(BACKSLASH, from);
      this.#backslash = found === -1 ? this.#text.length : found;
      this.#searchedFrom = from;
    }
    return this.#backslash;
  }

  #hasBackslash(start: number, end: number): boolean {
    return this.#nextBackslash(start) < end;
  }

  /** The closing quote of the string whose content begins at `start`; -1 when in doubt about it. */
  #stringEnd(start: number, end: number): number {
    for (let from = start; ; ) {
      const quote = this.#text.indexOf('"', from);
      if (quote === -1 || quote >= end) return -1;
      let backslash = this.#nextBackslash(from);
      while (backslash < quote) {
        ESCAPE.lastIndex = backslash + 1;
        if (!ESCAPE.test(this.#text)) return -1;
        from = ESCAPE.lastIndex;
        backslash = this.#nextBackslash(from);
      }
      // The quote may be what the last backslash stands for.
      if (from <= quote) return quote;
    }
  }

  /** Whether the first character is one that is seen; false when that takes more than a look. */
  #beginsWithInk(start: number, end: number): boolean {
    if (start === end) return false;
    const first = this.#text.charCodeAt(start);
    if (first === SPACE || first === BACKSLASH || first === 0x7f) return false;
    return first < FIRST_BEYOND_ASCII || /\S/.test(this.#bytes.toString("utf8", start, end));
  }
}
