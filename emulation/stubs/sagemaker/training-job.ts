import { mkdir, stat } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { StartedProcess } from "../../processes/processes.ts";
import { LogFollower } from "../log-follower.ts";
import { epochSeconds } from "../wire/protocols.ts";
import { validationException } from "../wire/service-error.ts";
import { CheckpointSync } from "./checkpoint-sync.ts";
import { algorithmError, TAIL_LINES } from "./failure-reason.ts";
import type { CreateTrainingJobInput } from "./inputs.ts";
import { MetricExtraction } from "./metric-extraction.ts";
import type { Slots } from "./slots.ts";
import { logFilePath, logStream, type StubContext, sageMakerArn } from "./stub-context.ts";
import { DataDownloadError, TrainingContainer } from "./training-container.ts";

const DEFAULT_MAX_RUNTIME_S = 86_400;
const CHECKPOINT_INTERVAL_MS = 5_000;
const INTERRUPTION_POLL_MS = 200;
/** What `training_entry.py` prints before the line with the command. */
const COMMAND_ANNOUNCEMENT = "Invoking script with the following command:";

export type TrainingJobStatus = "InProgress" | "Completed" | "Failed" | "Stopping" | "Stopped";
type SecondaryStatus =
  | "Starting"
  | "Downloading"
  | "Training"
  | "Uploading"
  | "Interrupted"
  | "Stopping"
  | "Stopped"
  | "MaxRuntimeExceeded"
  | "Completed"
  | "Failed";

const STATUS_MESSAGES: Readonly<Record<SecondaryStatus, string>> = {
  Starting: "Preparing the instances for training",
  Downloading: "Downloading input data",
  Training: "Training image download completed. Training in progress.",
  Uploading: "Uploading generated training model",
  Interrupted: "Training job was interrupted. Waiting for spot capacity.",
  Stopping: "Stopping the training job",
  Stopped: "Training job stopped",
  MaxRuntimeExceeded: "Training job runtime exceeded MaxRuntimeInSeconds provided",
  Completed: "Training job completed",
  Failed: "Training job failed",
};

interface Transition {
  readonly Status: SecondaryStatus;
  readonly StartTime: number;
  EndTime?: number;
  readonly StatusMessage: string;
}

type StopCause = "requested" | "max-runtime" | "abandoned";

/** How a training job's processes are run. */
export interface TrainingJobSettings {
  /** Between SIGTERM and SIGKILL; 120 s on SageMaker. */
  readonly stopGraceMs: number;
  /** How often each job on spot instances loses its instance, each time as soon as it has saved something new. */
  readonly spotInterruptions: number;
}

/** One training job, from CreateTrainingJob to its end. */
export class TrainingJob {
  readonly arn: string;
  readonly created = new Date();
  readonly logFile: string;
  readonly #input: CreateTrainingJobInput;
  readonly #context: StubContext;
  readonly #settings: TrainingJobSettings;
  readonly #container: TrainingContainer;
  readonly #metrics: MetricExtraction;
  readonly #transitions: Transition[] = [];
  #status: TrainingJobStatus = "InProgress";
  #modified = new Date();
  #started: Date | undefined;
  #ended: Date | undefined;
  #failureReason: string | undefined;
  #stopCause: StopCause | undefined;
  readonly #stopRequested = new AbortController();
  #process: StartedProcess | undefined;
  #interruptionsLeft: number;
  #interrupted = false;
  #command = "";
  /** Resolves when the job has come to its end. */
  readonly finished: Promise<void>;

