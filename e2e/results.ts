import { markdownTable } from "markdown-table";
import type { EvaluationSet, MetricGain, Rankers, Sparsity } from "../pipeline/artifacts.ts";
import type { Check } from "./checks/check.ts";

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
  lines.push(stagesTable(["set-up", "seconds", "what"], results.setUp), "");
  for (const execution of results.executions) {
    lines.push(`Execution ${execution.name}`, "");
    lines.push(stagesTable(["stage", "seconds", "counts"], execution.stages), "");
    lines.push(metricsTable(execution), "", stylesTable(execution), "");
    if (execution.sparsity.length > 0) lines.push(sparsityTable(execution), "");
    if (execution.reportFile !== undefined) lines.push(`Report: ${execution.reportFile}`, "");
  }
  const checks = allChecks(results);
  lines.push(
    markdownTable([
      ["", "check", "found"],
      ...checks.map(({ stage, name, passed, detail }) => [passed ? "ok" : "FAILED", `${stage}: ${name}`, detail]),
    ]),
    "",
  );
  const failed = checks.filter(({ passed }) => !passed).length;
  const memory =
    results.peakMemoryGiB === undefined
      ? "; peak memory unknown, since this system has neither /proc nor ps"
      : `, peak memory ${results.peakMemoryGiB.toFixed(1)} GiB`;
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

function stagesTable(header: readonly string[], stages: readonly StageResult[]): string {
  const rows = stages.map(({ stage, seconds, counts }) => [stage, seconds.toFixed(1), counts]);
  return markdownTable([header, ...rows], { align: ["", "r", ""] });
}

function metricsTable({ heldOut, human, humanNdcgThroughOpenSearch }: ExecutionSummary): string {
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
  const header = ["queries", "ranker", "nDCG@10", "Recall@100", "MRR@10", "gain of tuning in nDCG@10 [95 %]"];
  return markdownTable([header, ...rows], { align: ["", "", "r", "r", "r", ""] });
}

function stylesTable({ heldOut }: ExecutionSummary): string {
  const rows = (heldOut?.styles ?? []).map(({ style, queries, base, tuned, ndcg_gain }) => [
    style,
    String(queries),
    base.ndcg_at_10.toFixed(4),
    tuned.ndcg_at_10.toFixed(4),
    withInterval(ndcg_gain),
  ]);
  const header = ["held-out style", "queries", "base nDCG@10", "tuned nDCG@10", "gain [95 %]"];
  return markdownTable([header, ...rows], { align: ["", "r", "r", "r", ""] });
}

function sparsityTable({ sparsity }: ExecutionSummary): string {
  const rows = sparsity.map(({ model, query_active_dims, document_active_dims, flops }) => [
    model,
    query_active_dims.toFixed(1),
    document_active_dims.toFixed(1),
    flops.toFixed(2),
  ]);
  const header = ["model", "words a query", "words a document", "in common"];
  return markdownTable([header, ...rows], { align: ["", "r", "r", "r"] });
}

function withInterval({ mean, low, high }: MetricGain): string {
  return `${signed(mean)} [${signed(low)}, ${signed(high)}]`;
}

function signed(value: number): string {
  return `${value >= 0 ? "+" : ""}${value.toFixed(4)}`;
}
