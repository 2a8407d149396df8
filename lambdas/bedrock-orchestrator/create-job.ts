import { createHash } from "node:crypto";
import { type BedrockClient, CreateModelInvocationJobCommand } from "@aws-sdk/client-bedrock";
import { z } from "zod";
import { QueryBatch } from "../../pipeline/artifacts.ts";
import { formatS3Uri, type S3Location } from "../shared/aws/s3-uri.ts";
import { logger } from "../shared/lambda/logger.ts";
import { outputPrefix } from "./queries-layout.ts";

/** How a batch is being answered: by a Bedrock job, or by single requests when it is too small for a job. */
export const QueryJob = z.object({
  mode: z.enum(["batch", "on_demand"]),
  /** "" on demand. */
  job_arn: z.string(),
  batch: QueryBatch,
});
export type QueryJob = z.infer<typeof QueryJob>;

export interface CreateJobRequest {
  readonly run: S3Location;
  readonly batch: QueryBatch;
  readonly modelId: string;
  /** Role that Bedrock reads and writes S3 with. */
  readonly roleArn: string;
  /** When the state machine entered the state: retries of the state have the same, a redrive another. */
  readonly enteredTime: string;
  readonly executionName: string;
  readonly minRecords: number;
}

/** Characters of the execution's name in a job's name, which has 63. */
const EXECUTION_NAME_LENGTH = 30;

/** A token that makes a repeated request find the job of the first one, and the name of that job. */
export function jobIdentity(request: CreateJobRequest): { token: string; name: string } {
  const { batch, run, modelId, enteredTime } = request;
  const token = createHash("sha256")
    .update(JSON.stringify([formatS3Uri(run), batch.s3_input_uri, batch.attempt, modelId, enteredTime]))
    .digest("hex");
  const execution = request.executionName
    .replace(/[^A-Za-z0-9]+/g, "-")
    .slice(0, EXECUTION_NAME_LENGTH)
    .replace(/^-+|-+$/g, "");
  return { token, name: `q${execution}-${batch.batch_index}-${batch.attempt}-${token.slice(0, 12)}` };
}

/**
 * Starts Bedrock's work on a batch. Errors of Bedrock keep their name, so that the state machine can tell throttling
 * and exhausted quotas from refusals.
 */
export async function createJob(bedrock: BedrockClient, request: CreateJobRequest): Promise<QueryJob> {
  const { batch } = request;
  if (batch.record_count < request.minRecords) {
    logger.info("too few records for a batch job; they are asked on demand", {
      records: batch.record_count,
      minimum: request.minRecords,
    });
    return { mode: "on_demand", job_arn: "", batch };
  }
  const { token, name } = jobIdentity(request);
  const { jobArn } = await bedrock.send(
    new CreateModelInvocationJobCommand({
      jobName: name,
      clientRequestToken: token,
      roleArn: request.roleArn,
      modelId: request.modelId,
      inputDataConfig: { s3InputDataConfig: { s3InputFormat: "JSONL", s3Uri: batch.s3_input_uri } },
      outputDataConfig: { s3OutputDataConfig: { s3Uri: formatS3Uri(outputPrefix(request.run)) } },
    }),
  );
  if (jobArn === undefined) throw new Error(`Bedrock gave no ARN for the job ${name}.`);
  return { mode: "batch", job_arn: jobArn, batch };
}
