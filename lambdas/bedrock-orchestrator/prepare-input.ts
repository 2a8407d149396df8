import type { S3Client } from "@aws-sdk/client-s3";
import {
  type QueriesManifest,
  type QueryBatch,
  QueryRecord,
  QueryStyle,
  type Split,
} from "../../pipeline/artifacts.ts";
import { PartWriter } from "../shared/aws/part-writer.ts";
import { deleteObjects, listKeys, writeJson } from "../shared/aws/s3-objects.ts";
import { below, formatS3Uri, type S3Location } from "../shared/aws/s3-uri.ts";
import { CorpusTooLargeError, EmptyCorpusError } from "../shared/lambda/errors.ts";
import { readCorpus } from "../shared/lines/corpus.ts";
import type { BatchLimits } from "./batch-limits.ts";
import { DocumentSampler, idKeys, type Sampling, splitKey } from "./document-keys.ts";
import { maxOutputTokens, modelInputFormat } from "./model-input.ts";
import { queryPrompt } from "./prompt.ts";
import { type BatchRecord, inputPrefix, outputPrefix, queriesPrefix, recordsPrefix } from "./queries-layout.ts";
import { readSampleQueries } from "./sample-queries.ts";

export interface PrepareRequest {
  readonly run: S3Location;
  readonly corpus: S3Location;
  /** Documents in the corpus. */
  readonly documentCount: number;
  /** Documents that queries are made for. */
  readonly maxDocuments: number;
  readonly queriesPerDocument: number;
  /** Queries of real users to imitate; null for none. */
  readonly sampleQueries: S3Location | null;
  readonly modelId: string;
  readonly limits: BatchLimits;
  /** Milliseconds until the Lambda runtime ends this invocation. */
  remainingMs(): number;
}

export interface PreparedInput {
  readonly batches: QueryBatch[];
  readonly record_count: number;
  readonly records_uri: string;
  readonly output_uri: string;
}

const STYLES = QueryStyle.options;
/** Sample queries in one prompt. */
const EXAMPLES_PER_PROMPT = 3;
const DEADLINE_RESERVE_MS = 15_000;
/** What a file may have of Bedrock's limit; the rest is room for lines that are written before the size is looked at. */
const FILE_SIZE_SHARE = 0.95;

/** `count` styles, beginning with another one for another document, so that a corpus mixes all of them evenly. */
export function stylesFor(choice: number, count: number): QueryStyle[] {
  return Array.from({ length: count }, (_, index) => STYLES[(choice + index) % STYLES.length] ?? "question");
}

/** Up to three of the sample queries, others for another document. */
export function examplesFor(choice: number, sampleQueries: readonly string[]): string[] {
  const count = Math.min(EXAMPLES_PER_PROMPT, sampleQueries.length);
  return Array.from({ length: count }, (_, index) => sampleQueries[(choice + index) % sampleQueries.length] ?? "");
}

function checkDeadline(request: PrepareRequest): void {
  if (request.remainingMs() >= DEADLINE_RESERVE_MS) return;
  throw new CorpusTooLargeError(
    `The ${request.documentCount} documents of ${formatS3Uri(request.corpus)} could not be sampled in the time a Lambda function has. Lower max_corpus_documents.`,
  );
}

async function sampleCorpus(s3: S3Client, request: PrepareRequest): Promise<Sampling> {
  const sampler = new DocumentSampler(request.maxDocuments);
  let count = 0;
  for await (const documents of readCorpus(s3, request.corpus)) {
    for (const { id, text } of documents) sampler.offer(idKeys(id).sample, () => splitKey(text));
    count += documents.length;
    checkDeadline(request);
  }
  if (count !== request.documentCount) {
    throw new Error(
      `${formatS3Uri(request.corpus)} has ${count} documents, not ${request.documentCount} as reported: it was written to since. Start a new execution.`,
    );
  }
  return sampler.choose();
}

/**
 * Writes the records that Bedrock is asked with: a sample over the whole corpus, chosen, split and styled by hashes of
 * the documents, so that the same corpus gives the same records. The corpus is streamed twice: for the hashes, of which
 * those of a few documents are kept, and for the texts.
 *
 * @throws EmptyCorpusError, UnsupportedModelError, InvalidSampleQueriesError, CorpusTooLargeError
 */
export async function prepareInput(s3: S3Client, request: PrepareRequest): Promise<PreparedInput> {
  const { run, queriesPerDocument, limits } = request;
  const format = modelInputFormat(request.modelId);
  if (request.documentCount === 0) throw new EmptyCorpusError(`${formatS3Uri(request.corpus)} has no documents.`);

  const stale: string[] = [];
  for await (const key of listKeys(s3, queriesPrefix(run))) stale.push(key);
  await deleteObjects(s3, run.bucket, stale);

  const sampleQueries = request.sampleQueries === null ? [] : await readSampleQueries(s3, request.sampleQueries);
  const sampling = await sampleCorpus(s3, request);
  const jobs = Math.ceil(sampling.positions.length / limits.maxRecords);
  const records = new PartWriter(s3, { prefix: recordsPrefix(run), name: "part" });
  const batches = new PartWriter(s3, {
    prefix: inputPrefix(run),
    name: "batch",
    maxPartLines: Math.ceil(sampling.positions.length / jobs),
    maxPartBytes: limits.maxFileBytes * FILE_SIZE_SHARE,
  });
  const documentsOf: Record<Split, number> = { train: 0, dev: 0, test: 0 };
  let position = -1;
  let recordCount = 0;
  try {
    for await (const documents of readCorpus(s3, request.corpus)) {
      const recordLines: string[] = [];
      const inputLines: string[] = [];
      for (const { id, text } of documents) {
        position += 1;
        if (position !== sampling.positions[recordCount]) continue;
        const keys = idKeys(id);
        const split = sampling.splitOf(splitKey(text));
        const styles = stylesFor(keys.choice, queriesPerDocument);
        const prompt = queryPrompt(text, styles, examplesFor(keys.choice >> 2, sampleQueries));
        const record: QueryRecord = { record_id: keys.recordId, doc_id: id, split, styles };
        const input: BatchRecord = {
          recordId: keys.recordId,
          modelInput: format(prompt, maxOutputTokens(queriesPerDocument)),
        };
        recordLines.push(JSON.stringify(QueryRecord.parse(record)));
        inputLines.push(JSON.stringify(input));
        documentsOf[split] += 1;
        recordCount += 1;
      }
      await records.append(recordLines);
      await batches.append(inputLines);
      checkDeadline(request);
    }
    await records.finish();
    await batches.finish();
  } catch (error) {
    await Promise.all([records.abort(), batches.abort()]);
    throw error;
  }

  const manifest: QueriesManifest = {
    record_count: recordCount,
    queries_per_document: queriesPerDocument,
    train_documents: documentsOf.train,
    dev_documents: documentsOf.dev,
    test_documents: documentsOf.test,
    sample_queries: sampleQueries.length,
    batch_count: batches.parts.length,
  };
  await writeJson(s3, below(queriesPrefix(run), "manifest.json"), manifest);
  return {
    batches: batches.parts.map(({ location, lines }, index) => ({
      batch_index: index,
      s3_input_uri: formatS3Uri(location),
      record_count: lines,
      attempt: 1,
    })),
    record_count: recordCount,
    records_uri: formatS3Uri(recordsPrefix(run)),
    output_uri: formatS3Uri(outputPrefix(run)),
  };
}
