import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { RunDisplay } from "../../../e2e/run/run-display.ts";

function display(isTTY: boolean, columns = 80) {
  let now = 0;
  const out = new PassThrough();
  const terminal = Object.assign(new PassThrough(), {
    isTTY,
    columns,
    clearLine: () => true,
    cursorTo: () => true,
    moveCursor: () => true,
  }) as unknown as NodeJS.WriteStream & PassThrough;
  const shown = new RunDisplay({ out, terminal }, () => now);
  return {
    shown,
    at: (seconds: number) => {
      now = seconds * 1000;
    },
    lines: () =>
      String(out.read() ?? "")
        .trimEnd()
        .split("\n"),
  };
}

const steps = (done: number) => ({ done, total: 80, unit: "steps" });

describe("what a run says in a log", () => {
  it("has a line for each activity, and one now and then about a long one", () => {
    const { shown, at, lines } = display(false);
    shown.begin("  5 training");
    for (let second = 1; second <= 40; second++) {
      at(second);
      shown.progress(steps(second));
    }
    expect(lines()).toEqual([
      "[   0 s]   5 training",
      "[  15 s]     5 training: 15 of 80 steps, about 65 s left",
      "[  30 s]     5 training: 30 of 80 steps, about 50 s left",
    ]);
  });

  it("says nothing twice", () => {
    const { shown, at, lines } = display(false);
    shown.begin("training");
    for (const second of [20, 40, 60]) {
      at(second);
      shown.progress(steps(0));
    }
    expect(lines()).toHaveLength(2);
  });
});

it("keeps progress on one changing line of a terminal", () => {
  const { shown, at, lines } = display(true);
  shown.begin("training");
  at(20);
  shown.progress(steps(3));
  shown.end();
  expect(lines()).toEqual(["[   0 s] training"]);
});

it("takes a terminal of unknown width for a log", () => {
  const { shown, at, lines } = display(true, 0);
  shown.begin("training");
  at(20);
  shown.progress(steps(3));
  expect(lines()).toEqual(["[   0 s] training", "[  20 s]     training: 3 of 80 steps"]);
});
