import { setTimeout as sleep } from "node:timers/promises";
import type { BedrockClient } from "@aws-sdk/client-bedrock";
import {
  DescribeExecutionCommand,
  type HistoryEvent,
  paginateGetExecutionHistory,
  type SFNClient,
  StartExecutionCommand,
  StopExecutionCommand,
} from "@aws-sdk/client-sfn";
import { type StateTiming, stateTimings } from "../../pipeline/execution-history.ts";
import type { Progress } from "../progress.ts";
import { ExecutionWatch } from "./execution-watch.ts";

/** An execution of which nothing moves for so long is stopped. */
const STALL_MS = 10 * 60_000;
const POLL_MS = 500;
/** For an execution that is stopped to end. */
const STOP_MS = 60_000;

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

/** How an execution ended, in a line. */
export function endOf({ name, status, error, cause }: ExecutionResult): string {
  if (status === "SUCCEEDED") return name;
  return `${status} ${error ?? "without an error"}: ${(cause ?? "").replace(/\s+/g, " ").slice(0, 400)}`;
}

/** What executions are started and followed with. */
export interface ExecutionSetting {
  readonly stepFunctions: SFNClient;
  /** Tells how far the job is that makes queries. */
  readonly bedrock: BedrockClient;
  readonly stateMachineArn: string;
  /** The file that a training job's output goes to. */
  readonly trainingJobLog: (jobName: string) => string;
  /** Milliseconds without any movement after which an execution is stopped. @default - ten minutes */
  readonly stallMs?: number;
}

export interface ExecutionOptions {
  readonly name: string;
  readonly input: Record<string, unknown>;
  /** Called when a state is entered. */
  readonly onStateEntered?: (state: string) => void;
  /** Called with how far the state is that was entered last. */
  readonly onProgress?: (progress: Progress) => void;
  /** Name of a state at which the execution is stopped as soon as it is entered. @default - it runs to its end */
  readonly stopAt?: string;
}

/** Runs executions of the deployed state machine. */
export class Executions {
  readonly #setting: ExecutionSetting;

  constructor(setting: ExecutionSetting) {
    this.#setting = setting;
  }

  /** Starts an execution and follows it to its end, however long that takes; one in which nothing moves any more is stopped. */
  async run(options: ExecutionOptions): Promise<ExecutionResult> {
    const executionArn = await this.#start(options);
    const watch = new ExecutionWatch({ ...this.#setting, ...options });
    try {
      return await this.#follow(executionArn, options, watch);
    } finally {
      await watch.stop();
    }
  }

  async #start({ name, input }: ExecutionOptions): Promise<string> {
    const { stepFunctions, stateMachineArn } = this.#setting;
    const { executionArn } = await stepFunctions.send(
      new StartExecutionCommand({ stateMachineArn, name, input: JSON.stringify(input) }),
    );
    if (executionArn === undefined) throw new Error("Step Functions started an execution without giving its ARN");
    return executionArn;
  }

  async #follow(
    executionArn: string,
    { name, stopAt }: ExecutionOptions,
    watch: ExecutionWatch,
  ): Promise<ExecutionResult> {
    const { stepFunctions, stallMs = STALL_MS } = this.#setting;
    const stop = (error: string, cause: string) =>
      stepFunctions.send(new StopExecutionCommand({ executionArn, error, cause }));
    let stalled: { readonly error: string; readonly cause: string; readonly since: number } | undefined;
    for (;;) {
      const described = await stepFunctions.send(new DescribeExecutionCommand({ executionArn }));
      const events = await executionHistory(stepFunctions, executionArn);
      await watch.take(events);
      const status = described.status === "PENDING_REDRIVE" ? "RUNNING" : described.status;
      if (status !== "RUNNING" || (stalled !== undefined && performance.now() - stalled.since > STOP_MS)) {
        return {
          name,
          status: (status === "RUNNING" ? "ABORTED" : status) ?? "FAILED",
          output: described.output === undefined ? undefined : JSON.parse(described.output),
          error: stalled?.error ?? described.error,
          cause: stalled?.cause ?? described.cause,
          states: stateTimings(events),
        };
      }
      if (stopAt !== undefined && watch.hasEntered(stopAt)) {
        await stop("Stopped", `at ${stopAt}`);
      } else if (stalled === undefined && watch.idleMs() > stallMs) {
        stalled = { error: "ExecutionStalled", cause: watch.stallCause(stallMs), since: performance.now() };
        await stop(stalled.error, stalled.cause);
      }
      await sleep(POLL_MS);
    }
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
