import { setTimeout as sleep } from "node:timers/promises";
import {
  DescribeExecutionCommand,
  type HistoryEvent,
  paginateGetExecutionHistory,
  type SFNClient,
  StartExecutionCommand,
  StopExecutionCommand,
} from "@aws-sdk/client-sfn";
import { type StateTiming, stateTimings } from "../pipeline/execution-history.ts";

/** How an execution ended. */
export interface ExecutionResult {
  readonly name: string;
  readonly status: "SUCCEEDED" | "FAILED" | "TIMED_OUT" | "ABORTED";
  /** The output document; undefined when the execution failed. */
  readonly output: unknown;
  readonly error: string | undefined;
  readonly cause: string | undefined;
  readonly states: readonly StateTiming[];
}

export interface ExecutionOptions {
  readonly stateMachineArn: string;
  readonly name: string;
  readonly input: Record<string, unknown>;
  /** Called when a state is entered. */
  readonly onStateEntered: (state: string) => void;
  /** Name of a state at which the execution is stopped as soon as it is entered. @default - it runs to its end */
  readonly stopAt?: string;
  readonly timeoutMs: number;
}

/** Starts an execution and follows it to its end; one that takes longer than `timeoutMs` is stopped. */
export async function runExecution(client: SFNClient, options: ExecutionOptions): Promise<ExecutionResult> {
  const { executionArn } = await client.send(
    new StartExecutionCommand({
      stateMachineArn: options.stateMachineArn,
      name: options.name,
      input: JSON.stringify(options.input),
    }),
  );
  if (executionArn === undefined) throw new Error("Step Functions started an execution without giving its ARN");
  const deadline = Date.now() + options.timeoutMs;
  let announced = 0;
  for (;;) {
    const described = await client.send(new DescribeExecutionCommand({ executionArn }));
    const events = await executionHistory(client, executionArn);
    const entered = events.flatMap((event) => event.stateEnteredEventDetails?.name ?? []);
    for (const state of entered.slice(announced)) options.onStateEntered(state);
    announced = entered.length;
    if (described.status !== "RUNNING" && described.status !== "PENDING_REDRIVE") {
      return {
        name: options.name,
        status: described.status ?? "FAILED",
        output: described.output === undefined ? undefined : JSON.parse(described.output),
        error: described.error,
        cause: described.cause,
        states: stateTimings(events),
      };
    }
    if (options.stopAt !== undefined && entered.includes(options.stopAt)) {
      await client.send(new StopExecutionCommand({ executionArn, error: "Stopped", cause: `at ${options.stopAt}` }));
    } else if (Date.now() > deadline) {
      await client.send(new StopExecutionCommand({ executionArn, error: "HarnessTimeout" }));
    }
    await sleep(500);
  }
}

/** What happened in an execution so far. */
export async function executionHistory(client: SFNClient, executionArn: string): Promise<HistoryEvent[]> {
  const events: HistoryEvent[] = [];
  for await (const page of paginateGetExecutionHistory({ client }, { executionArn, maxResults: 1000 })) {
    events.push(...(page.events ?? []));
  }
  return events;
}
