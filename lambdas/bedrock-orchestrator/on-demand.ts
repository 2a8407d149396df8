import {
  type BedrockRuntimeClient,
  BedrockRuntimeServiceException,
  InvokeModelCommand,
} from "@aws-sdk/client-bedrock-runtime";
import type { S3Client } from "@aws-sdk/client-s3";
import { LineObject } from "../shared/aws/part-writer.ts";
import { below, type S3Location } from "../shared/aws/s3-uri.ts";
import { readJobInput, readJobOutput } from "./job-output.ts";
import type { BatchOutput, BatchRecord } from "./queries-layout.ts";

/** The account may not use the model. */
export class BedrockAccessDeniedError extends Error {
  override readonly name = "BedrockAccessDeniedError";
}

/** Requests at a time: below the requests per minute that a new account has for most models. */
const CONCURRENCY = 8;
const DEADLINE_RESERVE_MS = 60_000;

export interface OnDemandRequest {
  readonly input: S3Location;
  readonly output: S3Location;
  readonly modelId: string;
  /** Milliseconds until the Lambda runtime ends this invocation. */
  remainingMs(): number;
}

async function ask(
  runtime: BedrockRuntimeClient,
  modelId: string,
  { recordId, modelInput }: BatchRecord,
): Promise<BatchOutput & BatchRecord> {
  try {
    const { body } = await runtime.send(
      new InvokeModelCommand({
        modelId,
        contentType: "application/json",
        accept: "application/json",
        body: JSON.stringify(modelInput),
      }),
    );
    return { recordId, modelInput, modelOutput: JSON.parse(Buffer.from(body).toString("utf8")) };
  } catch (error) {
    if (!(error instanceof BedrockRuntimeServiceException)) throw error;
    if (error.name === "AccessDeniedException") {
      throw new BedrockAccessDeniedError(
        `Bedrock refused ${modelId}: ${error.message} Enable access to the model in this account and region, and allow this function's role bedrock:InvokeModel on it.`,
        { cause: error },
      );
    }
    return {
      recordId,
      modelInput,
      error: { errorCode: error.$metadata.httpStatusCode ?? 500, errorMessage: `${error.name}: ${error.message}` },
    };
  }
}

/**
 * Asks the model for each record of a batch that is too small for a Bedrock job, and writes the answers as a job would.
 * What earlier invocations have answered is not asked again.
 *
 * @returns whether all records have been asked; false when the time was up before.
 * @throws BedrockAccessDeniedError
 */
export async function answerOnDemand(
  s3: S3Client,
  runtime: BedrockRuntimeClient,
  request: OnDemandRequest,
): Promise<boolean> {
  const { succeeded, errored, files } = await readJobOutput(s3, request.output);
  const waiting: BatchRecord[] = [];
  for await (const block of readJobInput(s3, request.input)) {
    for (const { record } of block) {
      if (!succeeded.has(record.recordId) && !errored.has(record.recordId)) waiting.push(record);
    }
  }
  if (waiting.length === 0) return true;

  const reserve = Math.min(DEADLINE_RESERVE_MS, request.remainingMs() / 4);
  const name = request.input.key.slice(request.input.key.lastIndexOf("/") + 1).replace(/\.jsonl$/, "");
  const output = new LineObject(s3, below(request.output, `${name}-${files}.jsonl.out`));
  let failed = false;
  const work = async () => {
    do {
      const record = waiting.shift();
      if (record === undefined) return;
      await output.append([JSON.stringify(await ask(runtime, request.modelId, record))]);
    } while (!failed && request.remainingMs() > reserve);
  };
  const outcomes = await Promise.allSettled(
    Array.from({ length: CONCURRENCY }, () =>
      work().catch((error) => {
        failed = true;
        throw error;
      }),
    ),
  );
  // Answers that were paid for are kept, whatever happened to the others.
  await output.end();
  for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
  return waiting.length === 0;
}
