import { describe, expect, it } from "vitest";
import { PlainHits } from "../../../lambdas/data-extractor/plain-hits.ts";
import { textOf } from "../../../lambdas/data-extractor/text-fields.ts";
import { corpusLine } from "../../../lambdas/shared/corpus.ts";
import { EncodedLines } from "../../../lambdas/shared/encoded-lines.ts";

const FIELDS = ["title", "text"];

function answer(hits: readonly string[]): Buffer {
  const head = '{"pit_id":"abc","took":1,"timed_out":false,"_shards":{"total":1,"failed":0},"hits":{"max_score":null,';
  return Buffer.from(`${head}"hits":[${hits.join(",")}]}}`);
}

function hit(id: string, source: string): string {
  return `{"_index":"articles","_id":${JSON.stringify(id)},"_score":null,"_source":${source},"sort":[17]}`;
}

function lineOf(plain: PlainHits, number: number): string | false | undefined {
  const lines = new EncodedLines(16);
  const isWritten = plain.write(number, lines);
  return isWritten === true ? lines.bytes.toString() : isWritten;
}

/** The line of the first of some hits; "no answer" when the answer as a whole is in doubt. */
function read(source: string, fields: readonly string[] = FIELDS): string | false | undefined {
  const plain = PlainHits.of(answer([hit("a", source), hit("b", "{}")]), fields);
  if (plain === undefined) return "no answer";
  expect(plain.size).toBe(2);
  return lineOf(plain, 0);
}

/** The hits as the parser reads them; undefined when it cannot, as never happens with OpenSearch's answers. */
function hitsOf(bytes: Buffer): { _id: string; _source: unknown }[] | undefined {
  try {
    return JSON.parse(bytes.toString()).hits.hits;
  } catch {
    return undefined;
  }
}

/** Numbers in 0..1 that are the same in every run. */
function randomNumbers(): () => number {
  let state = 4711;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 4294967296;
  };
}

describe("PlainHits", () => {
  it("takes texts over as they are, in the order of the fields", () => {
    expect(read('{"text":"a \\"b\\"\\n c","year":1990,"title":"Ünï","open":false,"tags":["x",{"y":"]}"}]}')).toBe(
      '{"id":"a","text":"Ünï a \\"b\\"\\n c"}\n',
    );
    expect(read('{"títle":"x"}', ["títle"])).toBe('{"id":"a","text":"x"}\n');
    expect(read('{"title":"","text":"b"}')).toBe('{"id":"a","text":"b"}\n');
    expect(read('{"title":""}')).toBe(false);
    expect(read("{}")).toBe(false);
  });

  it.each([
    '{"title":" a"}',
    '{"title":"a "}',
    '{"title":"a\\n"}',
    '{"title":"\\u00a0a"}',
    '{"title":"a\\u00a0"}',
    '{"title":"a\u00a0"}',
    '{"title":"\u3000a"}',
    '{"title":["a"]}',
    '{"title":null}',
    '{"title":5}',
    '{"t\\u0069tle":"a"}',
  ])("is in doubt about %s", (source) => {
    expect(read(source)).toBeUndefined();
  });

  it("is in doubt about ids with escapes, and about fields with dots", () => {
    const plain = PlainHits.of(answer([hit('a"b', '{"title":"x"}')]), FIELDS);
    expect(plain && lineOf(plain, 0)).toBeUndefined();
    expect(PlainHits.of(answer([hit("a", '{"body":{"text":"x"}}')]), ["body.text"])).toBeUndefined();
  });

  it.each(['{"title":"\\ud83d\\ude00"}', '{"title":"a"', '{"title":"a"}}', '{"title":tru}'])(
    "does not read an answer with %s",
    (source) => {
      expect(PlainHits.of(answer([hit("a", source)]), FIELDS)).toBeUndefined();
    },
  );

  it("gives the rest of the answer, and hits, parsed", () => {
    const plain = PlainHits.of(answer([hit("a", "{}"), hit("b", '{"title":"x"}')]), FIELDS);
    expect(plain?.answer).toMatchObject({ pit_id: "abc", _shards: { failed: 0 }, hits: { hits: [] } });
    expect(plain?.parse(1)).toMatchObject({ _id: "b", _source: { title: "x" }, sort: [17] });
    expect(PlainHits.of(answer([]), FIELDS)?.size).toBe(0);
    expect(PlainHits.of(Buffer.from('{"error":"x"}'), FIELDS)).toBeUndefined();
  });

  it("never says another thing than the parser, whatever becomes of a document", () => {
    const random = randomNumbers();
    const pick = <Item>(items: readonly Item[]) => items[Math.floor(random() * items.length)] as Item;
    const pieces = [
      '"',
      "\\",
      "{",
      "}",
      "[",
      "]",
      ",",
      ":",
      " ",
      "\n",
      "a",
      "\u00a0",
      "\u3000",
      "中",
      "é",
      "0",
      "null",
    ];
    pieces.push('"title"', '"text":', "\\n", "\\u0041", "\\ud83d", '{"text":"a"}', '\\"', '],"sort":[1]}', '"hits":[');
    const seeds = [
      '{"title":"first words","text":"more \\"words\\" \\\\ here","year":1990}',
      '{"text":"é中","title":"ü","nested":{"text":"no","list":["]","}"]}}',
      '{ "title" : "spaced" , "text" : "out" }',
      '{"vector":[0.5,-1e3],"text":"x","title":null}',
    ];
    let taken = 0;
    for (let n = 0; n < 20_000; n += 1) {
      let source = pick(seeds);
      for (let changes = Math.floor(random() * 4); changes > 0; changes -= 1) {
        const at = Math.floor(random() * (source.length + 1));
        source = source.slice(0, at) + pick(pieces) + source.slice(at + Math.floor(random() * 3));
      }
      const bytes = answer([hit("before", '{"title":"b"}'), hit("changed", source), hit("after", '{"title":"c"}')]);
      const plain = PlainHits.of(bytes, FIELDS);
      if (plain === undefined) continue;
      const hits = hitsOf(bytes);
      if (hits === undefined) continue;
      if (plain.size !== hits.length) expect.fail(source);
      for (const [number, { _id, _source }] of hits.entries()) {
        const found = lineOf(plain, number);
        if (found === undefined) continue;
        taken += 1;
        const text = textOf(_source, FIELDS);
        const expected = text === "" ? false : corpusLine(_id, text);
        const same = found === false ? expected === false : JSON.stringify(JSON.parse(found)) === expected;
        if (!same) expect.fail(`${source}: ${found} is not ${expected}`);
        if (JSON.stringify(plain.parse(number)) !== JSON.stringify(hits[number])) expect.fail(source);
      }
    }
    expect(taken).toBeGreaterThan(10_000);
  });
});
