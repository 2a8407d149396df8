import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { seededRandom } from "../../../emulation/stubs/bedrock/seeded-random.ts";
import { validateCorpus } from "../../../lambdas/s3-validator/validate-corpus.ts";
import { type MemoryS3, startMemoryS3 } from "../memory-s3.ts";
import { rounds } from "../rounds.ts";

/** What a corpus gives: its documents, or how many of its lines are bad. */
type Outcome =
  | { documents: { id: string; text: string }[]; empty: number; missing: number; duplicates: number }
  | { bad: number; lines: number }
  | "empty";

let s3: MemoryS3;

beforeAll(async () => {
  s3 = await startMemoryS3();
});
afterAll(() => s3.stop());
beforeEach(() => s3.objects.clear());

/** The rules as plainly as they can be written: everything in memory, a line after the other. */
function reference(corpus: Buffer): Outcome {
  const lines: (string | null)[] = [];
  for (let start = 0; start <= corpus.length; ) {
    const end = corpus.indexOf(10, start) === -1 ? corpus.length : corpus.indexOf(10, start);
    try {
      lines.push(new TextDecoder("utf8", { fatal: true, ignoreBOM: start > 0 }).decode(corpus.subarray(start, end)));
    } catch {
      lines.push(null);
    }
    start = end + 1;
  }
  const isSeen = (text: string) => [...text].some((character) => !/[\s\p{C}\p{M}]/u.test(character));
  const documents: { id: string; text: string }[] = [];
  const counts = new Map<string, number>();
  const used = new Set<string>();
  const outcome = { documents, empty: 0, missing: 0, duplicates: 0 };
  let bad = 0;
  let filled = 0;
  for (const [index, line] of lines.entries()) {
    if (line?.trim() === "") continue;
    filled += 1;
    let value: Record<string, unknown> | undefined;
    try {
      value = JSON.parse(line ?? "");
    } catch {}
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    const { id, _id, title, text } = (isObject ? value : {}) as Record<string, unknown>;
    const isId = (field: unknown) => typeof field === "string" || typeof field === "number";
    const isGood = (text === null || typeof text === "string") && (id === undefined || id === null || isId(id));
    if (!isObject || !isGood) {
      bad += 1;
      continue;
    }
    const isBeir = (id === undefined || id === null) && isId(_id);
    const texts = [isBeir ? title : "", text].filter((part) => typeof part === "string" && isSeen(part));
    if (texts.length === 0) {
      outcome.empty += 1;
      continue;
    }
    const given = isBeir ? _id : id;
    const wanted = typeof given === "number" ? String(given) : ((given as string | null | undefined) ?? "");
    if (wanted === "") outcome.missing += 1;
    const name = wanted === "" ? `line-${index + 1}` : wanted;
    let unique = name;
    if (used.has(name)) {
      outcome.duplicates += 1;
      while (used.has(unique)) {
        counts.set(name, (counts.get(name) ?? 1) + 1);
        unique = `${name}#${counts.get(name)}`;
      }
    }
    used.add(unique);
    const wellFormed = (written: string) => Buffer.from(written).toString();
    documents.push({ id: wellFormed(unique), text: wellFormed(texts.join("\n")) });
  }
  if (bad > 0) return { bad, lines: filled };
  return documents.length === 0 ? "empty" : outcome;
}

async function validated(corpus: Buffer): Promise<Outcome> {
  s3.objects.set("/bucket/corpus.jsonl", corpus);
  const request = {
    corpus: { bucket: "bucket", key: "corpus.jsonl" },
    run: { bucket: "bucket", key: "run/" },
    maxDocuments: 1000,
    remainingMs: () => 900_000,
  };
  try {
    await validateCorpus(s3.client, request);
  } catch (error) {
    const { name, message } = error as Error;
    if (name === "EmptyCorpusError") return "empty";
    const [, bad, lines] = /^(\d+) of (\d+) lines /.exec(message) ?? [];
    if (name !== "InvalidCorpusError" || bad === undefined) throw error;
    return { bad: Number(bad), lines: Number(lines) };
  }
  const manifest = JSON.parse(String(s3.objects.get("/bucket/run/corpus/manifest.json")));
  const part = String(s3.objects.get("/bucket/run/corpus/part-00000.jsonl"));
  return {
    documents: part
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line)),
    empty: manifest.empty_documents,
    missing: manifest.missing_ids,
    duplicates: manifest.duplicate_ids,
  };
}

describe("validateCorpus, whatever a corpus has", () => {
  it("gives what a plain reading of all lines gives", async () => {
    const random = seededRandom("any corpus");
    const pick = <Item>(items: readonly Item[]) => items[Math.floor(random() * items.length)] as Item;
    const words = [
      "a",
      "é",
      "中",
      "\u200b",
      "\u0301",
      "\u2028",
      "\u0085",
      " ",
      "\n",
      "\r",
      '"',
      "\\",
      "\0",
      "\ud83d",
      "😀",
      "\ufeff",
    ];
    const text = () => Array.from({ length: Math.floor(random() * 4) }, () => pick(words)).join("");
    const id = () => pick<unknown>(["a", "b", "a#2", "", 7, 0, -1.5, null, text(), `line-${Math.floor(random() * 5)}`]);
    const document = () => {
      const fields: [string, unknown][] = [["text", pick([text(), text(), text(), "some text", null])]];
      if (random() < 0.8) fields.push([pick(["id", "_id"]), id()]);
      if (random() < 0.2) fields.push(["_id", id()], ["id", pick([null, id()])]);
      if (random() < 0.4) fields.push(["title", pick([text(), "a title", null, 5])]);
      if (random() < 0.2) fields.push(["more", { text: text(), id: 1.5 }]);
      if (random() < 0.02) fields.push(["text", pick<unknown>([5, true, ["a"]])]);
      fields.sort(() => random() - 0.5);
      return JSON.stringify(Object.fromEntries(fields), null, pick([0, 0, " "])).replaceAll("\n", " ");
    };
    const seen = { documents: 0, bad: 0, empty: 0 };
    for (let n = 0; n < rounds(150); n += 1) {
      const lines = Array.from({ length: 1 + Math.floor(random() * 6) }, () =>
        random() < 0.1 ? pick(["", "  ", "\r", "\u00a0"]) : document(),
      );
      let corpus = Buffer.from(
        pick(["", "", "\ufeff"]) + lines.join(pick(["\n", "\n", "\r\n"])) + pick(["", "\n", "\n\n"]),
      );
      if (random() < 0.15) {
        const at = Math.floor(random() * corpus.length);
        const change = Buffer.from(pick([[0xff], [0x22], [0x0a], [0x7d], []]));
        corpus = Buffer.concat([corpus.subarray(0, at), change, corpus.subarray(at + Math.floor(random() * 3))]);
      }
      const expected = reference(corpus);
      expect(await validated(corpus), JSON.stringify(corpus.toString())).toEqual(expected);
      if (expected === "empty") seen.empty += 1;
      else if ("bad" in expected) seen.bad += 1;
      else seen.documents += 1;
    }
    // All three ways were gone often enough to say something.
    expect(Math.min(seen.documents, seen.bad, seen.empty)).toBeGreaterThan(5);
  });
});
