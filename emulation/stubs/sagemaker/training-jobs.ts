import type { JsonOperations } from "../wire/protocols.ts";
import { ServiceError, validationException } from "../wire/service-error.ts";
import { parseInput } from "../wire/validation.ts";
import { CreateTrainingJobInput, ListTrainingJobsInput, TrainingJobNameInput } from "./inputs.ts";
import type { ResourceTags } from "./resource-tags.ts";
import { Slots } from "./slots.ts";
import type { StubContext } from "./stub-context.ts";
import { TrainingJob, type TrainingJobSettings } from "./training-job.ts";

/** The training jobs of the account. */
export class TrainingJobs {
  readonly #context: StubContext;
  readonly #settings: TrainingJobSettings;
  readonly #tags: ResourceTags;
  readonly #slots: Slots;
  readonly #jobs = new Map<string, TrainingJob>();

  /** @param concurrency jobs that run at the same time; more of them wait in status Starting */
  constructor(context: StubContext, settings: TrainingJobSettings, tags: ResourceTags, concurrency: number) {
    this.#context = context;
    this.#settings = settings;
    this.#tags = tags;
    this.#slots = new Slots(concurrency);
  }

  readonly operations: JsonOperations = {
    CreateTrainingJob: (input) => this.#create(input),
    DescribeTrainingJob: (input) => this.#find(parseInput(TrainingJobNameInput, input).TrainingJobName).describe(),
    StopTrainingJob: (input) => {
      this.#find(parseInput(TrainingJobNameInput, input).TrainingJobName).requestStop();
      return {};
    },
    ListTrainingJobs: (input) => this.#list(input),
  };

  /** Ends every job. */
  async stop(): Promise<void> {
    await Promise.all([...this.#jobs.values()].map((job) => job.abandon()));
  }

  async #create(raw: unknown): Promise<unknown> {
    const input = parseInput(CreateTrainingJobInput, raw);
    await this.#checkChannels(input);
    const existing = this.#jobs.get(input.TrainingJobName);
    if (existing !== undefined) {
      const message = `Training job names must be unique within an AWS account and region, and a training job with this name already exists (${existing.arn})`;
      throw new ServiceError("ResourceInUse", message, 400, { Message: message });
    }
    const job = new TrainingJob(input, this.#context, this.#settings, this.#slots);
    this.#jobs.set(input.TrainingJobName, job);
    this.#tags.add(job.arn, input.Tags ?? []);
    this.#context.onProgress(`training job ${job.name} created (log: ${job.logFile})`);
    return { TrainingJobArn: job.arn };
  }

  async #checkChannels(input: CreateTrainingJobInput): Promise<void> {
    for (const { DataSource } of input.InputDataConfig ?? []) {
      const { S3Uri } = DataSource.S3DataSource;
      const bucket = S3Uri.split("/")[2] ?? "";
      const refuse = (cause: string) =>
        validationException(
          `No S3 objects found under S3 URL "${S3Uri}" given in input data source. Please ensure that the bucket exists in the selected region (${this.#context.region}), that objects exist under that S3 prefix, and that the role "${input.RoleArn}" has "s3:ListBucket" permissions on bucket "${bucket}".${cause}`,
        );
      let objects: number;
      try {
        objects = (await this.#context.stores.as(input.RoleArn).list(S3Uri)).length;
      } catch (error) {
        throw refuse(` Error message from S3: ${(error as Error).message}`);
      }
      if (objects === 0) throw refuse("");
    }
  }

  #find(name: string): TrainingJob {
    const job = this.#jobs.get(name);
    if (job === undefined) throw validationException("Requested resource not found.");
    return job;
  }

  #list(raw: unknown): unknown {
    const input = parseInput(ListTrainingJobsInput, raw);
    const created = (job: TrainingJob) => job.created.getTime() / 1000;
    const key = (job: TrainingJob) =>
      ({ Name: job.name, CreationTime: created(job).toFixed(3), Status: job.status })[input.SortBy];
    const jobs = [...this.#jobs.values()]
      .filter((job) => job.name.includes(input.NameContains ?? ""))
      .filter((job) => input.StatusEquals === undefined || job.status === input.StatusEquals)
      .filter((job) => created(job) >= (input.CreationTimeAfter ?? 0))
      .filter((job) => created(job) <= (input.CreationTimeBefore ?? Number.POSITIVE_INFINITY))
      .sort((a, b) => key(a).localeCompare(key(b)));
    if (input.SortOrder === "Descending") jobs.reverse();
    const start = Number(input.NextToken ?? 0);
    const page = jobs.slice(start, start + input.MaxResults);
    const next = start + input.MaxResults;
    return {
      TrainingJobSummaries: page.map((job) => job.summary()),
      ...(next < jobs.length ? { NextToken: String(next) } : {}),
    };
  }
}
