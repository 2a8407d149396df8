import { describe, expect, it } from "vitest";
import { secondsByStage, stateTimings } from "../../pipeline/execution-history.ts";

const at = (seconds: number) => new Date(1_000_000 + seconds * 1000);

describe("secondsByStage", () => {
  it("adds up a stage's loops and gives the glue between stages to the stage before it", () => {
    const timings = stateTimings(
      [
        ["ResolveParameters", 0, 1],
        ["ExtractDocuments", 1, 3],
        ["IsExtractionComplete", 3, 3],
        ["ExtractDocuments", 3, 6],
        ["PrepareQueries", 6, 7],
        ["CheckQueryJob", 8, 9],
        ["MineHardNegatives", 10, 25],
      ].flatMap(([name, from, to]) => [
        {
          type: "TaskStateEntered",
          id: 1,
          timestamp: at(Number(from)),
          stateEnteredEventDetails: { name: String(name) },
        },
        { type: "TaskStateExited", id: 2, timestamp: at(Number(to)), stateExitedEventDetails: { name: String(name) } },
      ]),
    );
    expect([...secondsByStage(timings)]).toEqual([
      ["1 data extraction", 6],
      ["2 query generation", 4],
      ["3 hard-negative mining", 15],
    ]);
  });

  it("ends the last stage where the execution was stopped", () => {
    const timings = [{ state: "TrainModel", enteredAt: 1_000, exitedAt: undefined }];
    expect([...secondsByStage(timings, 8_000)]).toEqual([["5 training", 7]]);
    expect([...secondsByStage([], 8_000)]).toEqual([]);
  });
});
