import { describe, expect, it } from "vitest";
import { redrivePauses, secondsByStage, stateTimings } from "../../pipeline/execution-history.ts";

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

  it("counts no time in which a failed execution waited for its redrive", () => {
    const entered = (name: string) => ({ type: "TaskStateEntered", stateEnteredEventDetails: { name } });
    const events = [
      { ...entered("MineHardNegatives"), timestamp: at(0) },
      { ...entered("ScoreWithTeacher"), timestamp: at(10) },
      { type: "ExecutionFailed", timestamp: at(15) },
      { type: "ExecutionRedriven", timestamp: at(1_000) },
      { type: "ExecutionFailed", timestamp: at(1_002) },
      { type: "ExecutionRedriven", timestamp: at(2_000) },
      { ...entered("TrainModel"), timestamp: at(2_004) },
      { type: "ExecutionFailed", timestamp: at(2_010) },
    ];
    const pauses = redrivePauses(events);
    expect(pauses).toHaveLength(2);
    expect([...secondsByStage(stateTimings(events), at(2_010).getTime(), pauses)]).toEqual([
      ["3 hard-negative mining", 10],
      ["4 teacher scoring", 11],
      ["5 training", 6],
    ]);
  });
});
