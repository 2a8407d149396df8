import type { S3Client } from "@aws-sdk/client-s3";
import type { CorpusResult } from "../../pipeline/artifacts.ts";
import { corpusLine, corpusPrefix, corpusWriter, discardCorpus, writeCorpusManifest } from "../shared/corpus.ts";
import { EncodedLines } from "../shared/encoded-lines.ts";
import { EmptyCorpusError } from "../shared/errors.ts";
import { logger } from "../shared/logger.ts";
import { type OpenSearch, OpenSearchRequestError } from "../shared/open-search.ts";
import type { PartWriter } from "../shared/part-writer.ts";
import { ReusedBytes } from "../shared/reused-bytes.ts";
import { formatS3Uri, type S3Location } from "../shared/s3-uri.ts";
import { checkTextFields, concreteIndices, TextFieldNotFoundError } from "./index-layout.ts";
import { type DocumentSelection, Hit, type PageOfTexts, PointInTime, PointInTimeLostError } from "./point-in-time.ts";
import { type ExtractionCursor, rangesOf, shareOut, type Unit } from "./progress.ts";
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

/** Units that are read at once: enough to keep the writer busy, few enough to leave the cluster to its users. */
const PARALLEL_READERS = 4;
/** From here on, what a request costs besides its documents is not felt any more. */
const MAX_PAGE_SIZE = 5000;
/** Where OpenSearch does not say how large its answers are. */
const UNMEASURED_PAGE_SIZE = 1000;
/** What an answer should have, so that the pages in memory stay small whatever the documents are. */
const PAGE_BYTES = 2 * 1024 * 1024;
const SAMPLE_SIZE = 20;
/** Documents that are read whole to see what else they have; few, because they may be large. */
const WHOLE_SAMPLE_SIZE = 5;
/**
 * Leaving fields out makes OpenSearch read every document and write it anew, which costs it more than sending some
 * bytes that nobody needs: it pays from here on (bytes of whole documents by bytes of the fields).
 */
const FILTER_FROM_RATIO = 2;
/** Enough to end the last pages and the part that is being written. */
const DEADLINE_RESERVE_MS = 60_000;
/** What is lost at most when an invocation is cut off: the next one goes on from the cursor of the one before. */
const INVOCATION_MS = 5 * 60_000;
const MAX_RESTARTS = 2;

function pageSizeFor(bytes: number, documents: number, atMost: number): number {
  if (documents === 0 || bytes === 0) return Math.min(UNMEASURED_PAGE_SIZE, atMost);
  return Math.max(1, Math.min(atMost, Math.floor((PAGE_BYTES * documents) / bytes)));
}

/** One slice a shard: with more slices than shards OpenSearch splits shards, with fewer it joins them. */
function slicesOf(shards: number, index?: string): DocumentSelection[] {
  if (shards <= 1) return [{ index }];
  return Array.from({ length: shards }, (_, id) => ({ index, slice: { id, max: shards } }));
}

/** Runs `work` on every item, a few at a time. */
async function inParallel<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const entries = items.entries();
  const worker = async () => {
    for (const [index, item] of entries) results[index] = await work(item);
  };
  await Promise.all(Array.from({ length: PARALLEL_READERS }, worker));
  return results;
}

function namingDisabledSource(index: string, error: unknown): unknown {
  if (!(error instanceof OpenSearchRequestError) || !error.reason.includes("_source is disabled")) return error;
  return new TextFieldNotFoundError(
    `"${index}" does not store the documents it was given (_source is disabled), so their text cannot be read. Give the corpus as JSONL with input_type s3.`,
    { cause: error },
  );
}

async function shardsOf(openSearch: OpenSearch, index: string): Promise<DocumentSelection[]> {
  const { pointInTime, shards } = await PointInTime.open(openSearch, index);
  await pointInTime.close();
  return slicesOf(shards, index);
}

type Extent = Pick<Unit, "total" | "last">;

async function extentOf(pointInTime: PointInTime, selection: DocumentSelection): Promise<Extent> {
  if (selection.range === undefined) return { total: await pointInTime.count(selection), last: null };
  const { count, last } = await pointInTime.extent(selection);
  return { total: count, last };
}

/** Cuts the shards into what is read at once. */
async function selectionsOf(
  openSearch: OpenSearch,
  pointInTime: PointInTime,
  shards: readonly DocumentSelection[],
): Promise<DocumentSelection[]> {
  // What collections of OpenSearch Serverless give for sequence numbers is not documented.
  if (openSearch.isServerless) return [...shards];
  const readers = Math.ceil(PARALLEL_READERS / shards.length);
  const cut = await inParallel(shards, async (shard) =>
    rangesOf(await pointInTime.extent(shard), readers).map((range) => ({ ...shard, range })),
  );
  return cut.flat();
}

