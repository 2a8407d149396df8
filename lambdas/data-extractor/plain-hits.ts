import type { EncodedLines } from "../shared/encoded-lines.ts";
import { JsonScanner, PLAIN_VALUE } from "../shared/json-scanner.ts";

const [QUOTE, COMMA, COLON, BACKSLASH, SPACE] = [0x22, 0x2c, 0x3a, 0x5c, 0x20];
const LETTER_U = 0x75;
const [OPENING_BRACE, CLOSING_BRACE, OPENING_BRACKET, CLOSING_BRACKET] = [0x7b, 0x7d, 0x5b, 0x5d];
/** First bytes of characters beyond ASCII of which some are white space. */
const MAYBE_SPACE = new Set([0xc2, 0xe1, 0xe2, 0xe3, 0xef]);
const CONTINUATION = 0x80;
/** Of an escape such as \u00a0. */
const ESCAPE_BYTES = 6;

/** What stands between the parts of a hit, as OpenSearch writes it. */
const HITS = '"hits":[';
const [BEFORE_INDEX, BEFORE_ID, BEFORE_SCORE] = ['{"_index":"', '","_id":"', '","_score":'];
const [BEFORE_SOURCE, BEFORE_SORT, AFTER_SORT] = [',"_source":{', '},"sort":[', "]}"];

const [LINE_ID, LINE_TEXT, LINE_END] = [Buffer.from('{"id":"'), Buffer.from('","text":"'), Buffer.from('"}')];
const BETWEEN_FIELDS = Buffer.from(" ");

/**
 * What is known of a hit: a row of numbers. Objects for thousands of hits, which live until their page is written, outlive the
 * young collections, which then copied most of what there was (docs/scaling.md).
 */
const [START, END, ID_START, ID_END, IS_PLAIN, TEXTS] = [0, 1, 2, 3, 4, 5];
/** Rows there is room for at the start. */
const ROWS = 1024;

/**
 * The hits of a search answer as bytes. The text of most documents can be taken over without decoding, parsing or encoding it:
 * when the fields are strings of the document itself, with nothing to trim. About everything else it is in doubt; whoever reads
 * the hits has to parse those properly. It relies on the answer being JSON: what documents have in other fields is not checked.
 */
export class PlainHits {
  /** The answer without its hits, parsed. */
  readonly answer: unknown;
  readonly #json: JsonScanner;
  /** Their names, with a character for each byte. */
  readonly #fields: readonly string[];
  /** Numbers in a row: those named above, and for each field where its text begins and ends, twice the same when it is empty. */
  readonly #columns: number;
  #places: Int32Array;
  #size = 0;
  #at = 0;

  private constructor(
    json: JsonScanner,
    fields: readonly string[],
    answer: (hitsEnd: number) => unknown,
    start: number,
  ) {
    this.#json = json;
    this.#fields = fields.map((field) => Buffer.from(field).toString("latin1"));
    this.#columns = TEXTS + 2 * fields.length;
    this.#places = new Int32Array(ROWS * this.#columns);
    this.#at = start;
    this.answer = this.#readHits() ? answer(this.#at) : undefined;
  }

  /** @returns undefined when the answer has another form than OpenSearch's answers to a search. */
  static of(bytes: Buffer, fields: readonly string[]): PlainHits | undefined {
    // With a dot there are several ways to write a field.
    if (fields.some((field) => field.includes("."))) return undefined;
    const json = JsonScanner.of(bytes);
    const hits = json?.text.indexOf(HITS) ?? -1;
    if (json === undefined || hits === -1) return undefined;
    const start = hits + HITS.length;
    const answerWithoutHits = (end: number): unknown => {
      try {
        return JSON.parse(bytes.toString("utf8", 0, start) + bytes.toString("utf8", end));
      } catch {
        return undefined;
      }
    };
    const plain = new PlainHits(json, fields, answerWithoutHits, start);
    return plain.answer === undefined ? undefined : plain;
  }

  get size(): number {
    return this.#size;
  }

