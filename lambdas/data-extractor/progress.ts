import { z } from "zod";

/** A part of the documents that is read one page after the other: a range of a shard's sequence numbers. */
export const Unit = z.object({
  /** Set when the snapshot has several indices. */
  index: z.string().optional(),
  slice: z.object({ id: z.number().int(), max: z.number().int() }).optional(),
  /** Sequence numbers, both included; null for no bound. Absent where OpenSearch gives no sequence numbers. */
  range: z.object({ from: z.number().int().nullable(), to: z.number().int().nullable() }).optional(),
  /** Documents there are. */
  total: z.number().int(),
  /** The highest sequence number there is; null where there are none. */
  last: z.number().int().nullable(),
  /** Documents with text that are taken at most. */
  quota: z.number().int(),
  seen: z.number().int(),
  kept: z.number().int(),
  search_after: z.array(z.union([z.number(), z.string(), z.boolean(), z.null()])).nullable(),
  done: z.boolean(),
});
export type Unit = z.infer<typeof Unit>;

/** How far an extraction is: what one invocation leaves for the next. Opaque to the state machine. */
export const ExtractionCursor = z.object({
  pit_id: z.string(),
  units: z.array(Unit),
  /** The fields of a document that hold its text. */
  fields: z.array(z.string()),
  /** Whether ids must be told apart by their index. */
  several_indices: z.boolean(),
  /** Whether OpenSearch leaves out the fields that are not asked for. */
  filter_source: z.boolean(),
  next_part: z.number().int(),
  page_size: z.number().int(),
  /** The most documents that the index lets a page have. */
  max_page_size: z.number().int(),
  /** How often the extraction began anew because the snapshot was lost. */
  restarts: z.number().int(),
});
export type ExtractionCursor = z.infer<typeof ExtractionCursor>;

/** Documents below which a range is not worth a request of its own. */
const MIN_RANGE_DOCUMENTS = 5000;
/** Documents above which ranges of unequal content would keep one reader busy when the others are done. */
const MAX_RANGE_DOCUMENTS = 250_000;
const MAX_RANGES = 16;

/**
 * Cuts the sequence numbers of a shard into ranges of equal width, so that a shard too can be read by several requests at
 * once. (Slices of a shard serve that end badly: they take every n-th document of each stored block, so that each of them
 * unpacks all blocks; five times the work with four slices. Documents of a range lie together.)
 *
 * @param shard its documents and the lowest and highest of their sequence numbers.
 * @param readers requests that this shard may have at once.
 */
export function rangesOf(
  shard: { readonly count: number; readonly first: number | null; readonly last: number | null },
  readers: number,
): NonNullable<Unit["range"]>[] {
  const { count, first, last } = shard;
  if (first === null || last === null) return [{ from: null, to: null }];
  const wanted = Math.max(readers, Math.ceil(count / MAX_RANGE_DOCUMENTS));
  const ranges = Math.max(1, Math.min(wanted, MAX_RANGES, Math.floor(count / MIN_RANGE_DOCUMENTS)));
  const start = (range: number) => first + Math.floor(((last + 1 - first) * range) / ranges);
  return Array.from({ length: ranges }, (_, range) => ({
    // The outer ones are open, so that what is written later shows in their counts.
    from: range === 0 ? null : start(range),
    to: range === ranges - 1 ? null : start(range + 1) - 1,
  }));
}

/**
 * Shares `limit` out in proportion to `totals`, so that a limited corpus is the same in every run and has something of
 * every shard. The remainder goes to the largest fractions, the earlier ones first.
 */
export function shareOut(limit: number, totals: readonly number[]): number[] {
  const sum = totals.reduce((a, b) => a + b, 0);
  if (sum <= limit) return [...totals];
  const exact = totals.map((total) => (limit * total) / sum);
  const shares = exact.map(Math.floor);
  const remainder = limit - shares.reduce((a, b) => a + b, 0);
  const byFraction = exact.map((share, index) => ({ index, fraction: share - Math.floor(share) }));
  byFraction.sort((a, b) => b.fraction - a.fraction || a.index - b.index);
  for (const { index } of byFraction.slice(0, remainder)) shares[index] = (shares[index] ?? 0) + 1;
  return shares;
}
