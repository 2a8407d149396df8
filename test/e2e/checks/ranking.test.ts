import { describe, expect, it } from "vitest";
import { ndcg } from "../../../e2e/checks/ranking.ts";

describe("nDCG", () => {
  it("is 1 for the ideal ranking and 0 when nothing relevant is found", () => {
    const judgements = new Map([
      ["a", 1],
      ["b", 1],
    ]);
    expect(ndcg(["b", "a", "c"], judgements)).toBe(1);
    expect(ndcg(["c", "d"], judgements)).toBe(0);
    expect(ndcg([], new Map())).toBe(0);
  });

  it("discounts by the logarithm of the rank", () => {
    expect(ndcg(["x", "y", "a"], new Map([["a", 1]]))).toBeCloseTo(1 / Math.log2(4), 12);
  });

  it("does not look below rank k", () => {
    const ranking = [...Array.from({ length: 10 }, (_, i) => `x${i}`), "a"];
    expect(ndcg(ranking, new Map([["a", 1]]))).toBe(0);
  });
});
