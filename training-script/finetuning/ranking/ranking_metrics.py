"""Ranking metrics as trec_eval computes them, and bootstrap intervals of their means and differences."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..artifacts.records import Interval, MetricGain, RankingMetrics

NDCG_DEPTH = 10
RECALL_DEPTH = 100
MRR_DEPTH = 10

BOOTSTRAP_SAMPLES = 10_000


@dataclass(frozen=True)
class QueryMetrics:
    """Metrics of one query's ranking, each in 0..1."""

    ndcg_at_10: float
    recall_at_100: float
    mrr_at_10: float


def query_metrics(ranking: Sequence[int], relevance: Mapping[int, int]) -> QueryMetrics:
    """Metrics of one ranking, best first.

    nDCG has linear gain (trec_eval's `ndcg_cut`); a relevance of 0 or less counts as not relevant.

    Args:
        ranking: document rows; whatever must not count is left out beforehand.
        relevance: graded relevance by document row.

    Raises:
        ValueError: when no document is relevant, as then no metric is defined.
    """
    relevant = {row: grade for row, grade in relevance.items() if grade > 0}
    if not relevant:
        raise ValueError("a query needs at least one relevant document")
    gain = sum(relevant.get(row, 0) * _discount(rank) for rank, row in enumerate(ranking[:NDCG_DEPTH]))
    best = sorted(relevant.values(), reverse=True)[:NDCG_DEPTH]
    ideal = sum(grade * _discount(rank) for rank, grade in enumerate(best))
    found = sum(row in relevant for row in ranking[:RECALL_DEPTH])
    first = next((rank for rank, row in enumerate(ranking[:MRR_DEPTH]) if row in relevant), None)
    return QueryMetrics(
        ndcg_at_10=gain / ideal,
        recall_at_100=found / len(relevant),
        mrr_at_10=0.0 if first is None else 1 / (first + 1),
    )


def mean_metrics(metrics: Sequence[QueryMetrics]) -> RankingMetrics:
    """The mean over queries of each metric."""
    return RankingMetrics(
        ndcg_at_10=float(np.mean([query.ndcg_at_10 for query in metrics])),
        recall_at_100=float(np.mean([query.recall_at_100 for query in metrics])),
        mrr_at_10=float(np.mean([query.mrr_at_10 for query in metrics])),
    )


def paired_gains(differences: np.ndarray, seed: int) -> list[MetricGain]:
    """Mean of each column with the 95 % percentile interval of a bootstrap over the rows.

    Args:
        differences: tuned minus base, of shape (queries, metrics).
        seed: of the resampling.
    """
    intervals = mean_intervals(differences, seed)
    return [
        MetricGain(
            mean=float(column.mean()),
            low=interval.low,
            high=interval.high,
            wins=int((column > 0).sum()),
            losses=int((column < 0).sum()),
        )
        for column, interval in zip(differences.T, intervals, strict=True)
    ]


def mean_intervals(values: np.ndarray, seed: int) -> list[Interval]:
    """95 % percentile interval of each column's mean, from a bootstrap that resamples whole rows.

    Args:
        values: of shape (queries, columns).
        seed: of the resampling.
    """
    queries, columns = values.shape
    generator = np.random.default_rng(seed)
    means = np.empty((BOOTSTRAP_SAMPLES, columns))
    # In slices: one index array of samples x queries would need gigabytes for 100,000 queries.
    slice_size = max(1, 2_000_000 // queries)
    for start in range(0, BOOTSTRAP_SAMPLES, slice_size):
        count = min(slice_size, BOOTSTRAP_SAMPLES - start)
        drawn = generator.integers(0, queries, size=(count, queries)) + np.arange(count)[:, None] * queries
        times_drawn = np.bincount(drawn.ravel(), minlength=count * queries).reshape(count, queries)
        means[start : start + count] = times_drawn @ values / queries
    lows, highs = np.percentile(means, [2.5, 97.5], axis=0)
    return [Interval(low=float(low), high=float(high)) for low, high in zip(lows, highs, strict=True)]


def _discount(rank: int) -> float:
    return 1 / math.log2(rank + 2)
