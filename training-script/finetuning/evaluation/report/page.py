"""The report as one HTML page that needs nothing but itself."""

from __future__ import annotations

from pathlib import Path

# torch depends on it, so that it is there wherever this package runs.
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ...artifacts.records import EvaluationReport, EvaluationSet, GateDecision
from ..gate import deciding_set
from . import charts, wording


def render_page(report: EvaluationReport, decision: GateDecision) -> str:
    """The page. All text of the corpus, the queries and the settings is escaped."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(signed=wording.signed, interval=wording.interval, rank=wording.rank_in_words)
    chosen = deciding_set(report.sets)
    loss = charts.curve_plot(
        "Loss", [("training", report.training.train_loss), ("dev queries", report.training.dev_loss)]
    )
    ndcg = charts.curve_plot("nDCG@10 on dev queries", [("dev queries", report.training.dev_ndcg)])
    return environment.get_template("page.html.jinja").render(
        report=report,
        decision=decision,
        headline=wording.headline(report, decision),
        chosen=chosen,
        sets=[_section(part, report) for part in wording.ordered(report)],
        plots=[plot for plot in (loss, ndcg) if plot is not None],
        notes=wording.METRIC_NOTES,
        sparsity=[(wording.RANKER_NAMES[part.model], part) for part in report.sparsity],
        sparsity_note=wording.SPARSITY_NOTE,
    )


def _section(part: EvaluationSet, report: EvaluationReport) -> dict[str, object]:
    gains = [
        ("nDCG@10", part.ndcg_gain, part.hybrid_ndcg_gain),
        ("Recall@100", part.recall_gain, part.hybrid_recall_gain),
        ("MRR@10", part.mrr_gain, part.hybrid_mrr_gain),
    ]
    scale = charts.gain_scale([style.ndcg_gain for style in part.styles])
    return {
        "part": part,
        "title": wording.SET_TITLES[part.name],
        "caveat": wording.caveat(part, report),
        "bm25_note": wording.bm25_note(part),
        "rankers": [
            {
                "key": ranker,
                "name": name,
                "metrics": getattr(part.rankers, ranker),
                "bar": charts.bar(getattr(part.rankers, ranker).ndcg_at_10, getattr(part.ndcg_intervals, ranker)),
                "interval": getattr(part.ndcg_intervals, ranker),
            }
            for ranker, name in wording.RANKER_NAMES.items()
        ],
        "gains": gains,
        "styles": [(style, charts.gain_whisker(style.ndcg_gain, scale)) for style in part.styles],
        "style_scale": scale,
        "gain_plot": charts.gain_plot(part.query_gains),
        "unchanged": part.queries - part.ndcg_gain.wins - part.ndcg_gain.losses,
        "changes": [("gained", part.gained), ("lost", part.lost)],
    }
