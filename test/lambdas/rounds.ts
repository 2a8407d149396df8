/** How often a property is tried: `usual` times, or `FUZZ_FACTOR` times as often for a longer search. */
export function rounds(usual: number): number {
  return Math.ceil(usual * Number(process.env.FUZZ_FACTOR ?? 1));
}
