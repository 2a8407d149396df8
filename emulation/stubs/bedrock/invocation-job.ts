import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import path from "node:path";
import { finished } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { joinS3Uri, type ObjectStore, type ObjectStores } from "../object-store.ts";
import { validationException } from "../wire/service-error.ts";
import { MessagesRequest, userText } from "./anthropic-messages.ts";
import { type BatchFile, BatchInputError, batchFiles, batchRecords, validateBatch } from "./batch-input.ts";
import type { DocumentFrequency } from "./document-frequency.ts";
import type { BatchRecord, CreateModelInvocationJobInput, InvocationJobStatus } from "./inputs.ts";
import { type AnswerHabits, complete } from "./language-model.ts";
import type { RecordErrors } from "./record-errors.ts";
import { seededRandom } from "./seeded-random.ts";
import type { BatchLimits } from "./service-quotas.ts";

/** How a job is to end other than by itself, for tests of what comes after. */
export type ForcedOutcome =
  | { readonly status: "Failed"; readonly message: string }
  | { readonly status: "Expired" }
  /** Time runs out, or someone stops the job, after this share of the records. */
  | { readonly status: "PartiallyCompleted" | "Stopped"; readonly processedShare: number };

/** What the jobs of one stub share. */
export interface InvocationJobContext {
  readonly stores: ObjectStores;
  readonly limits: BatchLimits;
  readonly habits: AnswerHabits;
  /** What the model knows about words. */
  readonly frequency: DocumentFrequency;
  readonly recordErrors: RecordErrors;
  readonly workDirectory: string;
  /** Milliseconds in each of Submitted, Validating and Scheduled. */
  readonly statusMs: number;
  readonly onProgress: (line: string) => void;
}

/** Records that may change places in the output. */
const SHUFFLE_WINDOW = 200;
const HOUR_MS = 3_600_000;
const DEFAULT_TIMEOUT_HOURS = 24;
const TERMINAL: ReadonlySet<InvocationJobStatus> = new Set([
  "Completed",
  "PartiallyCompleted",
  "Failed",
  "Stopped",
  "Expired",
]);
const OUT_OF_SERVICE = {
  errorCode: 500,
  errorMessage: "The system encountered an unexpected error during processing. Try your request again.",
};

interface Counts {
  total: number;
  processed: number;
  success: number;
  error: number;
  inputTokens: number;
  outputTokens: number;
}

/** One batch inference job, from its submission to its end. */
export class InvocationJob {
  readonly arn: string;
  readonly input: CreateModelInvocationJobInput;
  readonly submitted = new Date();
  readonly #context: InvocationJobContext;
  readonly #outcome: ForcedOutcome | undefined;
  readonly #stopped = new AbortController();
  readonly #counts: Counts = { total: 0, processed: 0, success: 0, error: 0, inputTokens: 0, outputTokens: 0 };
  #status: InvocationJobStatus = "Submitted";
  #message: string | undefined;
  #modified = new Date();
  #ended: Date | undefined;
  /** Resolves when the job has come to its end. */
  readonly finished: Promise<void>;

  constructor(
    arn: string,
    input: CreateModelInvocationJobInput,
    context: InvocationJobContext,
    outcome: ForcedOutcome | undefined,
  ) {
    this.arn = arn;
    this.input = input;
    this.#context = context;
    this.#outcome = outcome;
    this.finished = this.#run();
  }

