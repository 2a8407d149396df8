import { describe, expect, it } from "vitest";
import { DocumentSampler, idKeys, splitKey } from "../../../lambdas/bedrock-orchestrator/document-keys.ts";
import { QueryRecord, type Split } from "../../../pipeline/artifacts.ts";

function corpus(count: number, textOf: (index: number) => string = (index) => `text ${index}`) {
  return Array.from({ length: count }, (_, index) => ({ ...idKeys(`d${index}`), split: splitKey(textOf(index)) }));
}

function sample(keys: ReturnType<typeof corpus>, maxDocuments: number) {
  const sampler = new DocumentSampler(maxDocuments);
  for (const { sample, split } of keys) sampler.offer(sample, () => split);
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

  it("takes the documents with the smallest keys, and asks for the text of few others", () => {
    const keys = corpus(50_000);
    const sampler = new DocumentSampler(100);
    let asked = 0;
    for (const { sample, split } of keys) {
      sampler.offer(sample, () => {
        asked += 1;
        return split;
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

  it("puts documents of one text on one side", () => {
    const keys = corpus(400, (index) => `text ${index % 100}`);
    const { sampling } = sample(keys, 400);
    for (let index = 0; index < 100; index += 1) {
      const sides = [0, 100, 200, 300].map((copy) => {
        const key = keys[index + copy];
        return key && sampling.splitOf(key.split);
      });
      expect(new Set(sides).size).toBe(1);
    }
  });
});
