import { randomInt } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { ServiceError, validationException } from "../wire/service-error.ts";
import { parseInput } from "../wire/validation.ts";
import { CreateModelInvocationJobInput, ListModelInvocationJobsInput } from "./inputs.ts";
import { type ForcedOutcome, InvocationJob, type InvocationJobContext } from "./invocation-job.ts";
import { checkModelId } from "./model-id.ts";

/** What a forced outcome may depend on. */
export interface SubmittedJob {
  readonly jobName: string;
  readonly inputUri: string;
  /** How many jobs were submitted before it. */
  readonly index: number;
}

const JOB_ID_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789";
const JOB_ID_LENGTH = 12;

/** The batch inference jobs of the account. */
export class InvocationJobs {
  readonly #context: InvocationJobContext;
  readonly #arnPrefix: string;
  readonly #outcomeOf: (job: SubmittedJob) => ForcedOutcome | undefined;
  readonly #jobs = new Map<string, InvocationJob>();
  readonly #byToken = new Map<string, InvocationJob>();

  /** @param arnPrefix `arn:aws:bedrock:<region>:<account>:model-invocation-job/` */
  constructor(
    context: InvocationJobContext,
    arnPrefix: string,
    outcomeOf: (job: SubmittedJob) => ForcedOutcome | undefined,
  ) {
    this.#context = context;
    this.#arnPrefix = arnPrefix;
    this.#outcomeOf = outcomeOf;
  }

  /** CreateModelInvocationJob; the same token with the same input gives the job that it gave before. */
  create(raw: unknown): { jobArn: string } {
    const input = parseInput(CreateModelInvocationJobInput, raw);
    checkModelId(input.modelId);
    const token = input.clientRequestToken;
    const existing = token === undefined ? undefined : this.#byToken.get(token);
    if (existing !== undefined) {
      if (isDeepStrictEqual(existing.input, input)) return { jobArn: existing.arn };
      throw new ServiceError("ConflictException", "The client request token was used with other parameters before.");
    }
    const id = Array.from({ length: JOB_ID_LENGTH }, () => JOB_ID_ALPHABET[randomInt(JOB_ID_ALPHABET.length)]).join("");
    const outcome = this.#outcomeOf({
      jobName: input.jobName,
      inputUri: input.inputDataConfig.s3InputDataConfig.s3Uri,
      index: this.#jobs.size,
    });
    const job = new InvocationJob(`${this.#arnPrefix}${id}`, input, this.#context, outcome);
    this.#jobs.set(job.arn, job);
    if (token !== undefined) this.#byToken.set(token, job);
    return { jobArn: job.arn };
  }

  /** The job with an id or ARN. @throws ServiceError */
  find(identifier: string): InvocationJob {
    const arn = identifier.startsWith("arn:") ? identifier : `${this.#arnPrefix}${identifier}`;
    if (!/\/[a-z0-9]{12}$/.test(arn)) throw validationException(`${identifier} is not the ARN or the id of a job.`);
    const job = this.#jobs.get(arn);
    if (job === undefined) {
      throw new ServiceError(
        "ResourceNotFoundException",
        `Could not find the model invocation job ${identifier}.`,
        404,
      );
    }
    return job;
  }

  /** ListModelInvocationJobs. */
  list(query: URLSearchParams): unknown {
    const input = parseInput(ListModelInvocationJobsInput, Object.fromEntries(query));
    const jobs = [...this.#jobs.values()]
      .filter((job) => input.statusEquals === undefined || job.status === input.statusEquals)
      .filter((job) => job.input.jobName.includes(input.nameContains ?? ""))
      .filter((job) => input.submitTimeAfter === undefined || job.submitted > input.submitTimeAfter)
      .filter((job) => input.submitTimeBefore === undefined || job.submitted < input.submitTimeBefore);
    if (input.sortOrder === "Descending") jobs.reverse();
    const start = Number(input.nextToken ?? 0);
    const next = start + input.maxResults;
    return {
      invocationJobSummaries: jobs.slice(start, next).map((job) => job.describe()),
      ...(next < jobs.length ? { nextToken: String(next) } : {}),
    };
  }

  /** Ends every job. */
  async stop(): Promise<void> {
    for (const job of this.#jobs.values()) {
      try {
        job.requestStop();
      } catch (error) {
        if (!(error instanceof ServiceError)) throw error;
      }
      await job.finished;
    }
  }
}
