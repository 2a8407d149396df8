import type { HistoryEvent } from "@aws-sdk/client-sfn";
import { describe, expect, it } from "vitest";
import { failureOf } from "../../../lambdas/report-execution/failure.ts";
import { JOB_STAGES, JOBS, STAGES } from "../../../pipeline/stages.ts";

/** Events as Step Functions links them, each to the one before it unless it says otherwise. */
function history(...events: readonly Partial<HistoryEvent>[]): HistoryEvent[] {
  return events.map((event, index) => ({
    timestamp: new Date(index),
    type: "TaskScheduled",
    id: index + 1,
    previousEventId: index,
    ...event,
  }));
}
const entered = (name: string, type: HistoryEvent["type"] = "TaskStateEntered", input: unknown = {}) => ({
  type,
  stateEnteredEventDetails: { name, input: JSON.stringify(input) },
});
const taskFailed = (error: string, cause: unknown) => ({
  type: "TaskFailed" as const,
  taskFailedEventDetails: {
    resourceType: "lambda",
    resource: "invoke",
    error,
    cause: typeof cause === "string" ? cause : JSON.stringify(cause),
  },
});
const FAILED = { type: "ExecutionFailed" as const };
const failed = { status: "FAILED" as const, error: "States.TaskFailed", cause: "what Step Functions says" };
const functionError = { errorType: "InvalidCorpusError", errorMessage: "Line 7 is no JSON.", trace: ["at x"] };

describe("failureOf", () => {
  it("takes a function's message out of what Lambda makes of it", () => {
    const events = history(entered("ValidateCorpus"), {}, taskFailed("InvalidCorpusError", functionError), FAILED);
    expect(failureOf(failed, events)).toEqual({
      stage: "extraction",
      task: "ValidateCorpus",
      error: "InvalidCorpusError",
      cause: "Line 7 is no JSON.",
    });
  });

  it("takes SageMaker's reason out of the job's description, under no name that says nothing", () => {
    const description = { TrainingJobStatus: "Failed", SecondaryStatus: "Failed", FailureReason: "AlgorithmError: no" };
    const events = history(entered("TrainModel"), {}, taskFailed("States.TaskFailed", description), FAILED);
    expect(failureOf(failed, events)).toEqual({
      stage: "training",
      task: "TrainModel",
      error: undefined,
      cause: "AlgorithmError: no",
    });
  });

  it.each(JOB_STAGES)("says what to change when SageMaker stopped the job of %s", (stage) => {
    const [task = ""] = STAGES[stage].tasks.slice(stage === "mining" ? 1 : 0);
    const causeOf = (status: string) =>
      failureOf(failed, history(entered(task), taskFailed("States.TaskFailed", { SecondaryStatus: status }), FAILED))
        .cause;
    expect(causeOf("MaxWaitTimeExceeded")).toMatch(/spot_wait_seconds.*use_spot_instances = false/);
    const tooLong = causeOf("MaxRuntimeExceeded");
    expect(tooLong).toContain("max_job_runtime_seconds");
    expect(tooLong).toContain(JOBS[stage].instanceType);
    expect(tooLong?.includes("checkpoint")).toBe(JOBS[stage].checkpoints);
  });

  it("takes the error of a Map's task, past what other iterations did meanwhile", () => {
    const events = history(
      entered("GenerateQueries", "MapStateEntered"),
      entered("CreateQueryJob"),
      { ...entered("CheckQueryJob"), previousEventId: 1 },
      { ...taskFailed("BedrockAccessDeniedError", { errorMessage: "no access" }), previousEventId: 2 },
      { ...taskFailed("SlowDown", { errorMessage: "retried" }), previousEventId: 3 },
      { type: "MapIterationFailed", previousEventId: 4 },
      { type: "MapStateFailed", previousEventId: 6 },
      FAILED,
    );
    expect(failureOf({ status: "FAILED", error: "States.MapFailed" }, events)).toEqual({
      stage: "queries",
      task: "CreateQueryJob",
      error: "BedrockAccessDeniedError",
      cause: "no access",
    });
  });

  it("reads the reason of a Choice that failed the execution, and names the stage of the task before it", () => {
    const document = { failure: { Error: "EndpointFailed", Cause: "no capacity" } };
    const events = history(
      entered("CheckEndpoint"),
      entered("EndpointStatus", "ChoiceStateEntered"),
      entered("EndpointFailed", "PassStateEntered"),
      entered("DeploymentFailed", "ChoiceStateEntered", document),
      FAILED,
    );
    expect(failureOf({ status: "FAILED", error: "States.NoChoiceMatched" }, events)).toEqual({
      stage: "deployment",
      task: "CheckEndpoint",
      error: "EndpointFailed",
      cause: "no capacity",
    });
  });

  it("reads it past the event that LocalStack makes of such a Choice in a Map", () => {
    const document = { failure: { Error: "QueryJobFailed", Cause: "no quota" } };
    const events = history(
      entered("CheckQueryJob"),
      entered("QueryGenerationFailed", "ChoiceStateEntered", document),
      taskFailed("States.NoChoiceMatched", "No choice rule matched"),
      FAILED,
    );
    expect(failureOf(failed, events)).toMatchObject({ stage: "queries", error: "QueryJobFailed", cause: "no quota" });
  });

  it("names a task's time-out, which has no cause", () => {
    const events = history(
      entered("RegisterModel"),
      {
        type: "TaskTimedOut",
        taskTimedOutEventDetails: { resourceType: "lambda", resource: "invoke", error: "States.Timeout" },
      },
      FAILED,
    );
    expect(failureOf(failed, events)).toMatchObject({
      task: "RegisterModel",
      error: "States.Timeout",
      cause: undefined,
    });
  });

  it("takes the execution's own error where no task failed, not that of an earlier state", () => {
    const events = history(
      entered("StopScaling"),
      taskFailed("ApplicationAutoScaling.ObjectNotFoundException", "none"),
      entered("UpdateEndpoint"),
      FAILED,
    );
    const own = { status: "FAILED" as const, error: "States.Runtime", cause: "no such path" };
    expect(failureOf(own, events)).toEqual({
      stage: "deployment",
      task: "UpdateEndpoint",
      error: "States.Runtime",
      cause: "no such path",
    });
  });

  it.each(["ABORTED", "TIMED_OUT"] as const)("says of one that was %s where it was, and what was said", (status) => {
    const events = history(entered("TrainModel"), taskFailed("SageMaker.ThrottlingException", "retried"), {});
    expect(failureOf({ status, error: "Stopped", cause: "by me" }, events)).toEqual({
      stage: "training",
      task: "TrainModel",
      error: "Stopped",
      cause: "by me",
    });
  });

  it("shows a cause that is cut off or no JSON as it is, and follows events that are not linked", () => {
    const cut = '{"FailureReason": "Algor';
    const events = history(entered("TrainModel"), taskFailed("States.TaskFailed", cut), FAILED).map(
      ({ previousEventId: _, ...event }) => event,
    );
    expect(failureOf(failed, events.toReversed())).toMatchObject({ stage: "training", cause: cut });
  });

  it("knows no stage before there was one", () => {
    expect(failureOf({ status: "ABORTED" }, [])).toEqual({
      stage: undefined,
      task: undefined,
      error: undefined,
      cause: undefined,
    });
  });
});
