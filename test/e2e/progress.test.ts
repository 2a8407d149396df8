import { describe, expect, it } from "vitest";
import { progressText, TimeLeft } from "../../e2e/progress.ts";

const steps = (done: number, total = 80) => ({ done, total, unit: "steps" });

describe("the time left", () => {
  it("is estimated from the pace since the first look, once that says something", () => {
    const left = new TimeLeft();
    expect(left.after(steps(10), 0)).toBeUndefined();
    expect(left.after(steps(12), 1_000)).toBeUndefined();
    expect(left.after(steps(20), 10_000)).toBeCloseTo(60);
    expect(left.after(steps(50), 20_000)).toBeCloseTo(15);
  });

  it("begins anew when something else is counted", () => {
    const left = new TimeLeft();
    left.after(steps(0), 0);
    left.after(steps(80), 80_000);
    expect(left.after(steps(5), 90_000)).toBeUndefined();
    expect(left.after(steps(15), 100_000)).toBeCloseTo(65);
  });
});

it.each([
  [steps(34), 130, "34 of 80 steps, about 2 min left"],
  [steps(34), 60.4, "34 of 80 steps, about 60 s left"],
  [steps(34), undefined, "34 of 80 steps"],
  [steps(80), 0, "80 of 80 steps"],
  [{ done: 1024, total: 12_000, unit: "documents" }, undefined, "1,024 of 12,000 documents"],
])("%j with %s s left is told", (progress, secondsLeft, text) => {
  expect(progressText(progress, secondsLeft)).toBe(text);
});
