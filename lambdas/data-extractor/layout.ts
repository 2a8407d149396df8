import { EmptyCorpusError } from "../shared/lambda/errors.ts";
import { logger } from "../shared/lambda/logger.ts";
import { type OpenSearch, OpenSearchRequestError } from "../shared/open-search/open-search.ts";
import { checkTextFields, concreteIndices, TextFieldNotFoundError } from "./index-layout.ts";
import { type DocumentSelection, PointInTime } from "./point-in-time.ts";
import { type ExtractionCursor, rangesOf, shareOut, type Unit } from "./progress.ts";
import { checkStored, readFieldMappings, storedFields } from "./stored-fields.ts";
import { textsOf } from "./text-fields.ts";

/** Not every document of the index was read. */
export class CountMismatchError extends Error {
  override readonly name = "CountMismatchError";

  /** @param found what differs from what. */
  constructor(found: string) {
    super(
      `${found} Start a new execution; if that ends in the same way, export the documents as JSONL and set input_type to s3.`,
    );
  }
}

/** Units that are read at once: enough to keep the writer busy, few enough to leave the cluster to its users. */
export const PARALLEL_READERS = 4;
/** From here on, what a request costs besides its documents is not felt any more. */
const MAX_PAGE_SIZE = 5000;
/** Where the answer says nothing of how large documents are. */
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

/** Documents that a page of {@link PAGE_BYTES} has when so many of them have so many bytes; at most `atMost`. */
export function pageSizeFor(bytes: number, documents: number, atMost: number): number {
  if (documents === 0) return Math.min(UNMEASURED_PAGE_SIZE, atMost);
  return Math.max(1, Math.min(atMost, Math.floor((PAGE_BYTES * documents) / bytes)));
}

/** Runs `work` on every item, {@link PARALLEL_READERS} at a time. */
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

/** One slice a shard: with more slices than shards OpenSearch splits shards, with fewer it joins them. */
function slicesOf(shards: number, index?: string): DocumentSelection[] {
  if (shards <= 1) return [{ index }];
  return Array.from({ length: shards }, (_, id) => ({ index, slice: { id, max: shards } }));
}

async function shardsOf(openSearch: OpenSearch, index: string): Promise<DocumentSelection[]> {
  const { pointInTime, shards } = await PointInTime.open(openSearch, index);
  await pointInTime.close();
  return slicesOf(shards, index);
}

