import { createInterface } from "node:readline";
import { joinS3Uri, type ObjectStore, parseS3Uri } from "../object-store.ts";
import { BatchRecord } from "./inputs.ts";
import type { BatchLimits } from "./service-quotas.ts";

const BYTES_PER_GB = 1024 ** 3;

/** Input that a batch job does not take; its message is the job's. */
export class BatchInputError extends Error {
  override readonly name = "BatchInputError";
}

export interface BatchFile {
  readonly uri: string;
  /** The file's own name, e.g. `batch-00000.jsonl`. */
  readonly name: string;
}

/** The JSONL files that an input URI stands for: one file, or all that lie directly in a folder. */
export async function batchFiles(store: ObjectStore, uri: string, limits: BatchLimits): Promise<BatchFile[]> {
  const { bucket, key } = parseS3Uri(uri);
  const listed = await store.list(uri).catch((error: unknown) => {
    throw new BatchInputError(`The S3 location ${uri} cannot be read: ${(error as Error).message}`, { cause: error });
  });
  const exact = listed.filter((object) => object.key === key);
  const folder = key === "" || key.endsWith("/") ? key : `${key}/`;
  const inside = listed.filter(
    (object) => object.key.startsWith(folder) && !object.key.slice(folder.length).includes("/"),
  );
  const objects = (exact.length > 0 ? exact : inside).filter((object) => object.key.endsWith(".jsonl"));
  if (objects.length === 0) throw new BatchInputError(`There are no .jsonl files at ${uri}.`);
  const large = objects.find(({ bytes }) => bytes > limits.fileSizeGb * BYTES_PER_GB);
  if (large !== undefined)
    throw new BatchInputError(`The input file ${large.key} is larger than ${limits.fileSizeGb} GB.`);
  if (objects.reduce((sum, { bytes }) => sum + bytes, 0) > limits.jobSizeGb * BYTES_PER_GB) {
    throw new BatchInputError(`The input of the job is larger than ${limits.jobSizeGb} GB.`);
  }
  return objects.map((object) => ({
    uri: joinS3Uri(`s3://${bucket}`, object.key),
    name: object.key.slice(object.key.lastIndexOf("/") + 1),
  }));
}

/** The records of one file, one at a time. @throws BatchInputError naming the first line that is no record. */
export async function* batchRecords(store: ObjectStore, file: BatchFile): AsyncGenerator<BatchRecord> {
  let number = 0;
  for await (const line of createInterface({
    input: await store.read(file.uri),
    crlfDelay: Number.POSITIVE_INFINITY,
  })) {
    number += 1;
    if (line.trim() === "") continue;
    let parsed: unknown;
    try {
      parsed = JSON.parse(line);
    } catch (error) {
      throw new BatchInputError(`Line ${number} of ${file.name} is not JSON: ${(error as Error).message}`, {
        cause: error,
      });
    }
    const record = BatchRecord.safeParse(parsed);
    if (!record.success) {
      throw new BatchInputError(
        `Line ${number} of ${file.name} is not a record: a record has "modelInput", an object, and "recordId", a string.`,
      );
    }
    yield record.data;
  }
}

/**
 * Reads the whole input once, as Bedrock does before it schedules a job.
 *
 * @returns the number of records
 * @throws BatchInputError
 */
export async function validateBatch(
  store: ObjectStore,
  files: readonly BatchFile[],
  limits: BatchLimits,
): Promise<number> {
  let total = 0;
  for (const file of files) {
    let inFile = 0;
    for await (const _ of batchRecords(store, file)) inFile += 1;
    if (inFile > limits.recordsPerFile) {
      throw new BatchInputError(
        `The input file ${file.name} contains more records (${inFile}) than the maximum of: ${limits.recordsPerFile}`,
      );
    }
    total += inFile;
  }
  if (total < limits.minimumRecords) {
    throw new BatchInputError(
      `Batch job contains less records (${total}) than the required minimum of: ${limits.minimumRecords}`,
    );
  }
  if (total > limits.recordsPerJob) {
    throw new BatchInputError(
      `Batch job contains more records (${total}) than the maximum of: ${limits.recordsPerJob}`,
    );
  }
  return total;
}
