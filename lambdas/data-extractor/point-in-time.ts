import { z } from "zod";
import { messageOf } from "../shared/lambda/errors.ts";
import { logger } from "../shared/lambda/logger.ts";
import { parseKeepingDigits } from "../shared/lines/written-numbers.ts";
import {
  type OpenSearch,
  OpenSearchRequestError,
  OpenSearchUnavailableError,
} from "../shared/open-search/open-search.ts";
import { namingIndex } from "./index-layout.ts";

/** The snapshot that the extraction reads is gone: it expired, or a node was restarted. */
export class PointInTimeLostError extends Error {
  override readonly name = "PointInTimeLostError";
}

/** How long OpenSearch keeps the snapshot after each request; the state machine calls again within seconds. */
const KEEP_ALIVE = "5m";

const Shards = z.object({
  total: z.number(),
  successful: z.number(),
  skipped: z.number().default(0),
  failed: z.number().default(0),
});
type Shards = z.infer<typeof Shards>;

const Opened = z.object({ pit_id: z.string(), _shards: Shards });

export const Hit = z.object({
  _index: z.string(),
  _id: z.string(),
  _source: z.unknown(),
  sort: z.array(z.union([z.number(), z.string(), z.boolean(), z.null()])).optional(),
});
export type Hit = z.infer<typeof Hit>;

const Answer = z.object({ pit_id: z.string().optional(), _shards: Shards });
const CountAnswer = Answer.extend({ hits: z.object({ total: z.object({ value: z.number() }) }) });
const SequenceNumber = z.object({ value: z.number().nullable() }).transform(({ value }) => value);
const ExtentAnswer = CountAnswer.extend({
  aggregations: z.object({ first: SequenceNumber, last: SequenceNumber }).optional(),
});
const PageAnswer = Answer.extend({ hits: z.object({ hits: z.array(Hit) }) });

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

/** Documents of a selection, in its order. */
export interface Page {
  readonly hits: readonly Hit[];
  /** Bytes of the answer. */
  readonly bytes: number;
  /** The most documents that the index gives at once, when more were asked for. */
  readonly window: number | null;
}

/** The most documents that the index gives at once (`index.max_result_window`), when that is what it complains about. */
function resultWindow(error: unknown): number | undefined {
  if (!(error instanceof OpenSearchRequestError)) return undefined;
  const [, window] = /Result window is too large.*?less than or equal to: \[(\d+)\]/.exec(error.reason) ?? [];
  return window === undefined ? undefined : Number(window);
}

/** @throws OpenSearchUnavailableError when some of the shards were not asked, which `failed` alone does not tell. */
function checkShards(openSearch: OpenSearch, { total, successful, skipped, failed }: Shards): void {
  // Versions differ in whether shards that cannot match, and are skipped, count as successful.
  if (failed === 0 && (successful === total || successful + skipped === total)) return;
  const reason = `only ${successful} of ${total} shards answered`;
  throw new OpenSearchUnavailableError(
    `At OpenSearch ${openSearch.endpoint} ${reason}, so that documents would be missing. Look at the health of the index (opensearch_index_name): bring its shards back, and redrive the execution when it is not red.`,
    503,
    new Set(),
    reason,
    undefined,
  );
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
   * Takes a snapshot of every shard. `shards` is the number of its primary shards.
   *
   * @throws IndexNotFoundError; OpenSearchUnavailableError when a shard is away.
   */
  static async open(openSearch: OpenSearch, index: string): Promise<{ pointInTime: PointInTime; shards: number }> {
    try {
      const { body } = await openSearch.request(
        {
          method: "POST",
          path: `/${encodeURIComponent(index)}/_search/point_in_time`,
          query: { keep_alive: KEEP_ALIVE, allow_partial_pit_creation: "false" },
        },
        Opened,
      );
      const pointInTime = new PointInTime(openSearch, body.pit_id);
      try {
        checkShards(openSearch, body._shards);
      } catch (error) {
        await pointInTime.close();
        throw error;
      }
      return { pointInTime, shards: body._shards.total };
    } catch (error) {
      throw namingIndex(openSearch, index, error);
    }
  }

  get id(): string {
    return this.#id;
  }

  /** How many documents the selection has, exactly. */
  async count(selection: DocumentSelection): Promise<number> {
    const { body } = await this.#search({ ...selectionBody(selection), size: 0, track_total_hits: true }, CountAnswer);
    return body.hits.total.value;
  }

  /**
   * How many documents the selection has, and the lowest and highest of their sequence numbers (null when it has none).
   * Whatever is written to a shard changes one of the three.
   */
  async extent(selection: DocumentSelection): Promise<{ count: number; first: number | null; last: number | null }> {
    const aggs = { first: { min: { field: "_seq_no" } }, last: { max: { field: "_seq_no" } } };
    const { body } = await this.#search(
      { ...selectionBody(selection), size: 0, track_total_hits: true, aggs },
      ExtentAnswer,
    );
    return { count: body.hits.total.value, first: null, last: null, ...body.aggregations };
  }

  /**
   * The next documents of the selection, fewer than asked for when the index does not give as many: in the order of their sequence
   * numbers, which stays what it is in another snapshot, when the selection has a range, else in index order. Either is a number
   * within a shard: it may only be continued with `searchAfter` in a selection of one shard, else documents of other shards with the
   * same number are skipped without a word. Numbers have their digits, as {@link parseKeepingDigits} gives them.
   */
  async page(selection: DocumentSelection, options: PageOptions): Promise<Page> {
    try {
      return { ...(await this.#page(selection, options)), window: null };
    } catch (error) {
      const window = resultWindow(error);
      if (window === undefined) throw error;
      return { ...(await this.#page(selection, { ...options, size: window })), window };
    }
  }

  async #page(selection: DocumentSelection, { fields, size, searchAfter }: PageOptions) {
    const { body, bytes } = await this.#search(
      {
        ...selectionBody(selection),
        size,
        sort: [selection.range === undefined ? "_doc" : "_seq_no"],
        ...(fields === null ? {} : { _source: { includes: fields } }),
        track_total_hits: false,
        ...(searchAfter === null ? {} : { search_after: searchAfter }),
      },
      PageAnswer,
      parseKeepingDigits,
    );
    return { hits: body.hits.hits, bytes };
  }

  async #search<Schema extends z.ZodType<z.infer<typeof Answer>>>(
    body: Record<string, unknown>,
    answer: Schema,
    parse?: (json: string) => unknown,
  ) {
    try {
      const answered = await this.#openSearch.request(
        {
          method: "POST",
          path: "/_search",
          query: { allow_partial_search_results: "false" },
          body: { ...body, pit: { id: this.#id, keep_alive: KEEP_ALIVE } },
        },
        answer,
        parse,
      );
      checkShards(this.#openSearch, answered.body._shards);
      this.#id = answered.body.pit_id ?? this.#id;
      return answered;
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
