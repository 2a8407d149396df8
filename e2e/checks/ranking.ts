/**
 * nDCG@k of one ranking with exponential gain: DCG = sum((2^rel - 1) / log2(rank + 1)), as trec_eval's ndcg_cut does for
 * binary judgements (Järvelin and Kekäläinen 2002).
 *
 * @param ranking document ids, best first.
 * @param judgements relevance by document id.
 */
export function ndcg(ranking: readonly string[], judgements: ReadonlyMap<string, number>, k = 10): number {
  const gain = (relevance: number, rank: number) => (2 ** relevance - 1) / Math.log2(rank + 2);
  const found = ranking.slice(0, k).reduce((sum, id, rank) => sum + gain(judgements.get(id) ?? 0, rank), 0);
  const ideal = [...judgements.values()]
    .sort((a, b) => b - a)
    .slice(0, k)
    .reduce((sum, relevance, rank) => sum + gain(relevance, rank), 0);
  return ideal === 0 ? 0 : found / ideal;
}
