import { type BedrockClient, ListModelInvocationJobsCommand } from "@aws-sdk/client-bedrock";
import type { HistoryEvent } from "@aws-sdk/client-sfn";
import { z } from "zod";
import { LogFollower } from "../../emulation/stubs/log-follower.ts";
import { stageLabel, stageOfTask } from "../../pipeline/stages.ts";
import { duration, type Progress } from "../progress.ts";
import { progressOf } from "./job-log.ts";

const BEDROCK_POLL_MS = 2_000;

/** What a task's parameters tell about where its log is. */
const LoggedTask = z.object({ TrainingJobName: z.string().optional(), FunctionName: z.string().optional() });

export interface ExecutionWatchOptions {
  readonly bedrock: BedrockClient;
  readonly trainingJobLog: (jobName: string) => string;
  readonly onStateEntered?: (state: string) => void;
  readonly onProgress?: (progress: Progress) => void;
}

/**
 * Watches whether an execution moves, and how far its state is: by its history, the log of the training job that runs, and the
 * records that Bedrock has answered.
 */
export class ExecutionWatch {
  readonly #options: ExecutionWatchOptions;
  readonly #events = new Set<string>();
  readonly #entered = new Set<string>();
  #state: string | undefined;
  #taken = 0;
  #log: string | undefined;
  #follower: LogFollower | undefined;
  #movedAt = performance.now();
  #bedrockAskedAt = Number.NEGATIVE_INFINITY;
  #records = "";

  constructor(options: ExecutionWatchOptions) {
    this.#options = options;
  }

  /** Whether the execution has entered this state. */
  hasEntered(state: string): boolean {
    return this.#entered.has(state);
  }

  /** Milliseconds since anything moved; a machine that slept meanwhile does not count. */
  idleMs(): number {
    return performance.now() - this.#movedAt;
  }

  /** What stood still for `stallMs`, and where its log is. */
  stallCause(stallMs: number): string {
    const stage = this.#state === undefined ? undefined : stageOfTask(this.#state);
    const where = stage === undefined ? "" : ` in stage ${stageLabel(stage)}`;
    return [
      `Nothing moved for ${duration(stallMs / 1000)}${where}${this.#state === undefined ? "" : ` (state ${this.#state})`}:`,
      "no event in the execution's history, no line in the log, no progress.",
      this.#log === undefined ? "It has no log." : `Its log: ${this.#log}`,
    ].join(" ");
  }

  /** Takes what happened so far, of which it knows the beginning, and looks at what the history does not tell. */
  async take(history: readonly HistoryEvent[]): Promise<void> {
    for (const event of history.slice(this.#taken)) await this.#takeEvent(event);
    this.#taken = history.length;
    if (this.#state !== undefined && stageOfTask(this.#state) === "queries") await this.#lookAtRecords();
  }

  /** Ends what follows logs. */
  async stop(): Promise<void> {
    await this.#follower?.finish();
    this.#follower = undefined;
  }

  async #takeEvent(event: HistoryEvent): Promise<void> {
    const entered = event.stateEnteredEventDetails?.name;
    const parameters = event.taskScheduledEventDetails?.parameters;
    // A state that polls comes back again and again without anything being moved: only what was not seen before counts.
    const what = [event.type, entered, event.stateExitedEventDetails?.name, parameters].join(" ");
    if (!this.#events.has(what)) this.#moved();
    this.#events.add(what);
    if (entered !== undefined) {
      this.#state = entered;
      this.#entered.add(entered);
      this.#options.onStateEntered?.(entered);
    }
    if (parameters !== undefined) await this.#takeTask(LoggedTask.safeParse(JSON.parse(parameters)).data);
  }

  async #takeTask(task: z.infer<typeof LoggedTask> | undefined): Promise<void> {
    const { TrainingJobName: job, FunctionName: lambda } = task ?? {};
    if (job === undefined && lambda === undefined) return;
    await this.stop();
    if (job === undefined) {
      this.#log = `CloudWatch Logs group /aws/lambda/${lambda?.split(":")[6] ?? lambda}`;
      return;
    }
    this.#log = this.#options.trainingJobLog(job);
    this.#follower = new LogFollower(this.#log, (lines) => {
      this.#moved();
      const progress = lines.flatMap((line) => progressOf(line) ?? []).at(-1);
      if (progress !== undefined) this.#options.onProgress?.(progress);
    });
  }

  async #lookAtRecords(): Promise<void> {
    if (performance.now() - this.#bedrockAskedAt < BEDROCK_POLL_MS) return;
    this.#bedrockAskedAt = performance.now();
    const { invocationJobSummaries: jobs = [] } = await this.#options.bedrock.send(
      new ListModelInvocationJobsCommand({ statusEquals: "InProgress" }),
    );
    const [job] = jobs;
    if (job?.totalRecordCount === undefined || job.processedRecordCount === undefined) return;
    const records = `${job.jobArn} ${job.processedRecordCount}`;
    if (records === this.#records) return;
    this.#records = records;
    this.#moved();
    this.#options.onProgress?.({ done: job.processedRecordCount, total: job.totalRecordCount, unit: "query records" });
  }

  #moved(): void {
    this.#movedAt = performance.now();
  }
}
