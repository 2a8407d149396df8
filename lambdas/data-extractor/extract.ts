import type { S3Client } from "@aws-sdk/client-s3";
import type { CorpusResult } from "../shared/contract.ts";
import { corpusLine, corpusPrefix, corpusWriter, discardCorpus, writeCorpusManifest } from "../shared/corpus.ts";
import { EmptyCorpusError } from "../shared/errors.ts";
import { logger } from "../shared/logger.ts";
import { type OpenSearch, OpenSearchRequestError } from "../shared/open-search.ts";
import type { PartWriter } from "../shared/part-writer.ts";
import { formatS3Uri, type S3Location } from "../shared/s3-uri.ts";
import { checkTextFields, concreteIndices, TextFieldNotFoundError } from "./index-layout.ts";
import { PointInTime, PointInTimeLostError } from "./point-in-time.ts";
import { type ExtractionCursor, shareOut, type Unit } from "./progress.ts";
import { textOf } from "./text-fields.ts";

/** Not every document of the index was read. */
export class CountMismatchError extends Error {
  override readonly name = "CountMismatchError";
}

export interface ExtractionRequest {
  readonly index: string;
  readonly fields: readonly string[];
  readonly maxDocuments: number;
  readonly run: S3Location;
  readonly cursor: ExtractionCursor | null;
  /** Milliseconds until the Lambda runtime ends this invocation. */
  remainingMs(): number;
}

/** Slices that are read at once: enough to keep the writer busy, few enough to leave the cluster to its users. */
const PARALLEL_SLICES = 4;
const MAX_PAGE_SIZE = 1000;
/** What an answer should have, so that the pages in memory stay small whatever the documents are. */
const PAGE_BYTES = 8 * 1024 * 1024;
const SAMPLE_SIZE = 20;
/** Enough to end the last pages and the part that is being written. */
const DEADLINE_RESERVE_MS = 60_000;
const MAX_RESTARTS = 2;

function pageSizeFor(bytes: number, documents: number, atMost = MAX_PAGE_SIZE): number {
  if (documents === 0 || bytes === 0) return atMost;
  return Math.max(1, Math.min(atMost, Math.floor((PAGE_BYTES * documents) / bytes)));
}

/** One slice a shard: with more slices than shards OpenSearch splits shards, with fewer it joins them. */
function slicesOf(shards: number, index?: string): Pick<Unit, "index" | "slice">[] {
  if (shards <= 1) return [{ index }];
  return Array.from({ length: shards }, (_, id) => ({ index, slice: { id, max: shards } }));
}

function namingDisabledSource(index: string, error: unknown): unknown {
  if (!(error instanceof OpenSearchRequestError) || !error.reason.includes("_source is disabled")) return error;
  return new TextFieldNotFoundError(
    `"${index}" does not store the documents it was given (_source is disabled), so their text cannot be read. Give the corpus as JSONL with input_type s3.`,
    { cause: error },
  );
}

async function layOut(openSearch: OpenSearch, request: ExtractionRequest, restarts: number): Promise<ExtractionCursor> {
  const indices = await concreteIndices(openSearch, request.index);
  const { pointInTime, shards } = await PointInTime.open(openSearch, request.index);
  try {
    const total = await pointInTime.count({});
    if (total === 0) throw new EmptyCorpusError(`"${request.index}" at ${openSearch.endpoint} has no documents.`);

    const sample = await pointInTime.page({}, { fields: request.fields, size: SAMPLE_SIZE, searchAfter: null });
    const sources = sample.hits.map(({ _source }) => _source);
    await checkTextFields(openSearch, request.index, request.fields, sources);

    const selections: Pick<Unit, "index" | "slice">[] = [];
    if (indices.length === 1) selections.push(...slicesOf(shards));
    else {
      for (const index of indices) {
        const own = await PointInTime.open(openSearch, index);
        await own.pointInTime.close();
        selections.push(...slicesOf(own.shards, index));
      }
    }
    const totals: number[] = [];
    for (const selection of selections) totals.push(await pointInTime.count(selection));
    const sliced = totals.reduce((a, b) => a + b, 0);
    if (sliced !== total) {
      throw new CountMismatchError(
        `The slices of "${request.index}" have ${sliced} documents, the index has ${total}; nothing was extracted.`,
      );
    }
    const quotas = shareOut(request.maxDocuments, totals);
    return {
      pit_id: pointInTime.id,
      units: selections.map((selection, index) => ({
        ...selection,
        total: totals[index] ?? 0,
        quota: quotas[index] ?? 0,
        seen: 0,
        kept: 0,
        search_after: null,
        done: quotas[index] === 0,
      })),
      several_indices: indices.length > 1,
      next_part: 0,
      page_size: pageSizeFor(sample.bytes, sample.hits.length),
      restarts,
    };
  } catch (error) {
    await pointInTime.close();
    throw namingDisabledSource(request.index, error);
  }
}

