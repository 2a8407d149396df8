import type { S3Client } from "@aws-sdk/client-s3";
import type { CorpusResult } from "../../pipeline/artifacts.ts";
import type { PartWriter } from "../shared/aws/part-writer.ts";
import { formatS3Uri, type S3Location } from "../shared/aws/s3-uri.ts";
import { EmptyCorpusError } from "../shared/lambda/errors.ts";
import { logger } from "../shared/lambda/logger.ts";
import { corpusPrefix, corpusWriter, discardCorpus, writeCorpusManifest } from "../shared/lines/corpus.ts";
import { type OpenSearch, OpenSearchUnavailableError } from "../shared/open-search/open-search.ts";
import { layOut, PARALLEL_READERS, reopen } from "./layout.ts";
import { PointInTime, PointInTimeLostError } from "./point-in-time.ts";
import type { ExtractionCursor, Unit } from "./progress.ts";
import { PageSize, readPage } from "./read-page.ts";

export interface ExtractionRequest {
  readonly index: string;
  readonly fields: readonly string[];
  readonly maxDocuments: number;
  readonly run: S3Location;
  readonly cursor: ExtractionCursor | null;
  /** Milliseconds until the Lambda runtime ends this invocation. */
  remainingMs(): number;
}

/** Enough to end the last pages and the part that is being written. */
const DEADLINE_RESERVE_MS = 60_000;
/** What is lost at most when an invocation is cut off: the next one goes on from the cursor of the one before. */
const INVOCATION_MS = 5 * 60_000;
const MAX_RESTARTS = 2;

function sum(units: readonly Unit[], of: (unit: Unit) => number): number {
  return units.reduce((total, unit) => total + of(unit), 0);
}

/** Whether the readers may go on; the first page of an invocation is always read, so that each gets further. */
function deadlineOf(request: ExtractionRequest): (pages: number) => boolean {
  const remaining = request.remainingMs();
  const reserve = Math.max(Math.min(DEADLINE_RESERVE_MS, remaining / 4), remaining - INVOCATION_MS);
  return (pages) => pages === 0 || request.remainingMs() > reserve;
}

/** Reads units into the writer until all are done or the time is up. Each is replaced in `units` once a page of it is written. */
async function readUnits(
  pointInTime: PointInTime,
  units: Unit[],
  writer: PartWriter,
  options: Parameters<typeof readPage>[2],
  mayContinue: (pages: number) => boolean,
): Promise<void> {
  const waiting = [...units.entries()];
  let pages = 0;
  let failed = false;
  const read = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      let [position, unit] = next;
      while (!unit.done && !failed && mayContinue(pages)) {
        const page = await readPage(pointInTime, unit, options);
        await writer.append(page.lines);
        unit = page.unit;
        units[position] = unit;
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
  for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
}

/**
 * Goes on from a cursor for one invocation: reads units, through as many lost snapshots as there are while it gets on.
 *
 * @returns the cursor after it.
 * @throws PointInTimeLostError when a snapshot was lost and the index is not what it was.
 */
async function extractFrom(
  s3: S3Client,
  openSearch: OpenSearch,
  request: ExtractionRequest,
  cursor: ExtractionCursor,
): Promise<ExtractionCursor> {
  const writer = corpusWriter(s3, request.run, cursor.next_part);
  const units = [...cursor.units];
  const pageSize = new PageSize(cursor);
  const options = { cursor, pageSize };
  const mayContinue = deadlineOf(request);
  let pointInTime = PointInTime.resume(openSearch, cursor.pit_id);
  try {
    for (let seenBefore = -1; ; ) {
      try {
        await readUnits(pointInTime, units, writer, options, mayContinue);
        break;
      } catch (error) {
        const seen = sum(units, (unit) => unit.seen);
        if (!(error instanceof PointInTimeLostError) || seen === seenBefore) throw error;
        seenBefore = seen;
        const other = await reopen(openSearch, request.index, units);
        if (other === undefined) throw error;
        pointInTime = other;
        logger.warn("the snapshot was lost; the index is as it was, so the extraction goes on in a new one", { seen });
      }
    }
    await writer.finish();
  } catch (error) {
    await writer.abort();
    // The state machine invokes again with the same cursor, whose snapshot is still there then.
    const goesOn = error instanceof OpenSearchUnavailableError && pointInTime.id === request.cursor?.pit_id;
    if (!goesOn) await pointInTime.close();
    throw error;
  }
  return {
    ...cursor,
    units,
    pit_id: pointInTime.id,
    next_part: writer.nextPart,
    page_size: pageSize.size,
    max_page_size: pageSize.max,
  };
}

/** Ends an extraction whose units are all done. */
async function complete(
  s3: S3Client,
  openSearch: OpenSearch,
  { run, index, fields }: ExtractionRequest,
  { pit_id, units, next_part }: ExtractionCursor,
): Promise<void> {
  await PointInTime.resume(openSearch, pit_id).close();
  const seen = sum(units, (unit) => unit.seen);
  const kept = sum(units, (unit) => unit.kept);
  if (kept === 0) {
    throw new EmptyCorpusError(
      `None of the ${seen} documents of "${index}" has text in ${fields.join(", ")}. Set text_field_names to fields that have.`,
    );
  }
  await writeCorpusManifest(s3, run, {
    document_count: kept,
    empty_documents: seen - kept,
    missing_ids: 0,
    duplicate_ids: 0,
    invalid_documents: 0,
    invalid_lines: [],
    part_count: next_part,
    truncated: units.some(({ quota, total }) => quota < total),
    source: `${openSearch.endpoint}/${index}`,
  });
}

/**
 * Writes the text of every document of an index, as it is at one moment, to the run's corpus. Ends before the Lambda
 * limit, and after five minutes, with `complete: false` and a cursor; the next invocation goes on from there. When OpenSearch
 * loses the snapshot, the extraction goes on in a new one if the index has not changed; else it begins anew (twice at
 * most), because documents that were read before and after would not fit together.
 *
 * @throws IndexNotFoundError, TextFieldNotFoundError, EmptyCorpusError for what the user must change;
 *   CountMismatchError when documents are missing; PointInTimeLostError when beginning anew did not help either;
 *   OpenSearchUnavailableError when shards or nodes are away, which may go on with the same cursor;
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
      const from = cursor ?? (await layOut(openSearch, request, restarts));
      const after = await extractFrom(s3, openSearch, request, from);
      const documents = sum(after.units, ({ kept }) => kept);
      const [seen, of] = [sum(after.units, (unit) => unit.seen), sum(after.units, ({ total }) => total)];
      logger.info("extracted", { documents, seen, of });
      const result = { corpus_uri: formatS3Uri(corpusPrefix(request.run)), document_count: documents };
      if (after.units.some(({ done }) => !done)) return { complete: false, cursor: after, ...result };
      await complete(s3, openSearch, request, after);
      return { complete: true, cursor: null, ...result };
    } catch (error) {
      if (!(error instanceof PointInTimeLostError)) throw error;
      if (restarts >= MAX_RESTARTS) {
        throw new PointInTimeLostError(
          `${error.message} It was lost ${restarts + 1} times while documents were written to "${request.index}", so what was read before does not fit what is there now. Start a new execution while nothing is written to it and no node restarts, or set opensearch_index_name to a copy of the index.`,
          { cause: error },
        );
      }
      restarts += 1;
      cursor = null;
      logger.warn("the snapshot was lost; the extraction begins anew", { restarts });
    }
  }
}
