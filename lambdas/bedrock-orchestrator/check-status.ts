import { type BedrockClient, GetModelInvocationJobCommand } from "@aws-sdk/client-bedrock";
import type { BedrockRuntimeClient } from "@aws-sdk/client-bedrock-runtime";
import type { S3Client } from "@aws-sdk/client-s3";
import type { QueryBatch } from "../../pipeline/artifacts.ts";
import { LineObject } from "../shared/aws/part-writer.ts";
import { below, formatS3Uri, type S3Location, S3Uri } from "../shared/aws/s3-uri.ts";
import type { QueryJob } from "./create-job.ts";
import { type JobOutput, readJobInput, readJobOutput } from "./job-output.ts";
import { answerOnDemand } from "./on-demand.ts";
import { onDemandOutputPrefix, outputPrefix, retryLocation } from "./queries-layout.ts";

export interface CheckRequest {
  readonly run: S3Location;
  readonly job: QueryJob;
  readonly modelId: string;
  /** Milliseconds until the Lambda runtime ends this invocation. */
  remainingMs(): number;
}

export interface JobStatus {
  /** `Failed` cannot be helped by looking again: only another job can answer the batch. */
  readonly status: "InProgress" | "Completed" | "Retry" | "Failed";
  /** With `Retry`, the records to ask again. */
  readonly retry_batch: QueryBatch | null;
  /** Records of the batch with an answer, both attempts together. */
  readonly succeeded: number;
  /** Records of the batch without one. */
  readonly failed: number;
  /** With `Failed`, what happened. */
  readonly failure: string | null;
}

export interface OrchestratorClients {
  readonly s3: S3Client;
  readonly bedrock: BedrockClient;
  readonly runtime: BedrockRuntimeClient;
}

const IN_PROGRESS = new Set(["Submitted", "Validating", "Scheduled", "InProgress", "Stopping"]);
/** Attempts at a record. */
const MAX_ATTEMPTS = 2;
/** With less than this the training data would not be what was asked for. */
const MIN_SUCCEEDED_SHARE = 0.5;

async function writeRetryInput(
  s3: S3Client,
  run: S3Location,
  batch: QueryBatch,
  succeeded: ReadonlySet<string>,
): Promise<QueryBatch> {
  const retry = new LineObject(s3, retryLocation(run, batch.batch_index));
  try {
    for await (const block of readJobInput(s3, S3Uri.parse(batch.s3_input_uri))) {
      const unanswered = block.filter(({ record }) => !succeeded.has(record.recordId));
      await retry.append(unanswered.map(({ line }) => line));
    }
    await retry.end();
  } catch (error) {
    await retry.abort();
    throw error;
  }
  return {
    batch_index: batch.batch_index,
    s3_input_uri: formatS3Uri(retry.location),
    record_count: retry.lines,
    attempt: batch.attempt + 1,
    first_record_count: batch.record_count,
  };
}

function mostFrequent(reasons: ReadonlyMap<string, number>): string {
  const [first] = [...reasons].sort((a, b) => b[1] - a[1]);
  return first === undefined ? "no output was written for them" : `${first[1]} times: ${first[0]}`;
}

async function conclude(s3: S3Client, request: CheckRequest, output: JobOutput): Promise<JobStatus> {
  const { batch } = request.job;
  const asked = batch.first_record_count ?? batch.record_count;
  const failed = batch.record_count - output.succeeded.size;
  const counts = { succeeded: asked - failed, failed, failure: null };
  if (failed === 0) return { status: "Completed", retry_batch: null, ...counts };
  if (batch.attempt < MAX_ATTEMPTS) {
    const retry = await writeRetryInput(s3, request.run, batch, output.succeeded);
    return { status: "Retry", retry_batch: retry, ...counts };
  }
  if (counts.succeeded < asked * MIN_SUCCEEDED_SHARE) {
    const failure = `Bedrock answered ${counts.succeeded} of the ${asked} records of batch ${batch.batch_index}, after ${MAX_ATTEMPTS} attempts. Most frequent reason, ${mostFrequent(output.reasons)}. If the reason is the model's, start a new execution with another bedrock_model_id. If it is throttling or a quota, ask AWS for a higher quota of ${request.modelId} and redrive this execution, or start one with a lower max_query_documents.`;
    return { status: "Failed", retry_batch: null, ...counts, failure };
  }
  return { status: "Completed", retry_batch: null, ...counts };
}

/**
 * Looks at the work on a batch; on demand, does it. When a job has ended (Completed, PartiallyCompleted, or ended
 * otherwise but with answers), records without an answer are put into a retry batch, once.
 *
 * It has failed when a job ended without any answer, or when more than half of the records have none after the retry.
 *
 * @throws BedrockAccessDeniedError on demand.
 */
export async function checkStatus(clients: OrchestratorClients, request: CheckRequest): Promise<JobStatus> {
  const { run, job } = request;
  const none = { retry_batch: null, succeeded: 0, failed: 0, failure: null };
  const inProgress: JobStatus = { status: "InProgress", ...none };
  if (job.mode === "on_demand") {
    const output = onDemandOutputPrefix(run, job.batch);
    const finished = await answerOnDemand(clients.s3, clients.runtime, {
      input: S3Uri.parse(job.batch.s3_input_uri),
      output,
      modelId: request.modelId,
      remainingMs: request.remainingMs,
    });
    return finished ? conclude(clients.s3, request, await readJobOutput(clients.s3, output)) : inProgress;
  }

  const { status = "", message } = await clients.bedrock.send(
    new GetModelInvocationJobCommand({ jobIdentifier: job.job_arn }),
  );
  if (IN_PROGRESS.has(status)) return inProgress;
  const jobId = job.job_arn.slice(job.job_arn.lastIndexOf("/") + 1);
  const output = await readJobOutput(clients.s3, below(outputPrefix(run), `${jobId}/`));
  if (status !== "Completed" && output.succeeded.size === 0) {
    const failure = `Bedrock job ${job.job_arn} ended as ${status} without an answer${message ? `: ${message}` : ""}. Redrive the execution when its cause is gone, or start one with a bedrock_model_id that Bedrock runs batch inference for in this region.`;
    return { status: "Failed", ...none, failed: job.batch.record_count, failure };
  }
  return conclude(clients.s3, request, output);
}