/** Reads one page of a unit into the writer and moves the unit on. */
async function readPage(
  pointInTime: PointInTime,
  unit: Unit,
  state: ExtractionCursor,
  request: ExtractionRequest,
  writer: PartWriter,
): Promise<void> {
  const { hits, bytes } = await pointInTime.page(unit, {
    fields: request.fields,
    size: state.page_size,
    searchAfter: unit.search_after,
  });
  // Grows slowly, because the next documents may be larger than these.
  state.page_size = pageSizeFor(bytes, hits.length, Math.min(MAX_PAGE_SIZE, state.page_size * 2));
  const lines: string[] = [];
  let seen = 0;
  for (const hit of hits) {
    seen += 1;
    const text = textOf(hit._source, request.fields);
    if (text === "") continue;
    lines.push(corpusLine(state.several_indices ? `${hit._index}/${hit._id}` : hit._id, text));
    if (unit.kept + lines.length === unit.quota) break;
  }
  await writer.append(lines);
  unit.seen += seen;
  unit.kept += lines.length;
  unit.search_after = hits.at(-1)?.sort ?? null;
  const atEnd = hits.length === 0 || unit.seen === unit.total;
  unit.done = atEnd || (unit.kept === unit.quota && unit.quota < unit.total);
  if (atEnd && unit.seen !== unit.total) {
    const part = [unit.index, unit.slice && `slice ${unit.slice.id} of ${unit.slice.max}`].filter(Boolean).join(", ");
    throw new CountMismatchError(
      `Of ${unit.total} documents of "${request.index}"${part === "" ? "" : ` (${part})`} only ${unit.seen} could be read.`,
    );
  }
}

/** Reads units until all are done or the time is up; at least one page. */
async function readUnits(
  openSearch: OpenSearch,
  state: ExtractionCursor,
  request: ExtractionRequest,
  writer: PartWriter,
): Promise<void> {
  const pointInTime = PointInTime.resume(openSearch, state.pit_id);
  const reserve = Math.min(DEADLINE_RESERVE_MS, request.remainingMs() / 4);
  const waiting = state.units.filter(({ done }) => !done);
  let pages = 0;
  let failed = false;
  const mayContinue = () => !failed && (pages === 0 || request.remainingMs() > reserve);
  const read = async () => {
    for (let unit = waiting.shift(); unit !== undefined; unit = waiting.shift()) {
      while (!unit.done && mayContinue()) {
        await readPage(pointInTime, unit, state, request, writer);
        pages += 1;
      }
    }
  };
  const outcomes = await Promise.allSettled(
    Array.from({ length: PARALLEL_SLICES }, () =>
      read().catch((error) => {
        failed = true;
        throw error;
      }),
    ),
  );
  state.pit_id = pointInTime.id;
  for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
}

async function extractFrom(
  s3: S3Client,
  openSearch: OpenSearch,
  request: ExtractionRequest,
  state: ExtractionCursor,
): Promise<CorpusResult> {
  const writer = corpusWriter(s3, request.run, state.next_part);
  const sum = (of: (unit: Unit) => number) => state.units.reduce((total, unit) => total + of(unit), 0);
  try {
    await readUnits(openSearch, state, request, writer);
    await writer.finish();
    state.next_part = writer.nextPart;
  } catch (error) {
    await writer.abort();
    await PointInTime.resume(openSearch, state.pit_id).close();
    throw error;
  }
  const documents = sum(({ kept }) => kept);
  const result = { corpus_uri: formatS3Uri(corpusPrefix(request.run)), document_count: documents };
  logger.info("extracted", { documents, seen: sum(({ seen }) => seen), of: sum(({ total }) => total) });
  if (state.units.some(({ done }) => !done)) return { complete: false, cursor: state, ...result };

  await PointInTime.resume(openSearch, state.pit_id).close();
  if (documents === 0) {
    throw new EmptyCorpusError(
      `None of the ${sum(({ seen }) => seen)} documents of "${request.index}" has text in ${request.fields.join(", ")}.`,
    );
  }
  await writeCorpusManifest(s3, request.run, {
    document_count: documents,
    empty_documents: sum(({ seen, kept }) => seen - kept),
    missing_ids: 0,
    duplicate_ids: 0,
    part_count: state.next_part,
    truncated: state.units.some(({ quota, total }) => quota < total),
    source: `${openSearch.endpoint}/${request.index}`,
  });
  return { complete: true, cursor: null, ...result };
}

/**
 * Writes the text of every document of an index, as it is at one moment, to the run's corpus. Ends before the Lambda
 * limit with `complete: false` and a cursor; the next invocation goes on from there. When OpenSearch loses the snapshot,
 * the extraction begins anew (twice at most), because documents that were read before and after would not fit together.
 *
 * @throws IndexNotFoundError, TextFieldNotFoundError, EmptyCorpusError for what the user must change;
 *   CountMismatchError when documents are missing; PointInTimeLostError when beginning anew did not help either;
 *   OpenSearchAccessDeniedError, OpenSearchUnreachableError, OpenSearchRequestError as the cluster answers.
 */
export async function extractCorpus(
  s3: S3Client,
  openSearch: OpenSearch,
  request: ExtractionRequest,
): Promise<CorpusResult> {
  let { cursor } = request;
  let restarts = cursor?.restarts ?? 0;
  for (;;) {
    await discardCorpus(s3, request.run, cursor?.next_part ?? 0);
    try {
      return await extractFrom(s3, openSearch, request, cursor ?? (await layOut(openSearch, request, restarts)));
    } catch (error) {
      if (!(error instanceof PointInTimeLostError) || restarts >= MAX_RESTARTS) throw error;
      restarts += 1;
      cursor = null;
      logger.warn("the snapshot was lost; the extraction begins anew", { restarts });
    }
  }
}
