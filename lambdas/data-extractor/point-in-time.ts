import { z } from "zod";
import { messageOf } from "../shared/errors.ts";
import { logger } from "../shared/logger.ts";
import { type OpenSearch, type OpenSearchCall, OpenSearchRequestError } from "../shared/open-search.ts";
import type { ReusedBytes } from "../shared/reused-bytes.ts";
import { namingIndex } from "./index-layout.ts";
import { PlainHits } from "./plain-hits.ts";

/** The snapshot that the extraction reads is gone: it expired, or a node was restarted. */
export class PointInTimeLostError extends Error {
  override readonly name = "PointInTimeLostError";
}

/** How long OpenSearch keeps the snapshot after each request; the state machine calls again within seconds. */
const KEEP_ALIVE = "5m";

const Opened = z.object({ pit_id: z.string(), _shards: z.object({ total: z.number() }) });

export const Hit = z.object({
  _index: z.string(),
  _id: z.string(),
  _source: z.unknown(),
  sort: z.array(z.union([z.number(), z.string(), z.boolean(), z.null()])).optional(),
});
export type Hit = z.infer<typeof Hit>;

const SequenceNumber = z.object({ value: z.number().nullable() }).transform(({ value }) => value);

const SearchAnswer = z.object({
  pit_id: z.string().optional(),
  _shards: z.object({ total: z.number(), failed: z.number() }),
  hits: z
    .object({ total: z.object({ value: z.number() }).optional(), hits: z.array(Hit).default([]) })
    .default({ hits: [] }),
  aggregations: z.object({ first: SequenceNumber, last: SequenceNumber }).optional(),
});

/**
 * A part of the documents: of one index when the snapshot has several, of one slice when the index has several shards, and
 * of a range of sequence numbers.
 */
export interface DocumentSelection {
  readonly index?: string | undefined;
  readonly slice?: { readonly id: number; readonly max: number } | undefined;
  readonly range?: { readonly from: number | null; readonly to: number | null } | undefined;
}

function selectionBody({ index, slice, range }: DocumentSelection) {
  const filter: unknown[] = [];
  if (index !== undefined) filter.push({ term: { _index: index } });
  if (range !== undefined && (range.from !== null || range.to !== null)) {
    const from = range.from === null ? {} : { gte: range.from };
    filter.push({ range: { _seq_no: { ...from, ...(range.to === null ? {} : { lte: range.to }) } } });
  }
  return {
    ...(slice === undefined ? {} : { slice }),
    ...(filter.length === 0 ? {} : { query: { bool: { filter } } }),
  };
}

export interface PageOptions {
  /** What the documents shall have; null for all they have. */
  readonly fields: readonly string[] | null;
  readonly size: number;
  readonly searchAfter: readonly unknown[] | null;
}

/** Documents as OpenSearch sent them: `plain` hits, or parsed ones where the answer has another form. */
export interface PageOfTexts {
  readonly plain: PlainHits | undefined;
  readonly hits: readonly Hit[];
  readonly bytes: number;
}

function pageBody(selection: DocumentSelection, { fields, size, searchAfter }: PageOptions) {
  return {
    ...selectionBody(selection),
    size,
    sort: [selection.range === undefined ? "_doc" : "_seq_no"],
    ...(fields === null ? {} : { _source: { includes: fields } }),
    track_total_hits: false,
    ...(searchAfter === null ? {} : { search_after: searchAfter }),
  };
}

/** A snapshot of an index, an alias or a pattern that searches see unchanged. */
export class PointInTime {
  readonly #openSearch: OpenSearch;
  #id: string;

  private constructor(openSearch: OpenSearch, id: string) {
    this.#openSearch = openSearch;
    this.#id = id;
  }

  /** Takes up a snapshot that an earlier invocation opened. */
  static resume(openSearch: OpenSearch, id: string): PointInTime {
    return new PointInTime(openSearch, id);
  }

  /**
   * Takes a snapshot. `shards` is the number of its primary shards.
   *
   * @throws IndexNotFoundError
   */
  static async open(openSearch: OpenSearch, index: string): Promise<{ pointInTime: PointInTime; shards: number }> {
    try {
      const { body } = await openSearch.request(
        {
          method: "POST",
          path: `/${encodeURIComponent(index)}/_search/point_in_time`,
          query: { keep_alive: KEEP_ALIVE },
        },
        Opened,
      );
      return { pointInTime: new PointInTime(openSearch, body.pit_id), shards: body._shards.total };
    } catch (error) {
      throw namingIndex(openSearch, index, error);
    }
  }

