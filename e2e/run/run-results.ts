import type { EvaluationSet, MetricGain, Rankers, Sparsity } from "../../pipeline/artifacts.ts";
import type { Check } from "../checks/check.ts";

/** Seconds and counts of one stage of one execution. */
export interface StageResult {
  readonly stage: string;
  readonly seconds: number;
  readonly counts: string;
}

/** What one execution gave. */
export interface ExecutionSummary {
  readonly name: string;
  readonly stages: readonly StageResult[];
  readonly checks: readonly Check[];
  /** Of the base and the tuned model; empty for dense models. */
  readonly sparsity: readonly Sparsity[];
  readonly heldOut: EvaluationSet | undefined;
  /** On the queries that people wrote. */
  readonly human: EvaluationSet | undefined;
  /** File of the evaluation's page, beside the results; undefined when the execution failed. */
  readonly reportFile: string | undefined;
  /** nDCG@10 of the tuned model on the same queries, searched through OpenSearch; undefined when it was not deployed. */
  readonly humanNdcgThroughOpenSearch: number | undefined;
}

/** What a run of the harness gave: written to a file and shown as tables. */
export interface RunResults {
  readonly options: Record<string, unknown>;
  readonly runtime: string;
  readonly setUp: readonly StageResult[];
  readonly checks: readonly Check[];
  readonly executions: readonly ExecutionSummary[];
  readonly totalSeconds: number;
  /** Most memory that all processes of the run held at one time; undefined where it cannot be read. */
  readonly peakMemoryGiB: number | undefined;
}

/** All checks of the run. */
export function allChecks(results: RunResults): Check[] {
  return [...results.checks, ...results.executions.flatMap(({ checks }) => checks)];
}

/** The run's tables as Markdown: pleasant in a terminal as well. */
export function renderResults(results: RunResults): string {
  const lines: string[] = [`Runtime: ${results.runtime}`, ""];
  lines.push(
    ...table(
      ["set-up", "seconds", "what"],
      results.setUp.map(({ stage, seconds, counts }) => [stage, seconds.toFixed(1), counts]),
      [1],
    ),
    "",
  );
  for (const execution of results.executions) {
    lines.push(`Execution ${execution.name}`, "");
    lines.push(
      ...table(
        ["stage", "seconds", "counts"],
        execution.stages.map(({ stage, seconds, counts }) => [stage, seconds.toFixed(1), counts]),
        [1],
      ),
      "",
    );
    lines.push(...metricsTable(execution), "", ...stylesTable(execution), "");
    if (execution.sparsity.length > 0) lines.push(...sparsityTable(execution), "");
    if (execution.reportFile !== undefined) lines.push(`Report: ${execution.reportFile}`, "");
  }
  const checks = allChecks(results);
  lines.push(
    ...table(
      ["", "check", "found"],
      checks.map(({ stage, name, passed, detail }) => [passed ? "ok" : "FAILED", `${stage}: ${name}`, detail]),
      [],
    ),
    "",
  );
  const failed = checks.filter(({ passed }) => !passed).length;
  const memory = results.peakMemoryGiB === undefined ? "" : `, peak memory ${results.peakMemoryGiB.toFixed(1)} GiB`;
  lines.push(
    `${checks.length - failed} checks passed, ${failed} failed in ${results.totalSeconds.toFixed(0)} s${memory}`,
  );
  return `${lines.join("\n")}\n`;
}

const RANKERS = [
  ["bm25", "BM25", undefined],
  ["base", "base", undefined],
  ["tuned", "tuned", "ndcg_gain"],
  ["base_hybrid", "base + BM25", undefined],
  ["tuned_hybrid", "tuned + BM25", "hybrid_ndcg_gain"],
] as const satisfies readonly (readonly [keyof Rankers, string, keyof EvaluationSet | undefined])[];

function metricsTable({ heldOut, human, humanNdcgThroughOpenSearch }: ExecutionSummary): string[] {
  const rows: string[][] = [];
  for (const set of [heldOut, human]) {
    if (set === undefined) continue;
    for (const [ranker, name, gain] of RANKERS) {
      const metrics = set.rankers[ranker];
      rows.push([
        `${set.name} (${set.queries})`,
        name,
        metrics.ndcg_at_10.toFixed(4),
        metrics.recall_at_100.toFixed(4),
        metrics.mrr_at_10.toFixed(4),
        gain === undefined ? "" : withInterval(set[gain]),
      ]);
    }
  }
  if (human !== undefined && humanNdcgThroughOpenSearch !== undefined) {
    rows.push([
      `${human.name} (${human.queries})`,
      "tuned, through OpenSearch",
      humanNdcgThroughOpenSearch.toFixed(4),
      "",
      "",
      "",
    ]);
  }
  return table(
    ["queries", "ranker", "nDCG@10", "Recall@100", "MRR@10", "gain of tuning in nDCG@10 [95 %]"],
    rows,
    [2, 3, 4],
  );
}

function stylesTable({ heldOut }: ExecutionSummary): string[] {
  const rows = (heldOut?.styles ?? []).map(({ style, queries, base, tuned, ndcg_gain }) => [
    style,
    String(queries),
    base.ndcg_at_10.toFixed(4),
    tuned.ndcg_at_10.toFixed(4),
    withInterval(ndcg_gain),
  ]);
  return table(["held-out style", "queries", "base nDCG@10", "tuned nDCG@10", "gain [95 %]"], rows, [1, 2, 3]);
}

function sparsityTable({ sparsity }: ExecutionSummary): string[] {
  const rows = sparsity.map(({ model, query_active_dims, document_active_dims, flops }) => [
    model,
    query_active_dims.toFixed(1),
    document_active_dims.toFixed(1),
    flops.toFixed(2),
  ]);
  return table(["model", "words a query", "words a document", "in common"], rows, [1, 2, 3]);
}

function withInterval({ mean, low, high }: MetricGain): string {
  return `${signed(mean)} [${signed(low)}, ${signed(high)}]`;
}

function signed(value: number): string {
  return `${value >= 0 ? "+" : ""}${value.toFixed(4)}`;
}

/** A table in Markdown, its columns padded so that it reads well in a terminal too. `rightAligned` are indices of columns. */
export function table(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  rightAligned: readonly number[],
): string[] {
  const width = header.map((title, i) => Math.max(3, title.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const cell = (text: string, i: number) =>
    rightAligned.includes(i) ? text.padStart(width[i] ?? 0) : text.padEnd(width[i] ?? 0);
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(" | ")} |`;
  const rule = width.map((w, i) => (rightAligned.includes(i) ? `${"-".repeat(w - 1)}:` : "-".repeat(w)));
  return [line(header), `| ${rule.join(" | ")} |`, ...rows.map(line)];
}
