/// <reference lib="es2024.string" />
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { seededRandom } from "../../../emulation/stubs/bedrock/seeded-random.ts";
import { PointInTime } from "../../../lambdas/data-extractor/point-in-time.ts";
import type { Unit } from "../../../lambdas/data-extractor/progress.ts";
import { PageSize, readPage } from "../../../lambdas/data-extractor/read-page.ts";
import { rounds } from "../rounds.ts";
import { type AnsweringSearch, startAnsweringSearch } from "./answering-search.ts";

const FIELDS = ["title", "body.text", "n"];

let search: AnsweringSearch;

beforeAll(async () => {
  search = await startAnsweringSearch();
});
afterAll(() => search.stop());

/** A search's answer, written as OpenSearch writes it, so that numbers may have any digits. */
function answerOf(hits: readonly { id: string; source: string }[]): string {
  const written = hits.map(
    ({ id, source }, n) => `{"_index":"i","_id":${JSON.stringify(id)},"_score":null,"_source":${source},"sort":[${n}]}`,
  );
  const shards = '{"total":1,"successful":1,"skipped":0,"failed":0}';
  return `{"pit_id":"p","took":1,"_shards":${shards},"hits":{"max_score":null,"hits":[${written.join(",")}]}}`;
}

async function read(answer: string, unit: Partial<Unit> = {}) {
  search.answers = [answer];
  const whole: Unit = { total: 1000, last: null, quota: 1000, seen: 0, kept: 0, search_after: null, done: false };
  const page = await readPage(
    PointInTime.resume(search.openSearch, "p"),
    { ...whole, ...unit },
    {
      fields: FIELDS,
      cursor: { several_indices: false, filter_source: true },
      pageSize: new PageSize({ page_size: 10, max_page_size: 5000 }),
    },
  );
  return { ...page, documents: page.lines.map((line): { id: string; text: string } => JSON.parse(line)) };
}

