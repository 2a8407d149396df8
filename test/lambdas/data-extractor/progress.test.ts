import { describe, expect, it } from "vitest";
import { rangesOf } from "../../../lambdas/data-extractor/progress.ts";

describe("rangesOf", () => {
  it("covers every sequence number exactly once, open at both ends", () => {
    const ranges = rangesOf({ count: 1_000_003, first: 17, last: 2_500_000 }, 4);
    expect(ranges.length).toBe(5);
    expect(ranges[0]?.from).toBeNull();
    expect(ranges.at(-1)?.to).toBeNull();
    for (const [n, range] of ranges.slice(1).entries()) expect(range.from).toBe((ranges[n]?.to ?? 0) + 1);
    const widths = ranges.slice(1, -1).map(({ from, to }) => (to ?? 0) - (from ?? 0));
    expect(Math.max(...widths) - Math.min(...widths)).toBeLessThanOrEqual(1);
  });

  it("leaves a shard whole when it is small or another shard keeps the readers busy", () => {
    expect(rangesOf({ count: 9999, first: 0, last: 9998 }, 4)).toEqual([{ from: null, to: null }]);
    expect(rangesOf({ count: 100_000, first: 0, last: 99_999 }, 1)).toEqual([{ from: null, to: null }]);
    expect(rangesOf({ count: 0, first: null, last: null }, 4)).toEqual([{ from: null, to: null }]);
  });

  it("keeps their number within bounds, for they travel in the state of the execution", () => {
    expect(rangesOf({ count: 50_000_000, first: 0, last: 49_999_999 }, 4).length).toBe(16);
  });
});
