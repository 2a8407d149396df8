import type { S3Client } from "@aws-sdk/client-s3";
import { listKeys, readObject } from "../shared/aws/s3-objects.ts";
import type { S3Location } from "../shared/aws/s3-uri.ts";
import { readLineBlocks } from "../shared/lines/line-blocks.ts";
import { BatchOutput, BatchRecord } from "./queries-layout.ts";

const MAX_LINE_BYTES = 16 * 1024 * 1024;
/** Messages that differ in ids or numbers would otherwise never be the same twice. */
const REASON_LENGTH = 200;
const REASONS_KEPT = 1000;

/** The answers that lie in a job's output folder. */
export interface JobOutput {
  /** Records with an answer. */
  readonly succeeded: ReadonlySet<string>;
  /** Records without one. */
  readonly errored: ReadonlySet<string>;
  /** How often Bedrock gave each reason. */
  readonly reasons: ReadonlyMap<string, number>;
  /** Output files. */
  readonly files: number;
}

function parseOutput(line: string): BatchOutput | undefined {
  try {
    return BatchOutput.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}

/** Reads which records were answered; the answers themselves are left for the next stage. */
export async function readJobOutput(s3: S3Client, prefix: S3Location): Promise<JobOutput> {
  const succeeded = new Set<string>();
  const errored = new Set<string>();
  const reasons = new Map<string, number>();
  let files = 0;
  for await (const key of listKeys(s3, prefix)) {
    if (!key.endsWith(".jsonl.out")) continue;
    files += 1;
    for await (const { lines } of readLineBlocks(readObject(s3, { bucket: prefix.bucket, key }), MAX_LINE_BYTES)) {
      for (const line of lines) {
        if (typeof line !== "string" || line === "") continue;
        const output = parseOutput(line);
        if (output === undefined) continue;
        if (output.error === undefined && output.modelOutput !== undefined && output.modelOutput !== null) {
          succeeded.add(output.recordId);
          continue;
        }
        errored.add(output.recordId);
        const reason = `${output.error?.errorCode ?? "no answer"} ${output.error?.errorMessage ?? ""}`.trim();
        const kept = reason.slice(0, REASON_LENGTH);
        if (reasons.has(kept) || reasons.size < REASONS_KEPT) reasons.set(kept, (reasons.get(kept) ?? 0) + 1);
      }
    }
  }
  return { succeeded, errored, reasons, files };
}

/** Streams a job's input, each record with its line as it is. */
export async function* readJobInput(
  s3: S3Client,
  location: S3Location,
): AsyncGenerator<{ line: string; record: BatchRecord }[]> {
  for await (const { lines } of readLineBlocks(readObject(s3, location), MAX_LINE_BYTES)) {
    yield lines
      .filter((line) => typeof line === "string")
      .map((line) => ({ line, record: BatchRecord.parse(JSON.parse(line)) }));
  }
}