async function paysToFilter(pointInTime: PointInTime, fields: readonly string[]): Promise<boolean> {
  const sample = { size: WHOLE_SAMPLE_SIZE, searchAfter: null };
  const whole = await pointInTime.page({}, { ...sample, fields: null });
  const filtered = await pointInTime.page({}, { ...sample, fields });
  return whole.bytes === 0 || whole.bytes > FILTER_FROM_RATIO * filtered.bytes;
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

    const shardSelections =
      indices.length === 1
        ? slicesOf(shards)
        : (await inParallel(indices, (index) => shardsOf(openSearch, index))).flat();
    const selections = await selectionsOf(openSearch, pointInTime, shardSelections);
    const extents = await inParallel(selections, (selection) => extentOf(pointInTime, selection));
    const totals = extents.map((extent) => extent.total);
    const selected = totals.reduce((a, b) => a + b, 0);
    if (selected !== total) {
      throw new CountMismatchError(
        `The parts of "${request.index}" have ${selected} documents, the index has ${total}; nothing was extracted.`,
      );
    }
    const quotas = shareOut(request.maxDocuments, totals);
    return {
      pit_id: pointInTime.id,
      units: selections.map((selection, index) => ({
        ...selection,
        total: totals[index] ?? 0,
        last: extents[index]?.last ?? null,
        quota: quotas[index] ?? 0,
        seen: 0,
        kept: 0,
        search_after: null,
        done: quotas[index] === 0,
      })),
      several_indices: indices.length > 1,
      filter_source: await paysToFilter(pointInTime, request.fields),
      next_part: 0,
      page_size: pageSizeFor(sample.bytes, sample.hits.length, MAX_PAGE_SIZE),
      max_page_size: MAX_PAGE_SIZE,
      restarts,
    };
  } catch (error) {
    await pointInTime.close();
    throw namingDisabledSource(request.index, error);
  }
}

/**
 * Goes on in a new snapshot when nothing was written to the index since the lost one: what was read fits what is left, and
 * sequence numbers give it the same order.
 *
 * @returns whether it can.
 */
async function reopen(openSearch: OpenSearch, state: ExtractionCursor, index: string): Promise<boolean> {
  if (state.units.some(({ range }) => range === undefined)) return false;
  const { pointInTime } = await PointInTime.open(openSearch, index);
  const extents = await inParallel(state.units, (unit) => extentOf(pointInTime, unit));
  state.pit_id = pointInTime.id;
  return state.units.every(({ total, last }, unit) => extents[unit]?.total === total && extents[unit]?.last === last);
}

/** The most documents that the index gives at once (`index.max_result_window`), when that is what it complains about. */
function resultWindow(error: unknown): number | undefined {
  if (!(error instanceof OpenSearchRequestError)) return undefined;
  const [, window] = /Result window is too large.*?less than or equal to: \[(\d+)\]/.exec(error.reason) ?? [];
  return window === undefined ? undefined : Number(window);
}

/** The memory of a reader: a page as it came, and its lines, which are the bytes of the fields that were asked for. */
interface PageMemory {
  readonly page: ReusedBytes;
  readonly lines: EncodedLines;
}

/** The next page of a unit, smaller when the index does not give as many documents as asked for. */
async function nextPage(
  pointInTime: PointInTime,
  unit: Unit,
  state: ExtractionCursor,
  request: ExtractionRequest,
  into: ReusedBytes,
): Promise<PageOfTexts> {
  const options = { fields: state.filter_source ? request.fields : null, searchAfter: unit.search_after };
  try {
    return await pointInTime.pageOfTexts(unit, { ...options, size: state.page_size }, request.fields, into);
  } catch (error) {
    const window = resultWindow(error);
    if (window === undefined) throw error;
    state.max_page_size = Math.min(state.max_page_size, window);
    state.page_size = Math.min(state.page_size, window);
    return await pointInTime.pageOfTexts(unit, { ...options, size: state.page_size }, request.fields, into);
  }
}

interface PageSummary {
  readonly seen: number;
  /** Where the next page begins; null when this one is empty. */
  readonly searchAfter: Unit["search_after"];
}

/**
 * Reads one page of a unit and encodes its documents. What was parsed is let go here, and each line once it is encoded: four
 * pages are read at once, and the garbage collector would carry them about until they are written.
 */
