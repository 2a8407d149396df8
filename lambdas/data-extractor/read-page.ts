import { corpusLine } from "../shared/lines/corpus.ts";
import { CountMismatchError, pageSizeFor } from "./layout.ts";
import type { PointInTime } from "./point-in-time.ts";
import type { ExtractionCursor, Unit } from "./progress.ts";
import { textOf } from "./text-fields.ts";

/** How many documents a page has, which all readers learn from the pages of each. */
export class PageSize {
  #size: number;
  #max: number;

  constructor({ page_size, max_page_size }: Pick<ExtractionCursor, "page_size" | "max_page_size">) {
    this.#size = page_size;
    this.#max = max_page_size;
  }

  get size(): number {
    return this.#size;
  }

  /** The most that the index allows, as far as is known. */
  get max(): number {
    return this.#max;
  }

  /** Learns from a page. */
  learn(page: { readonly bytes: number; readonly documents: number; readonly window: number | null }): void {
    this.#max = Math.min(this.#max, page.window ?? this.#max);
    // Grows slowly, because the next documents may be larger than these.
    this.#size = pageSizeFor(page.bytes, page.documents, Math.min(this.#max, this.#size * 2));
  }
}

export interface ReadOptions {
  readonly cursor: Pick<ExtractionCursor, "fields" | "several_indices" | "filter_source">;
  readonly pageSize: PageSize;
}

export interface CorpusPage {
  /** Lines of the corpus. */
  readonly lines: readonly string[];
  /** The unit once these lines are written. */
  readonly unit: Unit;
}

function unitName({ index, slice, range }: Unit): string {
  const parts = [
    index,
    slice && `slice ${slice.id} of ${slice.max}`,
    range && `sequence numbers ${range.from ?? ""} to ${range.to ?? ""}`,
  ].filter(Boolean);
  return parts.length === 0 ? "the index" : parts.join(", ");
}

/**
 * Reads the next page of a unit.
 *
 * @throws CountMismatchError when the unit ends before all of its documents were seen.
 */
export async function readPage(
  pointInTime: PointInTime,
  unit: Unit,
  { cursor, pageSize }: ReadOptions,
): Promise<CorpusPage> {
  const { fields } = cursor;
  const { hits, bytes, window } = await pointInTime.page(unit, {
    fields: cursor.filter_source ? fields : null,
    size: pageSize.size,
    searchAfter: unit.search_after,
  });
  pageSize.learn({ bytes, documents: hits.length, window });
  const lines: string[] = [];
  let seen = unit.seen;
  for (const { _index, _id, _source } of hits) {
    if (unit.kept + lines.length === unit.quota) break;
    seen += 1;
    const text = textOf(_source, fields);
    // Ids of several indices are told apart by their index.
    if (text !== "") lines.push(corpusLine(cursor.several_indices ? `${_index}/${_id}` : _id, text));
  }
  const kept = unit.kept + lines.length;
  const atEnd = hits.length === 0 || seen === unit.total;
  if (atEnd && seen !== unit.total) {
    throw new CountMismatchError(`Of ${unit.total} documents of ${unitName(unit)} only ${seen} could be read.`);
  }
  const done = atEnd || (kept === unit.quota && unit.quota < unit.total);
  return { lines, unit: { ...unit, seen, kept, done, search_after: hits.at(-1)?.sort ?? null } };
}
