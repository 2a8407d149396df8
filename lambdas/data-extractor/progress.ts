import { z } from "zod";

/** One shard's share of the extraction; its documents are read one page after the other. */
export const Unit = z.object({
  /** Set when the snapshot has several indices. */
  index: z.string().optional(),
  slice: z.object({ id: z.number().int(), max: z.number().int() }).optional(),
  /** Documents there are. */
  total: z.number().int(),
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
  /** Whether ids must be told apart by their index. */
  several_indices: z.boolean(),
  next_part: z.number().int(),
  page_size: z.number().int(),
  /** How often the extraction began anew because the snapshot was lost. */
  restarts: z.number().int(),
});
export type ExtractionCursor = z.infer<typeof ExtractionCursor>;

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