  get id(): string {
    return this.#id;
  }

  /** How many documents the selection has, exactly. */
  async count(selection: DocumentSelection): Promise<number> {
    return this.#total(await this.#search({ ...selectionBody(selection), size: 0, track_total_hits: true }));
  }

  /**
   * How many documents the selection has, and the lowest and highest of their sequence numbers (null when it has none).
   * Whatever is written to a shard changes one of the three.
   */
  async extent(selection: DocumentSelection): Promise<{ count: number; first: number | null; last: number | null }> {
    const answer = await this.#search({
      ...selectionBody(selection),
      size: 0,
      track_total_hits: true,
      aggs: { first: { min: { field: "_seq_no" } }, last: { max: { field: "_seq_no" } } },
    });
    return { count: this.#total(answer), first: null, last: null, ...answer.aggregations };
  }

  #total({ hits: { total } }: { hits: { total?: { value: number } | undefined } }): number {
    if (total === undefined) throw new Error("OpenSearch gave no total for a count.");
    return total.value;
  }

  /**
   * The next documents of the selection: in the order of their sequence numbers, which stays what it is in another snapshot,
   * when the selection has a range, else in index order. Either is a number within a shard: it may only be continued with
   * `searchAfter` in a selection of one shard, else documents of other shards with the same number are skipped without a word.
   */
  async page(selection: DocumentSelection, options: PageOptions): Promise<{ hits: Hit[]; bytes: number }> {
    const { hits, bytes } = await this.#search(pageBody(selection, options));
    return { hits: hits.hits, bytes };
  }

  /**
   * The same as {@link page}, as OpenSearch sent it.
   *
   * @param textFields the fields whose texts will be read.
   * @param into what the page lies in until the next one does.
   */
  async pageOfTexts(
    selection: DocumentSelection,
    options: PageOptions,
    textFields: readonly string[],
    into: ReusedBytes,
  ): Promise<PageOfTexts> {
    const bytes = await this.#withSnapshot(() =>
      this.#openSearch.requestBytes(this.#searchCall(pageBody(selection, options)), into),
    );
    const plain = PlainHits.of(bytes, textFields);
    const answer = SearchAnswer.parse(plain?.answer ?? JSON.parse(bytes.toString()));
    this.#accept(answer);
    return { plain, hits: answer.hits.hits, bytes: bytes.length };
  }

  #searchCall(body: Record<string, unknown>): OpenSearchCall {
    return {
      method: "POST",
      path: "/_search",
      query: { allow_partial_search_results: "false" },
      body: { ...body, pit: { id: this.#id, keep_alive: KEEP_ALIVE } },
    };
  }

  #accept({ _shards, pit_id }: z.infer<typeof SearchAnswer>): void {
    if (_shards.failed > 0) throw new Error(`${_shards.failed} of ${_shards.total} shards failed in a search.`);
    this.#id = pit_id ?? this.#id;
  }

  async #search(body: Record<string, unknown>) {
    const answer = await this.#withSnapshot(() => this.#openSearch.request(this.#searchCall(body), SearchAnswer));
    this.#accept(answer.body);
    return { hits: answer.body.hits, aggregations: answer.body.aggregations, bytes: answer.bytes };
  }

  async #withSnapshot<Answer>(search: () => Promise<Answer>): Promise<Answer> {
    try {
      return await search();
    } catch (error) {
      if (error instanceof OpenSearchRequestError && error.types.has("search_context_missing_exception")) {
        throw new PointInTimeLostError(
          `OpenSearch at ${this.#openSearch.endpoint} lost the snapshot of the index (its keep-alive of ${KEEP_ALIVE} passed, or a node was restarted).`,
          { cause: error },
        );
      }
      throw error;
    }
  }

  /** Gives the snapshot back. It would end by itself after its keep-alive, so a failure to do so is only logged. */
  async close(): Promise<void> {
    try {
      await this.#openSearch.request(
        { method: "DELETE", path: "/_search/point_in_time", body: { pit_id: [this.#id] } },
        z.unknown(),
      );
    } catch (error) {
      logger.warn("the point in time could not be closed", { reason: messageOf(error) });
    }
  }
}