  get #store(): ObjectStore {
    return this.#context.stores.as(this.input.roleArn);
  }

  get status(): InvocationJobStatus {
    return this.#status;
  }

  /** @throws ServiceError `ValidationException` when the job is over. */
  requestStop(): void {
    if (TERMINAL.has(this.#status)) {
      throw validationException(`The job ${this.arn} cannot be stopped: its status is ${this.#status}.`);
    }
    this.#enter("Stopping");
    this.#stopped.abort();
  }

  /** The output of GetModelInvocationJob, and the job's entry in ListModelInvocationJobs. */
  describe(): Record<string, unknown> {
    const { tags, timeoutDurationInHours = DEFAULT_TIMEOUT_HOURS, ...input } = this.input;
    return {
      ...input,
      timeoutDurationInHours,
      modelInvocationType: "InvokeModel",
      jobArn: this.arn,
      status: this.#status,
      submitTime: this.submitted.toISOString(),
      lastModifiedTime: this.#modified.toISOString(),
      jobExpirationTime: new Date(this.submitted.getTime() + timeoutDurationInHours * HOUR_MS).toISOString(),
      totalRecordCount: this.#counts.total,
      processedRecordCount: this.#counts.processed,
      successRecordCount: this.#counts.success,
      errorRecordCount: this.#counts.error,
      ...(this.#ended === undefined ? {} : { endTime: this.#ended.toISOString() }),
      ...(this.#message === undefined ? {} : { message: this.#message }),
    };
  }

  async #run(): Promise<void> {
    try {
      await this.#pause();
      this.#enter("Validating");
      const { limits } = this.#context;
      const store = this.#store;
      const files = await batchFiles(store, this.input.inputDataConfig.s3InputDataConfig.s3Uri, limits);
      const total = await validateBatch(store, files, limits);
      await this.#pause();
      if (this.#outcome?.status === "Failed") throw new BatchInputError(this.#outcome.message);
      this.#enter("Scheduled");
      await this.#pause();
      if (this.#outcome?.status === "Expired") {
        this.#end("Expired", "The job expired before it was started.");
        return;
      }
      this.#counts.total = total;
      this.#enter("InProgress");
      const cutShort = await this.#process(files);
      if (this.#stopped.signal.aborted) this.#end("Stopped");
      else if (cutShort) this.#end(this.#outcome?.status ?? "Completed");
      else this.#end("Completed");
    } catch (error) {
      if (this.#stopped.signal.aborted) this.#end("Stopped");
      else if (error instanceof BatchInputError) this.#end("Failed", error.message);
      else
        this.#end(
          "Failed",
          `Internal error of the emulator: ${(error as Error).stack ?? String(error)}`.slice(0, 2048),
        );
    }
  }

  /** Runs the records and writes the output. @returns whether the forced outcome ended it early */
  async #process(files: readonly BatchFile[]): Promise<boolean> {
    const { workDirectory } = this.#context;
    const store = this.#store;
    const jobId = this.arn.slice(this.arn.lastIndexOf("/") + 1);
    const outputUri = joinS3Uri(this.input.outputDataConfig.s3OutputDataConfig.s3Uri, jobId);
    const directory = path.join(workDirectory, jobId);
    const limit = this.#processedLimit();
    await mkdir(directory, { recursive: true });
    for (const file of files) {
      const output = path.join(directory, `${file.name}.out`);
      const stream = createWriteStream(output);
      for await (const line of shuffled(this.#answers(file, limit), seededRandom(file.name))) {
        if (!stream.write(`${line}\n`)) await once(stream, "drain");
      }
      stream.end();
      await finished(stream);
      await store.uploadFile(output, joinS3Uri(outputUri, `${file.name}.out`));
    }
    const { total, processed, success, error, inputTokens, outputTokens } = this.#counts;
    const manifest = {
      totalRecordCount: total,
      processedRecordCount: processed,
      successRecordCount: success,
      errorRecordCount: error,
      inputTokenCount: inputTokens,
      outputTokenCount: outputTokens,
    };
    await store.uploadText(JSON.stringify(manifest), joinS3Uri(outputUri, "manifest.json.out"));
    await rm(directory, { recursive: true, force: true });
    return processed < total;
  }

  async *#answers(file: BatchFile, limit: number): AsyncGenerator<string> {
    for await (const record of batchRecords(this.#store, file)) {
      if (this.#counts.processed >= limit || this.#stopped.signal.aborted) return;
      const recordId = record.recordId ?? `RECORD${String(this.#counts.processed).padStart(7, "0")}`;
      this.#counts.processed += 1;
      yield JSON.stringify({ recordId, modelInput: record.modelInput, ...this.#answer(recordId, record) });
      // The event loop serves GetModelInvocationJob in between.
      if (this.#counts.processed % 20 === 0) await sleep(0);
    }
  }

  #answer(recordId: string, { modelInput }: BatchRecord): Record<string, unknown> {
    const request = MessagesRequest.safeParse(modelInput);
    if (!request.success) {
      this.#counts.error += 1;
      return { error: { errorCode: 400, errorMessage: invalidRequest(request.error.issues) } };
    }
    const { recordErrors, habits, frequency } = this.#context;
    if (recordErrors.fails(recordId, userText(request.data))) {
      this.#counts.error += 1;
      return { error: OUT_OF_SERVICE };
    }
    const modelOutput = complete(request.data, this.input.modelId, habits, frequency);
    this.#counts.success += 1;
    this.#counts.inputTokens += modelOutput.usage.input_tokens;
    this.#counts.outputTokens += modelOutput.usage.output_tokens;
    return { modelOutput };
  }

  #processedLimit(): number {
    const outcome = this.#outcome;
    if (outcome === undefined || !("processedShare" in outcome)) return Number.POSITIVE_INFINITY;
    return Math.floor(this.#counts.total * outcome.processedShare);
  }

  async #pause(): Promise<void> {
    await sleep(this.#context.statusMs, undefined, { signal: this.#stopped.signal });
  }

  #enter(status: InvocationJobStatus): void {
    if (this.#status === "Stopping") return;
    this.#status = status;
    this.#modified = new Date();
  }

  #end(status: InvocationJobStatus, message?: string): void {
    this.#status = status;
    this.#message = message?.slice(0, 2048);
    this.#ended = new Date();
    this.#modified = this.#ended;
    const { success, error, total } = this.#counts;
    const counts = `${success} of ${total} records answered, ${error} failed`;
    this.#context.onProgress(`Bedrock job ${this.input.jobName} ${status}: ${message ?? counts}`);
  }
}

/** What InvokeModel says about a body that is no messages request. */
export function invalidRequest(
  issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[],
): string {
  const [first] = issues;
  return `Malformed input request: ${first === undefined ? "" : `#/${first.path.map(String).join("/")}: ${first.message}`}, please reformat your input and try again.`;
}

/** The items in an order of their own: each leaves a window of `SHUFFLE_WINDOW` at random. */
async function* shuffled<T>(items: AsyncIterable<T>, random: () => number): AsyncGenerator<T> {
  const window: T[] = [];
  const take = () => window.splice(Math.floor(random() * window.length), 1);
  for await (const item of items) {
    window.push(item);
    if (window.length > SHUFFLE_WINDOW) yield* take();
  }
  while (window.length > 0) yield* take();
}