  constructor(input: CreateTrainingJobInput, context: StubContext, settings: TrainingJobSettings, slots: Slots) {
    this.#input = input;
    this.#context = context;
    this.#settings = settings;
    this.#interruptionsLeft = input.EnableManagedSpotTraining === true ? settings.spotInterruptions : 0;
    this.arn = sageMakerArn(context, "training-job", input.TrainingJobName);
    this.logFile = logFilePath(context, "training-jobs", input.TrainingJobName);
    this.#metrics = new MetricExtraction(input.AlgorithmSpecification.MetricDefinitions ?? []);
    this.#container = new TrainingContainer({
      job: input,
      jobArn: this.arn,
      region: context.region,
      baseDirectory: path.join(context.workDirectory, "training-jobs", input.TrainingJobName),
      logFile: this.logFile,
      store: context.stores.as(input.RoleArn),
      python: context.python,
      environment: context.jobEnvironment,
    });
    this.#enter("Starting");
    this.finished = this.#run(slots);
  }

  get name(): string {
    return this.#input.TrainingJobName;
  }

  get status(): TrainingJobStatus {
    return this.#status;
  }

  /** Asks the job to stop. @throws ServiceError `ValidationException` when it is already over. */
  requestStop(): void {
    if (this.#status === "Stopping") return;
    if (this.#status !== "InProgress") {
      throw validationException(`The request was rejected because the training job is in status ${this.#status}.`);
    }
    this.#stop("requested", this.#settings.stopGraceMs);
  }

  /** Ends the job's process for good when the stub itself ends. */
  async abandon(): Promise<void> {
    if (this.#status === "InProgress" || this.#status === "Stopping") {
      this.#stop("abandoned", 0);
    }
    await this.finished;
  }

  /** The output of DescribeTrainingJob. */
  describe(): Record<string, unknown> {
    const { Tags, ...input } = this.#input;
    const seconds =
      this.#started === undefined || this.#ended === undefined
        ? undefined
        : Math.max(1, Math.ceil((this.#ended.getTime() - this.#started.getTime()) / 1000));
    const metrics = this.#metrics.final;
    return {
      ...input,
      StoppingCondition: { MaxRuntimeInSeconds: DEFAULT_MAX_RUNTIME_S, ...input.StoppingCondition },
      EnableNetworkIsolation: input.EnableNetworkIsolation ?? false,
      EnableManagedSpotTraining: input.EnableManagedSpotTraining ?? false,
      EnableInterContainerTrafficEncryption: false,
      TrainingJobArn: this.arn,
      ModelArtifacts: { S3ModelArtifacts: this.#container.modelUri },
      TrainingJobStatus: this.#status,
      SecondaryStatus: this.#transitions.at(-1)?.Status,
      SecondaryStatusTransitions: this.#transitions,
      CreationTime: epochSeconds(this.created),
      LastModifiedTime: epochSeconds(this.#modified),
      ...(this.#started === undefined ? {} : { TrainingStartTime: epochSeconds(this.#started) }),
      ...(this.#ended === undefined ? {} : { TrainingEndTime: epochSeconds(this.#ended) }),
      ...(seconds === undefined ? {} : { TrainingTimeInSeconds: seconds, BillableTimeInSeconds: seconds }),
      ...(this.#failureReason === undefined ? {} : { FailureReason: this.#failureReason }),
      ...(metrics.length === 0 ? {} : { FinalMetricDataList: metrics }),
    };
  }

  /** The job's entry in ListTrainingJobs. */
  summary(): Record<string, unknown> {
    return {
      TrainingJobName: this.name,
      TrainingJobArn: this.arn,
      CreationTime: epochSeconds(this.created),
      LastModifiedTime: epochSeconds(this.#modified),
      TrainingJobStatus: this.#status,
      SecondaryStatus: this.#transitions.at(-1)?.Status,
      ...(this.#ended === undefined ? {} : { TrainingEndTime: epochSeconds(this.#ended) }),
    };
  }

  async #run(slots: Slots): Promise<void> {
    const running = await slots.acquire(this.#stopRequested.signal);
    try {
      if (running) await this.#train();
      if (this.#stopCause === undefined) this.#end("Completed");
      else this.#end(this.#stopCause === "max-runtime" ? "MaxRuntimeExceeded" : "Stopped");
    } catch (error) {
      const reason = error instanceof JobFailure || error instanceof DataDownloadError;
      this.#failureReason = reason
        ? error.message
        : `InternalServerError: ${(error as Error).stack ?? String(error)}`.slice(0, 1024);
      this.#end("Failed");
    } finally {
      if (running) {
        await this.#container.remove().catch((error: unknown) => this.#context.onProgress(String(error)));
        slots.release();
      }
    }
  }

  async #train(): Promise<void> {
    this.#started = new Date();
    await mkdir(path.dirname(this.logFile), { recursive: true });
    while (await this.#attempt()) this.#enter("Starting");
  }

  /** Runs the job on one instance. @returns whether that was taken away, so that the job has to begin again on another. */
  async #attempt(): Promise<boolean> {
    this.#enter("Downloading");
    await this.#container.prepare();
    const checkpoints = this.#checkpoints();
    await checkpoints?.restore();
    if (this.#stopCause !== undefined) return false;
    this.#enter("Training");
    this.#interrupted = false;
    const tail = await this.#runScript(checkpoints);
    const exitCode = await this.#process?.exited;
    if (this.#stopCause === undefined && this.#interrupted) {
      await checkpoints?.finish();
      this.#enter("Interrupted");
      this.#context.onProgress(`training job ${this.name} Interrupted`);
      return true;
    }
    if (this.#stopCause === undefined && exitCode !== 0) {
      await checkpoints?.finish();
      throw new JobFailure(algorithmError(exitCode ?? null, await this.#container.failureFile(), tail, this.#command));
    }
    // With the stub, the S3 that results would go to comes to its end.
    if (this.#stopCause === "abandoned") {
      await checkpoints?.stop();
      return false;
    }
    this.#enter("Uploading");
    await checkpoints?.finish();
    await this.#container.uploadResults();
    return false;
  }

  /** Runs the script to its end. @returns the last lines of its log */
  async #runScript(checkpoints: CheckpointSync | undefined): Promise<string[]> {
    const { StoppingCondition } = this.#input;
    let tail: string[] = [];
    const cloudWatch = logStream(
      this.#context,
      this.#input.RoleArn,
      "/aws/sagemaker/TrainingJobs",
      `${this.name}/algo-1-${Math.floor(Date.now() / 1000)}`,
    );
    const logged = await stat(this.logFile).then(
      ({ size }) => size,
      () => 0,
    );
    const started = this.#container.start();
    this.#process = started;
    const consume = (lines: readonly string[], seen: Date) => {
      this.#metrics.consume(lines, seen);
      cloudWatch?.append(lines, seen);
      const announced = lines.indexOf(COMMAND_ANNOUNCEMENT);
      if (announced !== -1) this.#command = lines[announced + 1] ?? "";
      tail = [...tail, ...lines].slice(-TAIL_LINES);
    };
    const follower = new LogFollower(this.logFile, consume, logged);
    checkpoints?.start(CHECKPOINT_INTERVAL_MS);
    const over = new AbortController();
    if (checkpoints !== undefined && this.#interruptionsLeft > 0) void this.#interrupt(checkpoints, over.signal);
    const limitMs = (StoppingCondition?.MaxRuntimeInSeconds ?? DEFAULT_MAX_RUNTIME_S) * 1000;
    void sleep(Math.min(limitMs, 2 ** 31 - 1), undefined, { ref: false, signal: over.signal }).then(
      () => this.#stop("max-runtime", this.#settings.stopGraceMs),
      () => undefined,
    );
    await started.exited;
    over.abort();
    await follower.finish();
    await cloudWatch?.finish();
    return tail;
  }

  /** Takes the instance away once the script has saved something. */
  async #interrupt(checkpoints: CheckpointSync, over: AbortSignal): Promise<void> {
    while (!(await checkpoints.hasNews().catch(() => false))) {
      await sleep(INTERRUPTION_POLL_MS, undefined, { ref: false });
      if (over.aborted) return;
    }
    if (over.aborted || this.#stopCause !== undefined) return;
    this.#interruptionsLeft -= 1;
    this.#interrupted = true;
    void this.#process?.stop(this.#settings.stopGraceMs);
  }

  #stop(cause: StopCause, graceMs: number): void {
    if (this.#stopCause === undefined || cause === "abandoned") this.#stopCause = cause;
    this.#status = "Stopping";
    this.#enter("Stopping");
    this.#stopRequested.abort();
    void this.#process?.stop(graceMs);
  }

  #checkpoints(): CheckpointSync | undefined {
    const { CheckpointConfig } = this.#input;
    if (CheckpointConfig === undefined) return undefined;
    const directory = this.#container.localPath(CheckpointConfig.LocalPath ?? "/opt/ml/checkpoints");
    return new CheckpointSync(this.#context.stores.as(this.#input.RoleArn), directory, CheckpointConfig.S3Uri);
  }

  #enter(status: SecondaryStatus): void {
    const now = new Date();
    const previous = this.#transitions.at(-1);
    if (previous?.Status === status) return;
    if (previous !== undefined) previous.EndTime = epochSeconds(now);
    this.#transitions.push({ Status: status, StartTime: epochSeconds(now), StatusMessage: STATUS_MESSAGES[status] });
    this.#modified = now;
  }

  #end(status: "Completed" | "Failed" | "Stopped" | "MaxRuntimeExceeded"): void {
    this.#enter(status);
    this.#ended = new Date();
    const last = this.#transitions.at(-1);
    if (last !== undefined) last.EndTime = epochSeconds(this.#ended);
    this.#status = status === "MaxRuntimeExceeded" ? "Stopped" : status;
    const reason = this.#failureReason === undefined ? "" : `: ${this.#failureReason.split("\n").join(" ")}`;
    this.#context.onProgress(`training job ${this.name} ${status}${reason} (log: ${this.logFile})`);
  }
}

/** The script failed; the message is the job's FailureReason. */
class JobFailure extends Error {
  override readonly name = "JobFailure";
}
