"""The report as Markdown: what fits a terminal and a job's log. The page has more."""

from __future__ import annotations

from ...artifacts.records import EvaluationReport, EvaluationSet, GateDecision
from .wording import RANKER_NAMES, SET_TITLES, SPARSITY_NOTE, bm25_note, caveat, headline, interval, ordered


def render_markdown(report: EvaluationReport, decision: GateDecision) -> str:
    """The report as Markdown."""
    lines = [f"# {headline(report, decision)}", "", f"Tuned from {report.base_model_id}. {decision.reason}", ""]
    for part in ordered(report):
        lines += _set(part, report)
    if report.sparsity:
        lines += _sparsity(report)
    return "\n".join(lines)


def _sparsity(report: EvaluationReport) -> list[str]:
    lines = ["## Sparsity", "", SPARSITY_NOTE, "", "| model | words a query | words a document | in common |"]
    lines.append("|---|---|---|---|")
    lines += [
        f"| {RANKER_NAMES[part.model]} | {part.query_active_dims:.1f} | {part.document_active_dims:.1f} "
        f"| {part.flops:.2f} |"
        for part in report.sparsity
    ]
    return [*lines, ""]


def _set(part: EvaluationSet, report: EvaluationReport) -> list[str]:
    lines = [
        f"## {SET_TITLES[part.name]}",
        "",
        f"{part.queries} queries over {part.documents} documents. {caveat(part, report)}",
        "",
        bm25_note(part),
        "",
        "| ranker | nDCG@10 | Recall@100 | MRR@10 |",
        "|---|---|---|---|",
    ]
    for ranker, name in RANKER_NAMES.items():
        metrics = getattr(part.rankers, ranker)
        lines.append(f"| {name} | {metrics.ndcg_at_10:.3f} | {metrics.recall_at_100:.3f} | {metrics.mrr_at_10:.3f} |")
    lines += [
        "",
        "| gain (95 % interval) | nDCG@10 | Recall@100 | MRR@10 |",
        "|---|---|---|---|",
        f"| tuned over base | {interval(part.ndcg_gain)} | {interval(part.recall_gain)} | {interval(part.mrr_gain)} |",
        f"| the same with BM25 | {interval(part.hybrid_ndcg_gain)} | {interval(part.hybrid_recall_gain)} "
        f"| {interval(part.hybrid_mrr_gain)} |",
        "",
        f"Of the queries, {part.ndcg_gain.wins} are better with the tuned model and {part.ndcg_gain.losses} worse.",
        "",
    ]
    if part.styles:
        lines += ["| style | queries | base nDCG@10 | tuned nDCG@10 | gain (95 % interval) |", "|---|---|---|---|---|"]
        lines += [
            f"| {style.style} | {style.queries} | {style.base.ndcg_at_10:.3f} | {style.tuned.ndcg_at_10:.3f} "
            f"| {interval(style.ndcg_gain)} |"
            for style in part.styles
        ]
        lines.append("")
    return lines
