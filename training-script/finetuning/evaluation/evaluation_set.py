"""Measures the rankers on one set of queries: metrics, gains, query styles, and the queries that changed most."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

from ..artifacts.documents import DocumentStore
from ..artifacts.records import (
    EvaluationSet,
    QueryChange,
    RankerIntervals,
    Rankers,
    RankingMetrics,
    ReturnedDocument,
    StyleResult,
)
from ..ranking.ranking_metrics import RECALL_DEPTH, mean_intervals, paired_gains, query_metrics
from .evaluation_queries import TestQuery
from .rankers import RANKERS, QueryRankings

CHANGED_QUERIES = 10
"""Queries listed as gained most, and as lost most."""

SHOWN_RESULTS = 5
"""Documents listed of each model for such a query."""

SNIPPET_LENGTH = 240
"""Characters of a document shown in the report."""

DRAWN_QUERIES = 500
"""Points of the per-query gain plot at most; more could not be told apart."""

_METRICS = ("ndcg_at_10", "recall_at_100", "mrr_at_10")
_PAIRS = (("base", "tuned"), ("base_hybrid", "tuned_hybrid"))


def measure(
    name: str,
    queries: Sequence[TestQuery],
    positions: Sequence[int],
    rankings: QueryRankings,
    store: DocumentStore,
    *,
    documents: int,
    seed: int,
) -> EvaluationSet:
    """Measures each ranker on the queries.

    Args:
        positions: of the queries in the rankings.
        documents: how many were ranked.
        seed: of the bootstrap.
    """
    values = _values(queries, positions, rankings)
    ndcg = {ranker: values[ranker][:, 0] for ranker in RANKERS}
    intervals = mean_intervals(np.stack([ndcg[ranker] for ranker in RANKERS], axis=1), seed)
    differences = np.concatenate([values[tuned] - values[base] for base, tuned in _PAIRS], axis=1)
    dense_ndcg, dense_recall, dense_mrr, hybrid_ndcg, hybrid_recall, hybrid_mrr = paired_gains(differences, seed)
    gains = ndcg["tuned"] - ndcg["base"]
    order = np.argsort(-gains, kind="stable").tolist()

    def change(index: int) -> QueryChange:
        return _query_change(
            queries[index], rankings.of(positions[index]), store, ndcg["base"][index], ndcg["tuned"][index]
        )

    return EvaluationSet(
        name=name,
        queries=len(queries),
        documents=documents,
        bm25_found_nothing=rankings.without_bm25_hits(positions),
        bm25_in_hybrids=rankings.bm25_in_hybrids,
        rankers=Rankers(**{ranker: _mean(values[ranker]) for ranker in RANKERS}),
        ndcg_intervals=RankerIntervals(**dict(zip(RANKERS, intervals, strict=True))),
        ndcg_gain=dense_ndcg,
        recall_gain=dense_recall,
        mrr_gain=dense_mrr,
        hybrid_ndcg_gain=hybrid_ndcg,
        hybrid_recall_gain=hybrid_recall,
        hybrid_mrr_gain=hybrid_mrr,
        styles=_styles(queries, values, seed),
        query_gains=_evenly([float(gains[index]) for index in order], DRAWN_QUERIES),
        gained=[change(index) for index in order[:CHANGED_QUERIES] if gains[index] > 0],
        lost=[change(index) for index in order[::-1][:CHANGED_QUERIES] if gains[index] < 0],
    )


def _values(queries: Sequence[TestQuery], positions: Sequence[int], rankings: QueryRankings) -> dict[str, np.ndarray]:
    """Of each ranker, an array of shape (queries, metrics)."""
    values = {ranker: np.empty((len(queries), len(_METRICS))) for ranker in RANKERS}
    for index, (query, position) in enumerate(zip(queries, positions, strict=True)):
        for ranker, ranking in rankings.of(position).items():
            metrics = query_metrics(ranking, query.relevance)
            values[ranker][index] = [getattr(metrics, metric) for metric in _METRICS]
    return values


def _mean(values: np.ndarray) -> RankingMetrics:
    return RankingMetrics(**dict(zip(_METRICS, map(float, values.mean(axis=0)), strict=True)))


def _styles(queries: Sequence[TestQuery], values: Mapping[str, np.ndarray], seed: int) -> list[StyleResult]:
    results = []
    for style in sorted({query.style for query in queries} - {""}):
        chosen = [index for index, query in enumerate(queries) if query.style == style]
        base, tuned = values["base"][chosen], values["tuned"][chosen]
        (gain,) = paired_gains((tuned - base)[:, :1], seed)
        results.append(
            StyleResult(style=style, queries=len(chosen), base=_mean(base), tuned=_mean(tuned), ndcg_gain=gain)
        )
    return results


def _query_change(
    query: TestQuery, lists: Mapping[str, list[int]], store: DocumentStore, ndcg_base: float, ndcg_tuned: float
) -> QueryChange:
    def rank(ranker: str, row: int) -> int:
        found = lists[ranker][:RECALL_DEPTH]
        return found.index(row) + 1 if row in found else 0

    def best_rank(row: int) -> int:
        return min(rank(ranker, row) or RECALL_DEPTH + 1 for ranker in ("base", "tuned"))

    def results(ranker: str) -> list[ReturnedDocument]:
        return [
            ReturnedDocument(
                doc_id=store.document(row).id,
                snippet=snippet(store.text(row)),
                relevance=max(0, query.relevance.get(row, 0)),
            )
            for row in lists[ranker][:SHOWN_RESULTS]
        ]

    relevant = max(query.relevance, key=lambda row: (query.relevance[row], -best_rank(row)))
    return QueryChange(
        query=query.text,
        style=query.style,
        ndcg_base=float(ndcg_base),
        ndcg_tuned=float(ndcg_tuned),
        relevant_doc_id=store.document(relevant).id,
        relevant_snippet=snippet(store.text(relevant)),
        base_rank=rank("base", relevant),
        tuned_rank=rank("tuned", relevant),
        base_results=results("base"),
        tuned_results=results("tuned"),
    )


def snippet(text: str) -> str:
    """The beginning of a text on one line."""
    line = re.sub(r"\s+", " ", text[: 2 * SNIPPET_LENGTH]).strip()
    return line if len(line) <= SNIPPET_LENGTH else f"{line[: SNIPPET_LENGTH - 1].rstrip()}…"


def _evenly(values: list[float], count: int) -> list[float]:
    if len(values) <= count:
        return values
    return [values[round(position)] for position in np.linspace(0, len(values) - 1, count)]
