"""Reciprocal rank fusion of several rankings."""

from __future__ import annotations

from collections.abc import Sequence

RRF_CONSTANT = 60
"""k of reciprocal rank fusion (Cormack, Clarke and Buettcher, SIGIR 2009)."""


def reciprocal_rank_fusion(rankings: Sequence[Sequence[int]]) -> list[int]:
    """Every document of the rankings, by the sum over the rankings of 1 / (RRF_CONSTANT + its rank, from 1).

    Ties are broken by the order of the rankings, the first one first.

    Args:
        rankings: document rows, best first.
    """
    scores: dict[int, float] = {}
    for ranking in rankings:
        for rank, row in enumerate(ranking, start=1):
            scores[row] = scores.get(row, 0.0) + 1 / (RRF_CONSTANT + rank)
    return sorted(scores, key=lambda row: -scores[row])
