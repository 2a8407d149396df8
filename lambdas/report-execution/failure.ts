import type { DescribeExecutionOutput, HistoryEvent } from "@aws-sdk/client-sfn";
import { z } from "zod";
import { JOBS, type JobStage, STAGES, type StageId, stageOfTask } from "../../pipeline/stages.ts";

/** Why an execution did not succeed. */
export interface Failure {
  /** The stage it came to; undefined when it came to none. */
  readonly stage: StageId | undefined;
  /** The task of the stage. */
  readonly task: string | undefined;
  /** The error's name, e.g. `InvalidCorpusError`; undefined where the name says nothing. */
  readonly error: string | undefined;
  /** What happened, in the words of whoever failed, and what to change where they do not say it. */
  readonly cause: string | undefined;
}

interface Reason {
  readonly error: string | undefined;
  readonly cause: string | undefined;
}

/** What the Cause of a SageMaker job is, as far as it is read: the job's description. */
const JobDescription = z.object({ SecondaryStatus: z.string().optional(), FailureReason: z.string().optional() });
/** What the Cause of a function is. */
const FunctionError = z.object({ errorMessage: z.string() });
/** Where a Choice that fails the execution has the reason: states.ts of the workflow, `failUntilRedriven`. */
const FailedDocument = z.object({
  failure: z.object({ Error: z.string().optional(), Cause: z.string().optional() }),
});

/** Step Functions' name for a job that failed, whatever the reason. */
const TASK_FAILED = "States.TaskFailed";
/** Step Functions' name for a Choice without a way out. */
const NO_CHOICE_MATCHED = "States.NoChoiceMatched";

/**
 * Finds the task that failed, and why. What Step Functions says of the execution is what its outermost state failed with; for the
 * jobs of a Map the history knows more.
 *
 * @param events the last events of the history, in any order; at least back to the last task.
 */
export function failureOf(
  { status, error, cause }: Pick<DescribeExecutionOutput, "status" | "error" | "cause">,
  events: readonly HistoryEvent[],
): Failure {
  const before = [...eventsBeforeTheEnd(events)];
  const task = before.map(({ stateEnteredEventDetails: entered }) => entered?.name ?? "").find(stageOfTask);
  const stage = task === undefined ? undefined : stageOfTask(task);
  const own = { error, cause };
  const reason = status === "FAILED" ? (reasonOfState(before) ?? own) : own;
  return { stage, task, ...readable(reason, stage) };
}

/** Goes back from the end of an execution along the events that led to it; emulators do not link them. */
function* eventsBeforeTheEnd(events: readonly HistoryEvent[]): Generator<HistoryEvent> {
  const byId = new Map(events.map((event) => [event.id ?? 0, event]));
  let event = byId.get(Math.max(...byId.keys()));
  while (event !== undefined) {
    yield event;
    event = byId.get(event.previousEventId || (event.id ?? 0) - 1);
  }
}

/** Why the last state failed: the error of its task, or what a Choice without a way out has in its document. */
function reasonOfState(before: readonly HistoryEvent[]): Reason | undefined {
  for (const event of before) {
    const details =
      event.taskFailedEventDetails ??
      event.taskTimedOutEventDetails ??
      event.taskSubmitFailedEventDetails ??
      event.taskStartFailedEventDetails;
    // LocalStack has an event of this error, whose reason the Choice's document tells.
    if (details !== undefined && details.error !== NO_CHOICE_MATCHED)
      return { error: details.error, cause: details.cause };
    const entered = event.stateEnteredEventDetails;
    if (entered === undefined) continue;
    if (event.type !== "ChoiceStateEntered") return undefined;
    const document = FailedDocument.safeParse(parsed(entered.input));
    return document.success ? { error: document.data.failure.Error, cause: document.data.failure.Cause } : undefined;
  }
  return undefined;
}

/** Takes what a job or a function said out of the JSON in which Step Functions has it. */
function readable({ error, cause }: Reason, stage: StageId | undefined): Reason {
  const json = parsed(cause);
  const functionError = FunctionError.safeParse(json);
  if (functionError.success) return { error, cause: functionError.data.errorMessage };
  const job = JobDescription.safeParse(json);
  const stopped = job.success && isJob(stage) ? causeOfStop(job.data.SecondaryStatus, stage) : undefined;
  return {
    error: error === TASK_FAILED ? undefined : error,
    cause: stopped ?? (job.success ? job.data.FailureReason : undefined) ?? cause,
  };
}

/** SageMaker gives no reason for a job that it stopped at a limit, only a status. */
function causeOfStop(status: string | undefined, stage: JobStage): string | undefined {
  const { instanceType, checkpoints } = JOBS[stage];
  if (status === "MaxWaitTimeExceeded") {
    return `There was no spot instance for long enough. A redrive waits as long again. For a new execution, set a larger spot_wait_seconds, another ${instanceType}, or use_spot_instances = false.`;
  }
  if (status === "MaxRuntimeExceeded") {
    const redriven = checkpoints
      ? "A redrive goes on from the job's last checkpoint, with the same limit."
      : "A redrive runs into the same limit.";
    return `The job reached its time limit. ${redriven} For a new execution, set a larger max_job_runtime_seconds, or a faster ${instanceType}.`;
  }
  return undefined;
}

function isJob(stage: StageId | undefined): stage is JobStage {
  return stage !== undefined && "job" in STAGES[stage];
}

function parsed(json: string | undefined): unknown {
  try {
    return JSON.parse(json ?? "null");
  } catch {
    // Not JSON, or cut off where Step Functions' limit is.
    return undefined;
  }
}
