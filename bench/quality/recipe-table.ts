import { markdownTable } from "markdown-table";
import type { JudgedOn } from "./quality-options.ts";
import type { RunResult } from "./recipe-run.ts";

/** All seeds of one recipe on one collection. */
export interface Row {
  readonly collection: string;
  readonly recipe: string;
  readonly results: readonly RunResult[];
  /** Of an ablation, the results of the recipe that it changes, with the same seeds in the same order. */
  readonly against?: readonly RunResult[] | undefined;
}

/** Mean and sample standard deviation. */
export function meanAndSpread(values: readonly number[]): { mean: number; spread: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, spread: values.length > 1 ? Math.sqrt(squares / (values.length - 1)) : 0 };
}

const HEADER = [
  "collection",
  "recipe",
  "human: BM25",
  "base",
  "tuned",
  "gain",
  "Recall@100, base -> tuned",
  "gate",
  "held-out: gain",
  "dev: gain",
  "against the whole",
  "queries",
  "steps",
];

/**
 * Markdown: one line a recipe and collection, nDCG@10 in points of 100; the spread is the standard deviation over training
 * seeds. What an ablation gains more than the recipe that it changes is the mean over pairs of the same seed, with its
 * standard error, of what `on` names.
 */
export function renderTable(rows: readonly Row[], on: JudgedOn): string {
  const lines: string[][] = [];
  for (const { collection, recipe, results, against } of rows) {
    const human = results.flatMap((result) => setOf(result, "judged") ?? []);
    const evaluated = results.every(({ report }) => report !== undefined);
    const first = human[0];
    const cells =
      first === undefined
        ? ["", "", "", "", ""]
        : [
            points(first.rankers.bm25.ndcg_at_10),
            points(first.rankers.base.ndcg_at_10),
            withSpread(human.map(({ rankers }) => rankers.tuned.ndcg_at_10)),
            gains(results, "test"),
            `${points(first.rankers.base.recall_at_100)} -> ${withSpread(human.map(({ rankers }) => rankers.tuned.recall_at_100))}`,
          ];
    const deploys = results.filter(({ deploy }) => deploy).length;
    const differences = against?.map((whole, seed) => gain(results[seed] as RunResult, on) - gain(whole, on));
    lines.push([
      collection,
      recipe,
      ...cells,
      evaluated ? `deploys ${deploys} of ${results.length}` : "",
      evaluated ? gains(results, "held-out") : "",
      gains(results, "dev"),
      differences === undefined ? "" : withStandardError(differences),
      String(results[0]?.trainQueries ?? ""),
      results.map(({ steps }) => steps).join(", "),
    ]);
  }
  return markdownTable([HEADER, ...lines], { align: HEADER.map((_, column) => (column < 2 ? "l" : "r")) });
}

function setOf({ report }: RunResult, name: string) {
  return report?.sets.find((set) => set.name === name);
}

/** What a run gained over the base model on the queries that `on` names; NaN where it was not measured on them. */
function gain(result: RunResult, on: JudgedOn): number {
  if (on === "dev") return result.dev.after - result.dev.before;
  return setOf(result, on === "test" ? "judged" : "held_out")?.ndcg_gain.mean ?? Number.NaN;
}

/** Mean and spread over the runs. */
function gains(results: readonly RunResult[], on: JudgedOn): string {
  const { mean, spread } = meanAndSpread(results.map((result) => gain(result, on)));
  return withSign(mean) + plusMinus(spread, results.length);
}

function points(value: number): string {
  return (100 * value).toFixed(1);
}

function withSpread(values: readonly number[]): string {
  const { mean, spread } = meanAndSpread(values);
  return points(mean) + plusMinus(spread, values.length);
}

function withStandardError(values: readonly number[]): string {
  const { mean, spread } = meanAndSpread(values);
  return withSign(mean) + plusMinus(spread / Math.sqrt(values.length), values.length);
}

/** One value has no spread. */
function plusMinus(spread: number, values: number): string {
  return values > 1 ? ` ± ${points(spread)}` : "";
}

function withSign(value: number): string {
  return `${value >= 0 ? "+" : ""}${points(value)}`;
}
