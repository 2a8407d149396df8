import { z } from "zod";
import type { QueryBatch } from "../../pipeline/artifacts.ts";
import { partName } from "../shared/aws/part-writer.ts";
import { below, type S3Location } from "../shared/aws/s3-uri.ts";

/** `<run>/queries/` */
export function queriesPrefix(run: S3Location): S3Location {
  return below(run, "queries/");
}

/** `<run>/queries/records/`: which document each record stands for. */
export function recordsPrefix(run: S3Location): S3Location {
  return below(queriesPrefix(run), "records/");
}

/** `<run>/queries/input/`: one file a job. */
export function inputPrefix(run: S3Location): S3Location {
  return below(queriesPrefix(run), "input/");
}

/** `<run>/queries/output/`: a folder for each job, as Bedrock makes them. */
export function outputPrefix(run: S3Location): S3Location {
  return below(queriesPrefix(run), "output/");
}

/** The records of a batch that failed in its first attempt. */
export function retryLocation(run: S3Location, batchIndex: number): S3Location {
  return below(inputPrefix(run), partName("batch", batchIndex).replace(".jsonl", "-retry.jsonl"));
}

/** Where the answers to a batch go that is asked on demand. */
export function onDemandOutputPrefix(run: S3Location, batch: QueryBatch): S3Location {
  return below(outputPrefix(run), `on-demand-${batch.batch_index}-${batch.attempt}/`);
}

/** A line of a job's input. */
export const BatchRecord = z.object({ recordId: z.string(), modelInput: z.record(z.string(), z.unknown()) });
export type BatchRecord = z.infer<typeof BatchRecord>;

/** A line of a job's output: an answer, or why there is none. */
export const BatchOutput = z.object({
  recordId: z.string(),
  modelOutput: z.unknown().optional(),
  error: z
    .object({ errorCode: z.union([z.string(), z.number()]).optional(), errorMessage: z.string().optional() })
    .optional(),
});
export type BatchOutput = z.infer<typeof BatchOutput>;