async function encodePage(
  pointInTime: PointInTime,
  unit: Unit,
  state: ExtractionCursor,
  request: ExtractionRequest,
  { page, lines }: PageMemory,
): Promise<PageSummary> {
  const { plain, hits, bytes } = await nextPage(pointInTime, unit, state, request, page);
  const size = plain?.size ?? hits.length;
  const hitAt = (index: number): Hit => hits[index] ?? Hit.parse(plain?.parse(index));
  // Grows slowly, because the next documents may be larger than these.
  state.page_size = pageSizeFor(bytes, size, Math.min(state.max_page_size, state.page_size * 2));
  lines.clear();
  let seen = 0;
  while (seen < size && unit.kept + lines.count < unit.quota) {
    // Ids of several indices are told apart by their index.
    const isWritten = state.several_indices ? undefined : plain?.write(seen, lines);
    if (isWritten === undefined) {
      const hit = hitAt(seen);
      const text = textOf(hit._source, request.fields);
      if (text !== "") lines.add(corpusLine(state.several_indices ? `${hit._index}/${hit._id}` : hit._id, text));
    }
    seen += 1;
  }
  return { seen, searchAfter: size === 0 ? null : (hitAt(size - 1).sort ?? null) };
}

/** Reads one page of a unit into the writer and moves the unit on. */
async function readPage(
  pointInTime: PointInTime,
  unit: Unit,
  state: ExtractionCursor,
  request: ExtractionRequest,
  writer: PartWriter,
  memory: PageMemory,
): Promise<void> {
  const { seen, searchAfter } = await encodePage(pointInTime, unit, state, request, memory);
  const { lines } = memory;
  await writer.appendEncoded(lines.bytes, lines.count);
  unit.seen += seen;
  unit.kept += lines.count;
  unit.search_after = searchAfter;
  const atEnd = seen === 0 || unit.seen === unit.total;
  unit.done = atEnd || (unit.kept === unit.quota && unit.quota < unit.total);
  if (atEnd && unit.seen !== unit.total) {
    const slice = unit.slice && `slice ${unit.slice.id} of ${unit.slice.max}`;
    const range = unit.range && `sequence numbers ${unit.range.from ?? ""} to ${unit.range.to ?? ""}`;
    const part = [unit.index, slice, range].filter(Boolean).join(", ");
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
  const remaining = request.remainingMs();
  const reserve = Math.max(Math.min(DEADLINE_RESERVE_MS, remaining / 4), remaining - INVOCATION_MS);
  const waiting = state.units.filter(({ done }) => !done);
  let pages = 0;
  let failed = false;
  const mayContinue = () => !failed && (pages === 0 || request.remainingMs() > reserve);
  const read = async () => {
    const memory = { page: new ReusedBytes(PAGE_BYTES), lines: new EncodedLines(PAGE_BYTES) };
    for (let unit = waiting.shift(); unit !== undefined; unit = waiting.shift()) {
      while (!unit.done && mayContinue()) {
        await readPage(pointInTime, unit, state, request, writer, memory);
        pages += 1;
      }
    }
  };
  const outcomes = await Promise.allSettled(
    Array.from({ length: PARALLEL_READERS }, () =>
      read().catch((error) => {
        failed = true;
        throw error;
      }),
    ),
  );
  state.pit_id = pointInTime.id;
  for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
}

/** Reads units like {@link readUnits}, through as many lost snapshots as there are, as long as it gets on. */
async function readThroughLosses(
  openSearch: OpenSearch,
  state: ExtractionCursor,
  request: ExtractionRequest,
  writer: PartWriter,
): Promise<void> {
  const seen = () => state.units.reduce((sum, unit) => sum + unit.seen, 0);
  for (let before = -1; ; ) {
    try {
      return await readUnits(openSearch, state, request, writer);
    } catch (error) {
      if (!(error instanceof PointInTimeLostError) || seen() === before) throw error;
      before = seen();
      if (!(await reopen(openSearch, state, request.index))) throw error;
      logger.warn("the snapshot was lost; the index is as it was, so the extraction goes on in a new one", {
        seen: before,
      });
    }
  }
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
    await readThroughLosses(openSearch, state, request, writer);
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
 * limit, and after five minutes, with `complete: false` and a cursor; the next invocation goes on from there. When OpenSearch
 * loses the snapshot, the extraction goes on in a new one if the index has not changed; else it begins anew (twice at
 * most), because documents that were read before and after would not fit together.
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