describe("readPage", () => {
  it("keeps the digits of numbers, in fields and ids", async () => {
    const source = '{"title":"Ball bearing","n":[9007199254740993,1306415010221662247,1.10,100.0,7,true,null]}';
    const { documents } = await read(answerOf([{ id: "9007199254740993", source }]));
    expect(documents).toEqual([
      { id: "9007199254740993", text: "Ball bearing 9007199254740993 1306415010221662247 1.10 100.0 7 true" },
    ]);
  });

  it("counts documents of which nothing is seen as seen, and keeps the others", async () => {
    const sources = ['{"title":null}', '{"title":"\\u200b"}', '{"title":"\\u0301"}', '{"title":"a\u2028b"}', "{}"];
    const { documents, unit } = await read(answerOf(sources.map((source, n) => ({ id: `d${n}`, source }))));
    expect(documents).toEqual([{ id: "d3", text: "a\u2028b" }]);
    expect(unit).toMatchObject({ seen: 5, kept: 1, search_after: [4], done: false });
  });

  it("ends a unit at its quota, and at its last document", async () => {
    const hits = ["a", "b", "c"].map((id) => ({ id, source: '{"title":"t"}' }));
    expect((await read(answerOf(hits), { quota: 2 })).unit).toMatchObject({ seen: 2, kept: 2, done: true });
    expect((await read(answerOf(hits), { total: 3, quota: 3 })).unit).toMatchObject({ seen: 3, kept: 3, done: true });
  });

  it("does not take an end before the last document for the end", async () => {
    await expect(read(answerOf([]), { total: 100, seen: 90 })).rejects.toMatchObject({
      name: "CountMismatchError",
      message: expect.stringMatching(
        /^Of 100 documents of the index only 90 could be read\. Start a new execution.*input_type/,
      ),
    });
  });

  it("gives the texts that documents were made of, whatever else they have", async () => {
    const random = seededRandom("search answers");
    const pick = <Item>(items: readonly Item[]) => items[Math.floor(random() * items.length)] as Item;
    const characters = [
      "a",
      "é",
      "中",
      '"',
      "\\",
      "{",
      "}",
      "[",
      ",",
      ":",
      "1.10",
      "\u2028",
      "\n",
      " ",
      "_source",
      "😀",
    ];
    const text = () => `x${Array.from({ length: Math.floor(random() * 5) }, () => pick(characters)).join("")}x`;
    const numbers = ["0", "-7", "1.10", "100.0", "9007199254740993", "1e5", "-0.50", "12345678901234567890"];
    /** A value as JSON, and the texts in it. */
    const value = (depth: number): [string, string[]] => {
      const kind = Math.floor(random() * (depth > 2 ? 5 : 6));
      if (kind === 0) return [pick(["null", '""', '" "', '"\u200b"', "[]", "{}", '{"other":"no"}']), []];
      if (kind === 1) {
        const number = pick(numbers);
        return [number, [number]];
      }
      if (kind === 2)
        return pick<[string, string[]]>([
          ["true", ["true"]],
          ["false", ["false"]],
        ]);
      if (kind < 5) {
        const written = text();
        return [JSON.stringify(written), [written]];
      }
      const items = Array.from({ length: 1 + Math.floor(random() * 3) }, () => value(depth + 1));
      return [`[${items.map(([json]) => json).join(",")}]`, items.flatMap(([, texts]) => texts)];
    };
    for (let n = 0; n < rounds(500); n += 1) {
      const expected: { id: string; text: string }[] = [];
      const hits = Array.from({ length: 1 + Math.floor(random() * 8) }, (_, number) => {
        const [title, body, count] = [value(0), value(0), value(0)];
        const fields = [
          `"title":${title[0]}`,
          pick([
            `"body":{"text":${body[0]},"more":"no"}`,
            `"body.text":${body[0]}`,
            `"body":[{"text":${body[0]}},{"more":1.0}]`,
          ]),
          `"n":${count[0]}`,
          `"other":${value(0)[0]}`,
          `"__proto__":{"title":${value(0)[0]}}`,
        ].sort(() => random() - 0.5);
        const id = `${number}${text()}`;
        const texts = [title, body, count].flatMap(([, found]) => found);
        if (texts.length > 0) expected.push({ id, text: texts.join(" ") });
        return { id, source: `{${fields.join(pick([",", " , "]))}}` };
      });
      const { documents, unit } = await read(answerOf(hits));
      expect(documents).toEqual(expected);
      expect(unit).toMatchObject({ seen: hits.length, kept: expected.length, search_after: [hits.length - 1] });
    }
  });

  it("gives what JSON.parse gives of an answer that was changed anywhere, or refuses it in words", async () => {
    const random = seededRandom("changed answers");
    const pick = <Item>(items: readonly Item[]) => items[Math.floor(random() * items.length)] as Item;
    const pieces = ['"', "\\", "{", "}", "[", "]", ",", ":", " ", "\n", "a", "中", "null", '\\"', "\\u0041", "\\ud83d"];
    const hits = ["a", "b", "c"].map((id) => ({
      id,
      source: '{"title":"first \\"words\\" \\\\","body":{"text":"é"}}',
    }));
    const answer = answerOf(hits);
    let taken = 0;
    for (let n = 0; n < rounds(1000); n += 1) {
      let changed = answer;
      for (let changes = 1 + Math.floor(random() * 2); changes > 0; changes -= 1) {
        const at = answer.indexOf('"hits":[') + Math.floor(random() * (changed.length - answer.indexOf('"hits":[')));
        changed = changed.slice(0, at) + pick(pieces) + changed.slice(at + Math.floor(random() * 3));
      }
      let plain: { _id: string; _source: Record<string, unknown> }[] | undefined;
      try {
        plain = JSON.parse(changed).hits.hits;
      } catch {}
      const outcome = await read(changed).catch((error: Error) => error);
      if (outcome instanceof Error) {
        expect(outcome.name, changed).toBe("UnexpectedAnswerError");
        continue;
      }
      taken += 1;
      const textsOf = ({ title, body, "body.text": dotted }: Record<string, unknown>) =>
        [title, (body as { text?: unknown } | null | undefined)?.text, dotted]
          .filter((text) => typeof text === "string" && text.trim() !== "")
          .map((text) => (text as string).trim());
      const expected = (plain ?? [])
        .map(({ _id, _source }) => ({
          id: _id.toWellFormed(),
          text: textsOf(_source ?? {})
            .join(" ")
            .toWellFormed(),
        }))
        .filter(({ text }) => text !== "");
      expect(outcome.documents, changed).toEqual(expected);
    }
    expect(taken).toBeGreaterThan(100);
  });
});
