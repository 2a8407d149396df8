import { describe, expect, it } from "vitest";
import { meanAndSpread, renderTable } from "../../../bench/quality/recipe-table.ts";

describe("meanAndSpread", () => {
  it("is the mean and the sample standard deviation", () => {
    expect(meanAndSpread([1, 2, 3, 6])).toEqual({ mean: 3, spread: Math.sqrt(14 / 3) });
    expect(meanAndSpread([5])).toEqual({ mean: 5, spread: 0 });
  });
});

describe("renderTable", () => {
  /** The cells of the first row. */
  const cells = (rendered: string) =>
    (rendered.split("\n")[2] ?? "")
      .split("|")
      .map((cell) => cell.trim())
      .slice(1, -1);
  const run = (after: number) => ({
    report: undefined,
    deploy: undefined,
    dev: { before: 0.5, after },
    trainQueries: 7,
    steps: 60,
  });

  it("shows the gain on dev in points of 100 when nothing else was measured", () => {
    const rendered = renderTable([{ collection: "c", recipe: "r", results: [run(0.51), run(0.53)] }], "dev");
    expect(cells(rendered)).toEqual(["c", "r", "", "", "", "", "", "", "", "+2.0 ± 1.4", "", "7", "60, 60"]);
  });

  it("compares an ablation with the whole recipe seed by seed", () => {
    const results = [run(0.51), run(0.57)];
    const against = [run(0.5), run(0.54)];
    const rendered = renderTable([{ collection: "c", recipe: "r", results, against }], "dev");
    // Differences of 1 and 3 points: their mean, and sqrt(2) / sqrt(2).
    expect(cells(rendered)).toContain("+2.0 ± 1.0");
  });
});
