import type { RunResult } from "./stages.ts";

/** All seeds of one recipe on one collection. */
export interface Row {
  readonly collection: string;
  readonly recipe: string;
  readonly results: readonly RunResult[];
}

/** Mean and sample standard deviation. */
export function meanAndSpread(values: readonly number[]): { mean: number; spread: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, spread: values.length > 1 ? Math.sqrt(squares / (values.length - 1)) : 0 };
}

/** Markdown: one line a recipe and collection, nDCG@10 in points of 100; the spread is over training seeds. */
export function renderTable(rows: readonly Row[]): string {
  const header =
    "| collection | recipe | human: BM25 | base | tuned | gain | Recall@100, base -> tuned | gate | dev: gain | queries | steps |";
  const lines = [header, "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|"];
  for (const { collection, recipe, results } of rows) {
    const human = results.flatMap(({ report }) => report?.sets.filter(({ name }) => name === "judged") ?? []);
    const first = human[0];
    const cells =
      first === undefined
        ? ["", "", "", "", "", ""]
        : [
            points(first.rankers.bm25.ndcg_at_10),
            points(first.rankers.base.ndcg_at_10),
            withSpread(human.map(({ rankers }) => rankers.tuned.ndcg_at_10)),
            withSpread(
              human.map(({ ndcg_gain }) => ndcg_gain.mean),
              true,
            ),
            `${points(first.rankers.base.recall_at_100)} -> ${withSpread(human.map(({ rankers }) => rankers.tuned.recall_at_100))}`,
            `deploys ${results.filter(({ deploy }) => deploy).length} of ${results.length}`,
          ];
    const dev = withSpread(
      results.map(({ dev: { before, after } }) => after - before),
      true,
    );
    const [counts] = results;
    lines.push(
      `| ${[collection, recipe, ...cells, dev, counts?.trainQueries ?? "", results.map(({ steps }) => steps).join(", ")].join(" | ")} |`,
    );
  }
  return lines.join("\n");
}

function points(value: number): string {
  return (100 * value).toFixed(1);
}

function withSpread(values: readonly number[], signed = false): string {
  const { mean, spread } = meanAndSpread(values);
  const sign = signed && mean >= 0 ? "+" : "";
  return `${sign}${points(mean)}${values.length > 1 ? ` ± ${points(spread)}` : ""}`;
}
