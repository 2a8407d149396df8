import type { DescribeExecutionOutput, HistoryEvent } from "@aws-sdk/client-sfn";
import { z } from "zod";
import { GateDecision } from "../../pipeline/artifacts.ts";
import { type Failure, failureOf } from "./failure.ts";

/** How an execution that did not fail ended; the field `outcome` of its output. */
const Outcome = z.enum(["rejected_by_gate", "trained", "deployed", "registered"]);

/** What is read of an execution's output. */
const Output = z.object({
  outcome: Outcome,
  model_name: z.string(),
  gate: GateDecision,
  report_uri: z.string(),
  endpoint_name: z.string().nullable(),
  model_id: z.string().nullable(),
  query_model_id: z.string().nullable(),
});
type Output = z.infer<typeof Output>;

/** An execution that has come to its end. */
export interface EndedExecution {
  readonly arn: string;
  readonly name: string;
  readonly modelName: string;
  readonly seconds: number;
  readonly end:
    | { readonly status: "SUCCEEDED"; readonly output: Output }
    | { readonly status: "FAILED" | "TIMED_OUT" | "ABORTED"; readonly failure: Failure };
}

/** An execution that should be reported has not ended. */
export class ExecutionRunningError extends Error {
  override readonly name = "ExecutionRunningError";
}

const Described = z.object({
  executionArn: z.string(),
  name: z.string(),
  startDate: z.date(),
  stopDate: z.date(),
  input: z.string().optional(),
  output: z.string().optional(),
});

/**
 * Reads what DescribeExecution and the history tell.
 *
 * @param lastEvents as of {@link failureOf}; not read of an execution that succeeded.
 * @param deployedModelName the name of the model unless the execution's input gives another.
 * @throws ExecutionRunningError
 */
export function endedExecution(
  described: DescribeExecutionOutput,
  deployedModelName: string,
  lastEvents: readonly HistoryEvent[],
): EndedExecution {
  const { status } = described;
  if (status !== "SUCCEEDED" && status !== "FAILED" && status !== "TIMED_OUT" && status !== "ABORTED") {
    throw new ExecutionRunningError(
      `${described.executionArn} is ${status}; only an execution that ended is reported.`,
    );
  }
  const { executionArn, name, startDate, stopDate, input, output } = Described.parse(described);
  const common = { arn: executionArn, name, seconds: (stopDate.getTime() - startDate.getTime()) / 1000 };
  if (status === "SUCCEEDED") {
    const parsed = Output.parse(JSON.parse(output ?? "null"));
    return { ...common, modelName: parsed.model_name, end: { status, output: parsed } };
  }
  return {
    ...common,
    modelName: requestedModelName(input) ?? deployedModelName,
    end: { status, failure: failureOf(described, lastEvents) },
  };
}

/** The model's name in an execution's input, which may be anything: the execution may have failed because of it. */
function requestedModelName(input: string | undefined): string | undefined {
  const parsed = z.object({ model_name: z.string() }).safeParse(input === undefined ? undefined : JSON.parse(input));
  return parsed.success ? parsed.data.model_name : undefined;
}