/** Cuts shards into ranges that are read at once. */
async function rangesOfShards(
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

type Extent = Pick<Unit, "total" | "last">;

async function extentOf(pointInTime: PointInTime, selection: DocumentSelection): Promise<Extent> {
  if (selection.range === undefined) return { total: await pointInTime.count(selection), last: null };
  const { count, last } = await pointInTime.extent(selection);
  return { total: count, last };
}

async function paysToFilter(pointInTime: PointInTime, fields: readonly string[]): Promise<boolean> {
  const sample = { size: WHOLE_SAMPLE_SIZE, searchAfter: null };
  const whole = await pointInTime.page({}, { ...sample, fields: null });
  const filtered = await pointInTime.page({}, { ...sample, fields });
  return whole.bytes > FILTER_FROM_RATIO * filtered.bytes;
}

interface Sample {
  readonly bytes: number;
  /** `_source` of each document. */
  readonly sources: readonly unknown[];
}

async function sampleOf(pointInTime: PointInTime, fields: readonly string[]): Promise<Sample> {
  const { bytes, hits } = await pointInTime.page({}, { fields, size: SAMPLE_SIZE, searchAfter: null });
  return { bytes, sources: hits.map(({ _source }) => _source) };
}

function hasText(sources: readonly unknown[], field: string): boolean {
  return sources.some((source) => textsOf(source, field).length > 0);
}

/** The units of an index: its shards, or ranges of them, with the documents that each has and may give. */
async function unitsOf(
  openSearch: OpenSearch,
  pointInTime: PointInTime,
  shards: readonly DocumentSelection[],
  { index, maxDocuments, total }: { index: string; maxDocuments: number; total: number },
): Promise<Unit[]> {
  const selections = await rangesOfShards(openSearch, pointInTime, shards);
  const extents = await inParallel(selections, (selection) => extentOf(pointInTime, selection));
  const totals = extents.map((extent) => extent.total);
  const selected = totals.reduce((a, b) => a + b, 0);
  if (selected !== total) {
    throw new CountMismatchError(
      `The parts of "${index}" have ${selected} documents, the index has ${total}; nothing was extracted.`,
    );
  }
  const quotas = shareOut(maxDocuments, totals);
  return selections.map((selection, unit) => ({
    ...selection,
    total: totals[unit] ?? 0,
    last: extents[unit]?.last ?? null,
    quota: quotas[unit] ?? 0,
    seen: 0,
    kept: 0,
    search_after: null,
    done: quotas[unit] === 0,
  }));
}

/**
 * Takes a snapshot of an index and lays out how its documents are read.
 *
 * @param restarts how often the extraction began anew before.
 * @throws IndexNotFoundError, TextFieldNotFoundError, EmptyCorpusError, CountMismatchError
 */
export async function layOut(
  openSearch: OpenSearch,
  request: { readonly index: string; readonly fields: readonly string[]; readonly maxDocuments: number },
  restarts: number,
): Promise<ExtractionCursor> {
  const { index, maxDocuments } = request;
  const indices = await concreteIndices(openSearch, index);
  const { pointInTime, shards } = await PointInTime.open(openSearch, index);
  try {
    const total = await pointInTime.count({});
    if (total === 0) {
      throw new EmptyCorpusError(
        `"${index}" at ${openSearch.endpoint} has no documents. Set opensearch_index_name to an index that has some.`,
      );
    }
    const written = await sampleOf(pointInTime, request.fields);
    await checkTextFields(openSearch, index, request.fields, written.sources);
    const mappings = await readFieldMappings(openSearch, index);
    const fields = [
      ...new Set(request.fields.flatMap((field) => storedFields(field, mappings, hasText(written.sources, field)))),
    ];
    logger.info("text is read from", { asked: request.fields, fields });
    const sample = await sampleOf(pointInTime, fields);
    for (const field of fields.filter((name) => !hasText(sample.sources, name))) {
      await checkStored(openSearch, index, field);
    }

    const allShards =
      indices.length === 1
        ? slicesOf(shards)
        : (await inParallel(indices, (concrete) => shardsOf(openSearch, concrete))).flat();
    return {
      units: await unitsOf(openSearch, pointInTime, allShards, { index, maxDocuments, total }),
      fields,
      several_indices: indices.length > 1,
      filter_source: await paysToFilter(pointInTime, fields),
      pit_id: pointInTime.id,
      next_part: 0,
      page_size: pageSizeFor(sample.bytes, sample.sources.length, MAX_PAGE_SIZE),
      max_page_size: MAX_PAGE_SIZE,
      restarts,
    };
  } catch (error) {
    await pointInTime.close();
    throw namingDisabledSource(index, error);
  }
}

/**
 * Takes another snapshot when one was lost. What was read fits what is left, and sequence numbers give it the same order, when
 * nothing was written to the index in between.
 *
 * @returns the new snapshot; undefined when the index is not what it was, or that cannot be known.
 */
export async function reopen(
  openSearch: OpenSearch,
  index: string,
  units: readonly Unit[],
): Promise<PointInTime | undefined> {
  if (units.some(({ range }) => range === undefined)) return undefined;
  const { pointInTime } = await PointInTime.open(openSearch, index);
  const extents = await inParallel(units, (unit) => extentOf(pointInTime, unit));
  if (units.every(({ total, last }, unit) => extents[unit]?.total === total && extents[unit]?.last === last)) {
    return pointInTime;
  }
  await pointInTime.close();
  return undefined;
}
