import { describe, expect, it } from "vitest";
import { DocumentSampler, idKeys, textKeys } from "../../../lambdas/bedrock-orchestrator/document-keys.ts";
import { QueryRecord, type Split } from "../../../pipeline/artifacts.ts";

function corpus(count: number, textOf: (index: number) => string = (index) => `text ${index}`) {
  return Array.from({ length: count }, (_, index) => ({
    ...idKeys(`d${index}`),
    ...textKeys(textOf(index)),
  }));
}

function sample(keys: ReturnType<typeof corpus>, maxDocuments: number) {
  const sampler = new DocumentSampler(maxDocuments);
  for (const key of keys) sampler.offer(key, () => key.order);
  const sampling = sampler.choose();
  const chosen = [...sampling.positions].flatMap((position) => keys[position] ?? []);
  const counts: Record<Split, number> = { train: 0, dev: 0, test: 0 };
  for (const key of chosen) counts[sampling.splitOf(key.split)] += 1;
  return { sampling, chosen, counts };
}

describe("idKeys", () => {
  it("gives record ids that Bedrock and the contract take, whatever the document's id", () => {
    const { recordId } = idKeys("https://example.com/ü?x=1#y 😀");
    expect(QueryRecord.shape.record_id.parse(recordId)).toMatch(/^[0-9a-f]{24}$/);
  });
});

describe("DocumentSampler", () => {
  it.each([
    [4, 4, { test: 1, dev: 0, train: 3 }],
    [100, 100, { test: 20, dev: 10, train: 70 }],
    [1000, 1000, { test: 100, dev: 100, train: 800 }],
    [5000, 2000, { test: 200, dev: 200, train: 1600 }],
  ])("of %d documents takes %d and splits them", (count, size, split) => {
    const { chosen, counts } = sample(corpus(count), size);
    expect(chosen).toHaveLength(size);
    expect(counts).toEqual(split);
  });

  it("takes the documents with the smallest keys, and asks for the id of few others", () => {
    const keys = corpus(50_000);
    const sampler = new DocumentSampler(100);
    let asked = 0;
    for (const key of keys) {
      sampler.offer(key, () => {
        asked += 1;
        return key.order;
      });
    }
    const chosen = [...sampler.choose().positions].map((position) => keys[position]?.sample ?? -1);
    const smallest = keys.map(({ sample }) => sample).sort((a, b) => a - b);
    expect(chosen.sort((a, b) => a - b)).toEqual(smallest.slice(0, 100));
    expect(asked).toBeLessThan(1500);
  });

  it("does not depend on the documents' order", () => {
    const keys = corpus(3000);
    const forwards = sample(keys, 500);
    const backwards = sample([...keys].reverse(), 500);
    const sides = ({ sampling, chosen }: typeof forwards) =>
      chosen.map((key) => `${key.recordId} ${sampling.splitOf(key.split)}`).sort();
    expect(sides(backwards)).toEqual(sides(forwards));
  });

  it("samples over the whole corpus", () => {
    const keys = corpus(10_000);
    const { chosen } = sample(keys, 1000);
    const firstHalf = chosen.filter((key) => keys.indexOf(key) < 5000).length;
    expect(firstHalf).toBeGreaterThan(420);
    expect(firstHalf).toBeLessThan(580);
  });

  it("takes each text once, so that copies neither crowd out others nor lie on both sides of the split", () => {
    // Of 10,000 documents, 9 in 10 are copies of 10 texts.
    const textOf = (index: number) => (index % 10 === 0 ? `text ${index}` : `copy ${index % 10}`);
    const keys = corpus(10_000, textOf);
    const { sampling, chosen, counts } = sample(keys, 2000);
    expect(chosen).toHaveLength(1009);
    expect(new Set(chosen.map(({ split }) => split)).size).toBe(1009);
    expect(sampling.distinctTexts).toBe(1009);
    expect(counts).toEqual({ test: 101, dev: 101, train: 807 });
  });

  it("chooses the same one of the copies in any order, however often it had to let go of some", () => {
    const keys = corpus(5000, (index) => `text ${index % 60}`);
    const ids = (some: typeof keys) => sample(some, 50).chosen.map(({ recordId }) => recordId);
    expect(ids(keys)).toHaveLength(50);
    expect(ids([...keys].reverse()).sort()).toEqual(ids(keys).sort());
  });

  it("estimates how many different texts there are from a sample of them", () => {
    const { distinctTexts } = sample(
      corpus(60_000, (index) => `text ${index % 30_000}`),
      2500,
    ).sampling;
    // Four standard errors of 2 %.
    expect(Math.abs(distinctTexts / 30_000 - 1)).toBeLessThan(0.08);
  });
});
