import { describe, expect, it } from "vitest";
import { BadLine, parseCorpusLine } from "../../../lambdas/s3-validator/corpus-line.ts";
import { PlainLines } from "../../../lambdas/s3-validator/plain-lines.ts";
import { EncodedLines } from "../../../lambdas/shared/encoded-lines.ts";

function read(line: string) {
  const bytes = Buffer.from(line);
  const plain = PlainLines.of(bytes);
  if (plain?.read(0, bytes.length) !== true) return undefined;
  const lines = new EncodedLines(16);
  plain.writeTo(lines);
  lines.endLine();
  return { id: plain.id, written: JSON.parse(lines.bytes.toString()), canonical: plain.isCanonical };
}

/** Numbers in 0..1 that are the same in every run. */
function randomNumbers(): () => number {
  let state = 12345;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 4294967296;
  };
}

describe("PlainLines", () => {
  it.each([
    '{"id":"a","text":"b"}',
    '{"id":"a","text":"quote \\" backslash \\\\\\\\ newline \\n unicode \\u00e9 \\uFFFD"}',
    '{"id":"a","text":"ends with a backslash \\\\"}',
    '{"title":"t\\"","year":1999,"ok":true,"none":null,"id":"\u00e9\u4e2d","score":-1.5e+3,"text":"\u4e2d\u6587"}',
    '  { "text" : "b" , "id" : "a" }  ',
  ])("takes %s over", (line) => {
    const { id, text } = JSON.parse(line);
    expect(read(line)).toMatchObject({ id, written: { id, text } });
  });

  it.each([
    ["", "no object"],
    ['{"id":"a","text":"b"', "no end"],
    ['{"id":"a","text":"b"}}', "more than an object"],
    ['{"id":"a","text":"b",}', "a comma too many"],
    ['{"id":"a""text":"b"}', "a comma too few"],
    ['{"id":"a","text":"\\x"}', "an unknown escape"],
    ['{"id":"a","text":"x\\u12g4"}', "a bad escape"],
    ['{"id":"a","text":"x\\N"}', "an escape in capitals"],
    ['{"id":"a","text":"x\\ud800"}', "half a surrogate pair"],
    ['{"id":"a","text":"tab\there"}', "a control character"],
    ['{"id":"a","text":"b","n":01}', "no number"],
    ['{"id":"a","text":"b","n":tru}', "no literal"],
    ['{"id":"a","text":"   "}', "a blank text"],
    ['{"id":"a","text":"\u00a0\u2003"}', "a text of other spaces"],
    ['{"id":"","text":"b"}', "an empty id"],
    ['{"id":7,"text":"b"}', "a number for an id"],
    ['{"text":"b"}', "no id"],
    ['{"id":"a"}', "no text"],
    ['{"id":"a","text":"b","text":"c"}', "two texts"],
    ['{"id":"a","text":"b","more":{"id":"c"}}', "an object inside"],
    ['{"id":"a\\n","text":"b"}', "an escape in the id"],
  ])("leaves %s to the parser: %s", (line) => {
    expect(read(line)).toBeUndefined();
  });

  it("never says another thing than the parser, whatever becomes of a line", () => {
    const random = randomNumbers();
    const pick = (items: string[]) => items[Math.floor(random() * items.length)] ?? "";
    const pieces = [
      '"',
      "\\",
      "\\\\",
      '\\"',
      "\\u00e9",
      "\\ud83d",
      "{",
      "}",
      ",",
      ":",
      " ",
      "id",
      "text",
      "1",
      "-",
      "null",
    ];
    const seeds = [
      '{"id":"a","text":"b c"}',
      '{"title":"x \\" y","id":"42","text":"one \\\\ two \\n","n":-1.5e3,"t":true}',
      ' { "text" : "\u00e9\u4e2d" , "id" : "\u00fc" } ',
    ];
    let taken = 0;
    for (let n = 0; n < 30_000; n += 1) {
      let line = pick(seeds);
      for (let changes = Math.floor(random() * 4); changes > 0; changes -= 1) {
        const at = Math.floor(random() * (line.length + 1));
        line = line.slice(0, at) + pick(pieces) + line.slice(at + Math.floor(random() * 3));
      }
      const found = read(line);
      if (found === undefined) continue;
      taken += 1;
      const parsed = parseCorpusLine(line);
      if (parsed instanceof BadLine || parsed.id !== found.id || parsed.text !== found.written.text) {
        expect.fail(`${line}: ${JSON.stringify(found)} is not ${JSON.stringify(parsed)}`);
      }
      if (found.written.id !== found.id || found.canonical !== parsed.canonical) expect.fail(line);
    }
    expect(taken).toBeGreaterThan(5000);
  });

  it("reads many lines of one block, with and without escapes", () => {
    const lines = Array.from({ length: 100 }, (_, n) =>
      JSON.stringify({ id: `d${n}`, text: n % 3 ? "plain" : 'a "b" \\' }),
    );
    const bytes = Buffer.from(lines.join("\n"));
    const plain = PlainLines.of(bytes);
    const ids: string[] = [];
    for (let start = 0; start <= bytes.length && plain !== undefined; ) {
      const end = plain.lineEnd(start);
      if (plain.read(start, end)) ids.push(plain.id);
      start = end + 1;
    }
    expect(ids).toEqual(lines.map((line) => JSON.parse(line).id));
  });

  it("does not look at what is no UTF-8", () => {
    expect(PlainLines.of(Buffer.from([0x7b, 0xff, 0x7d]))).toBeUndefined();
  });
});
