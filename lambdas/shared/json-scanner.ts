import { isUtf8 } from "node:buffer";

const [BACKSLASH, NEWLINE, SPACE, FIRST_BEYOND_ASCII] = [0x5c, 0x0a, 0x20, 0x80];
/** What may follow a backslash, but for halves of surrogate pairs. */
const ESCAPE = /["\\/bfnrt]|u(?:[0-9a-ce-fA-CE-F][0-9a-fA-F]{3}|[dD][0-7][0-9a-fA-F]{2})/y;
/** A number, true, false or null. */
export const PLAIN_VALUE = /^(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)$/;

/** Whether a block has a control character other than a newline: JSON allows few of them, and none in strings. */
function hasControlCharacters(bytes: Buffer): boolean {
  const hasAny = (from: number, to: number) => {
    for (let index = from; index < to; index += 1) {
      if ((bytes[index] ?? SPACE) < SPACE && bytes[index] !== NEWLINE) return true;
    }
    return false;
  };
  const start = Math.min(-bytes.byteOffset & 3, bytes.length);
  const words = new Int32Array(bytes.buffer, bytes.byteOffset + start, (bytes.length - start) >> 2);
  const end = words.length - (words.length % 4);
  for (let word = 0; word < end; word += 4) {
    const a = words[word] ?? 0;
    const b = words[word + 1] ?? 0;
    const c = words[word + 2] ?? 0;
    const d = words[word + 3] ?? 0;
    // Set in each byte that is below 0x20 (and in some above such a one).
    const found = ((a - 0x20202020) & ~a) | ((b - 0x20202020) & ~b) | ((c - 0x20202020) & ~c) | ((d - 0x20202020) & ~d);
    if ((found & 0x80808080) !== 0 && hasAny(start + word * 4, start + word * 4 + 16)) return true;
  }
  return hasAny(0, start) || hasAny(start + end * 4, bytes.length);
}

/**
 * JSON as bytes, whose strings can be found without decoding or parsing it.
 */
export class JsonScanner {
  readonly bytes: Buffer;
  /** A character for each byte. */
  readonly text: string;
  /** The first backslash from `#searchedFrom` on. */
  #backslash = -1;
  #searchedFrom = 0;

  private constructor(bytes: Buffer) {
    this.bytes = bytes;
    this.text = bytes.toString("latin1");
  }

  /** @returns undefined when the bytes cannot be taken over unseen: they are not UTF-8, or have control characters. */
  static of(bytes: Buffer): JsonScanner | undefined {
    return isUtf8(bytes) && !hasControlCharacters(bytes) ? new JsonScanner(bytes) : undefined;
  }

  /** The first place from `from` on that is no space. */
  skipSpaces(from: number): number {
    let at = from;
    while (this.text.charCodeAt(at) === SPACE) at += 1;
    return at;
  }

  #nextBackslash(from: number): number {
    if (from < this.#searchedFrom || from > this.#backslash) {
      // Not in the string: V8's optimising compiler takes that search for free of effects and makes it in every call.
      const found = this.bytes.indexOf(BACKSLASH, from);
      this.#backslash = found === -1 ? this.text.length : found;
      this.#searchedFrom = from;
    }
    return this.#backslash;
  }

  /** Whether there is a backslash between two places; to be asked from left to right. */
  hasBackslash(start: number, end: number): boolean {
    return this.#nextBackslash(start) < end;
  }

  /** The closing quote of the string whose content begins at `start`; -1 when in doubt about it. */
  stringEnd(start: number, end: number): number {
    for (let from = start; ; ) {
      const quote = this.text.indexOf('"', from);
      if (quote === -1 || quote >= end) return -1;
      let backslash = this.#nextBackslash(from);
      while (backslash < quote) {
        ESCAPE.lastIndex = backslash + 1;
        if (!ESCAPE.test(this.text)) return -1;
        from = ESCAPE.lastIndex;
        backslash = this.#nextBackslash(from);
      }
      // The quote may be what the last backslash stands for.
      if (from <= quote) return quote;
    }
  }

  /** Whether the first character is one that is seen; false when that takes more than a look. */
  beginsWithInk(start: number, end: number): boolean {
    if (start === end) return false;
    const first = this.text.charCodeAt(start);
    if (first === SPACE || first === BACKSLASH || first === 0x7f) return false;
    return first < FIRST_BEYOND_ASCII || /\S/.test(this.bytes.toString("utf8", start, end));
  }
}