  /** A hit, parsed. */
  parse(hit: number): unknown {
    if (hit >= this.#size) return undefined;
    const row = hit * this.#columns;
    return JSON.parse(this.#json.bytes.toString("utf8", this.#places[row + START], this.#places[row + END]));
  }

  /**
   * Writes a hit as a line of the corpus.
   *
   * @returns true when it did, false when the hit has no text, undefined when in doubt.
   */
  write(hit: number, lines: EncodedLines): boolean | undefined {
    const places = this.#places;
    const row = hit * this.#columns;
    if (hit >= this.#size || places[row + IS_PLAIN] === 0) return undefined;
    const { bytes } = this.#json;
    let isBegun = false;
    for (let place = row + TEXTS; place < row + this.#columns; place += 2) {
      const [from = 0, to = 0] = [places[place], places[place + 1]];
      if (from === to) continue;
      if (isBegun) {
        lines.write(BETWEEN_FIELDS);
      } else {
        lines.write(LINE_ID);
        lines.copy(bytes, places[row + ID_START] ?? 0, places[row + ID_END] ?? 0);
        lines.write(LINE_TEXT);
        isBegun = true;
      }
      lines.copy(bytes, from, to);
    }
    if (!isBegun) return false;
    lines.write(LINE_END);
    lines.endLine();
    return true;
  }

  #readHits(): boolean {
    const { text } = this.#json;
    if (text.charCodeAt(this.#at) === CLOSING_BRACKET) return true;
    for (;;) {
      if (!this.#readHit(this.#newRow())) return false;
      const separator = text.charCodeAt(this.#at);
      if (separator === CLOSING_BRACKET) return true;
      if (separator !== COMMA) return false;
      this.#at += 1;
    }
  }

  #newRow(): number {
    const row = this.#size * this.#columns;
    this.#size += 1;
    if (row === this.#places.length) {
      const larger = new Int32Array(row * 2);
      larger.set(this.#places);
      this.#places = larger;
    }
    return row;
  }

  #readHit(row: number): boolean {
    const json = this.#json;
    const places = this.#places;
    places[row + START] = this.#at;
    if (!this.#skip(BEFORE_INDEX) || !this.#skipString() || !this.#skip(BEFORE_ID)) return false;
    places[row + ID_START] = this.#at;
    if (!this.#skipString()) return false;
    places[row + ID_END] = this.#at;
    const hasPlainId = !json.hasBackslash(places[row + ID_START] ?? 0, this.#at);
    if (!this.#skip(BEFORE_SCORE) || !this.#skipPlainValue() || !this.#skip(BEFORE_SOURCE)) return false;
    const hasPlainFields = this.#readSource(row + TEXTS);
    if (hasPlainFields === undefined) return false;
    if (!this.#skip(BEFORE_SORT) || !this.#skipPlainValue() || !this.#skip(AFTER_SORT)) return false;
    places[row + END] = this.#at;
    places[row + IS_PLAIN] = hasPlainId && hasPlainFields ? 1 : 0;
    return true;
  }

  /**
   * Reads the members of an object up to its closing brace, and the places of the fields' texts. False when in doubt about the
   * fields, undefined about its end.
   */
  #readSource(texts: number): boolean | undefined {
    const json = this.#json;
    const { text } = json;
    let certain = true;
    this.#at = json.skipSpaces(this.#at);
    if (text.charCodeAt(this.#at) === CLOSING_BRACE) return certain;
    for (;;) {
      this.#at = json.skipSpaces(this.#at);
      if (text.charCodeAt(this.#at) !== QUOTE) return undefined;
      this.#at += 1;
      const key = this.#at;
      if (!this.#skipString()) return undefined;
      const field = this.#fieldAt(key, this.#at);
      // An escape may stand for a letter of a field's name.
      if (json.hasBackslash(key, this.#at)) certain = false;
      this.#at = json.skipSpaces(this.#at + 1);
      if (text.charCodeAt(this.#at) !== COLON) return undefined;
      this.#at = json.skipSpaces(this.#at + 1);
      if (text.charCodeAt(this.#at) === QUOTE) {
        this.#at += 1;
        const value = this.#at;
        if (!this.#skipString()) return undefined;
        if (field !== -1) {
          this.#places[texts + 2 * field] = value;
          this.#places[texts + 2 * field + 1] = this.#at;
          if (!this.#isTrimmed(value, this.#at)) certain = false;
        }
        this.#at += 1;
      } else {
        if (field !== -1) certain = false;
        if (!this.#skipValue()) return undefined;
      }
      this.#at = json.skipSpaces(this.#at);
      const separator = text.charCodeAt(this.#at);
      if (separator === CLOSING_BRACE) return certain;
      if (separator !== COMMA) return undefined;
      this.#at += 1;
    }
  }

  /** Which of the fields stands between two places; -1 for another name. */
  #fieldAt(start: number, end: number): number {
    for (const [index, name] of this.#fields.entries()) {
      if (name.length === end - start && this.#json.text.startsWith(name, start)) return index;
    }
    return -1;
  }

  /** Whether there is nothing to trim; false when that takes more than a look. */
  #isTrimmed(start: number, end: number): boolean {
    if (start === end) return true;
    const { bytes } = this.#json;
    const [first = SPACE, last = SPACE] = [bytes[start], bytes[end - 1]];
    if (first === SPACE || first === BACKSLASH || MAYBE_SPACE.has(first) || last === SPACE) return false;
    // An escape at the end, of two bytes or of six.
    const isUnicodeEscape = bytes[end - ESCAPE_BYTES] === BACKSLASH && bytes[end - ESCAPE_BYTES + 1] === LETTER_U;
    if (bytes[end - 2] === BACKSLASH || isUnicodeEscape) return false;
    if (last < CONTINUATION) return true;
    let lead = end - 1;
    while (lead > start && ((bytes[lead] ?? 0) & 0xc0) === CONTINUATION) lead -= 1;
    return !MAYBE_SPACE.has(bytes[lead] ?? SPACE);
  }

  #skip(literal: string): boolean {
    if (!this.#json.text.startsWith(literal, this.#at)) return false;
    this.#at += literal.length;
    return true;
  }

  /** Moves on to the closing quote of the string whose content begins here. */
  #skipString(): boolean {
    const end = this.#json.stringEnd(this.#at, this.#json.text.length);
    if (end === -1) return false;
    this.#at = end;
    return true;
  }

  #skipPlainValue(): boolean {
    const { text } = this.#json;
    const start = this.#at;
    for (;;) {
      const code = text.charCodeAt(this.#at);
      if (code === COMMA || code === CLOSING_BRACE || code === CLOSING_BRACKET || Number.isNaN(code)) break;
      this.#at += 1;
    }
    return PLAIN_VALUE.test(text.slice(start, this.#at).trimEnd());
  }

  #skipValue(): boolean {
    const { text } = this.#json;
    const code = text.charCodeAt(this.#at);
    if (code !== OPENING_BRACE && code !== OPENING_BRACKET) return this.#skipPlainValue();
    for (let depth = 0; ; this.#at += 1) {
      const code = text.charCodeAt(this.#at);
      if (code === QUOTE) {
        this.#at += 1;
        if (!this.#skipString()) return false;
      } else if (code === OPENING_BRACE || code === OPENING_BRACKET) depth += 1;
      else if (code === CLOSING_BRACE || code === CLOSING_BRACKET) depth -= 1;
      else if (Number.isNaN(code)) return false;
      if (depth === 0) break;
    }
    this.#at += 1;
    return true;
  }
}
