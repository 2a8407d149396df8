import { markdownTable } from "markdown-table";
import type { EvaluationSet, MetricGain, Rankers, Sparsity } from "../../pipeline/artifacts.ts";
import type { Check } from "../checks/check.ts";
import type { RunOptions } from "./run-options.ts";

/** Seconds and counts of one stage of one execution. */
export interface StageResult {
  readonly stage: string;
  readonly seconds: number;
  readonly counts: string;
}

/** What one execution gave. */
export interface ExecutionSummary {
  readonly name: string;
  readonly succeeded: boolean;
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
  readonly options: RunOptions;
  readonly runtime: string;
  readonly setUp: readonly StageResult[];
  readonly checks: readonly Check[];
  readonly executions: readonly ExecutionSummary[];
  readonly totalSeconds: number;
  /** Most memory that all processes of the run held at one time; undefined where it cannot be read. */
  readonly peakMemoryGiB: number | undefined;
}

/** All checks of the run. */
export function allChecks(results: Pick<RunResults, "checks" | "executions">): Check[] {
  return [...results.checks, ...results.executions.flatMap(({ checks }) => checks)];
}

/** The run's tables as Markdown: pleasant in a terminal as well. */
export function renderResults(results: RunResults): string {
  const parts = [
    `Runtime: ${results.runtime}`,
    stagesTable("set-up", "what", results.setUp),
    ...results.executions.flatMap(executionParts),
    checksTable(allChecks(results)),
    summary(results),
  ];
  return `${parts.join("\n\n")}\n`;
}

function stagesTable(title: string, counted: string, stages: readonly StageResult[]): string {
  const rows = stages.map(({ stage, seconds, counts }) => [stage, seconds.toFixed(1), counts]);
  return markdownTable([[title, "seconds", counted], ...rows], { align: ["l", "r", "l"] });
}

function executionParts(execution: ExecutionSummary): string[] {
  return [
    `Execution ${execution.name}`,
    stagesTable("stage", "counts", execution.stages),
    ...(execution.succeeded ? [metricsTable(execution), stylesTable(execution)] : []),
    ...(execution.sparsity.length > 0 ? [sparsityTable(execution)] : []),
    ...(execution.reportFile === undefined ? [] : [`Report: ${execution.reportFile}`]),
  ];
}

const OUTCOMES = { passed: "ok", failed: "FAILED", "not run": "not run" } as const satisfies Record<
  Check["outcome"],
  string
>;

function checksTable(checks: readonly Check[]): string {
  const rows = checks.map(({ stage, name, outcome, detail }) => [OUTCOMES[outcome], `${stage}: ${name}`, detail]);
  return markdownTable([["", "check", "found"], ...rows]);
}

function summary({ totalSeconds, peakMemoryGiB, ...results }: RunResults): string {
  const checks = allChecks(results);
  const count = (outcome: Check["outcome"]) => checks.filter((check) => check.outcome === outcome).length;
  const notRun = count("not run") === 0 ? "" : `, ${count("not run")} not run in the wake of these`;
  const memory =
    peakMemoryGiB === undefined
      ? "; peak memory unknown, since this system has neither /proc nor ps"
      : `, peak memory ${peakMemoryGiB.toFixed(1)} GiB`;
  return `${count("passed")} checks passed, ${count("failed")} failed${notRun} in ${totalSeconds.toFixed(0)} s${memory}`;
}

const RANKERS = [
  ["bm25", "BM25", undefined],
  ["base", "base", undefined],
  ["tuned", "tuned", "ndcg_gain"],
  ["base_hybrid", "base + BM25", undefined],
  ["tuned_hybrid", "tuned + BM25", "hybrid_ndcg_gain"],
] as const satisfies readonly (readonly [keyof Rankers, string, keyof EvaluationSet | undefined])[];

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
  return markdownTable([header, ...rows], { align: ["l", "l", "r", "r", "r", "l"] });
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
  return markdownTable([header, ...rows], { align: ["l", "r", "r", "r", "l"] });
}

function sparsityTable({ sparsity }: ExecutionSummary): string {
  const rows = sparsity.map(({ model, query_active_dims, document_active_dims, flops }) => [
    model,
    query_active_dims.toFixed(1),
    document_active_dims.toFixed(1),
    flops.toFixed(2),
  ]);
  const header = ["model", "words a query", "words a document", "in common"];
  return markdownTable([header, ...rows], { align: ["l", "r", "r", "r"] });
}

function withInterval({ mean, low, high }: MetricGain): string {
  return `${signed(mean)} [${signed(low)}, ${signed(high)}]`;
}

function signed(value: number): string {
  return `${value >= 0 ? "+" : ""}${value.toFixed(4)}`;
}
