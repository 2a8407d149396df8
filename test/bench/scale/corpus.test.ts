import { describe, expect, it } from "vitest";
import { SyntheticCorpus } from "../../../bench/scale/corpus.ts";

const corpus = new SyntheticCorpus(42);
const documents = Array.from({ length: 3000 }, (_, number) => corpus.document(number));
const wordsOf = (text: string) => text.toLowerCase().replaceAll(".", "").split(" ");

describe("SyntheticCorpus", () => {
  it("makes the same document of a seed and a number, whatever was made before", () => {
    expect(new SyntheticCorpus(42).document(2999)).toEqual(documents[2999]);
    expect(new SyntheticCorpus(43).document(2999).text).not.toBe(documents[2999]?.text);
  });

  it("has documents of the length of passages", () => {
    const lengths = documents.map(({ text }) => wordsOf(text).length).sort((a, b) => a - b);
    expect(lengths[1500]).toBeGreaterThan(95);
    expect(lengths[1500]).toBeLessThan(125);
    expect(lengths[0]).toBeGreaterThanOrEqual(12);
    expect(lengths.at(-1)).toBeGreaterThan(400);
  });

  it("has word frequencies that fall with the rank as in real text", () => {
    const counts = new Map<string, number>();
    for (const { text } of documents) for (const word of wordsOf(text)) counts.set(word, (counts.get(word) ?? 0) + 1);
    const ranked = [...counts.values()].sort((a, b) => b - a);
    const total = ranked.reduce((a, b) => a + b, 0);
    expect((ranked[0] ?? 0) / total).toBeGreaterThan(0.015);
    expect((ranked[0] ?? 0) / (ranked[99] ?? 1)).toBeGreaterThan(15);
    expect(ranked.filter((count) => count === 1).length).toBeGreaterThan(ranked.length / 4);
  });

  it("gives documents of one subject words in common that others lack", () => {
    const rare = documents.map(({ text }) => new Set(wordsOf(text).filter((word) => word.length > 5)));
    const shared = rare.slice(1).map((set) => [...set].filter((word) => rare[0]?.has(word)).length);
    shared.sort((a, b) => b - a);
    expect(shared[0]).toBeGreaterThanOrEqual(3 * Math.max(1, shared[1500] ?? 0));
  });
});
