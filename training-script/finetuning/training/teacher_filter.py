"""Drops training queries that the teacher says their document does not answer, or answers worse than others do."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..artifacts.environment import JobError
from ..artifacts.records import ScoredQuery

LEAST_KEPT_SHARE = 0.1
"""Share of the queries that must pass; if fewer do, the teacher or the queries are the problem, not the filter."""

FEWEST_QUERIES = 10
"""With fewer, training would only hide that something upstream is broken."""


def filter_by_teacher(
    queries: Sequence[ScoredQuery], *, max_source_rank: int, drop_lowest_share: float
) -> tuple[list[ScoredQuery], dict[str, int]]:
    """Keeps the queries whose source the teacher ranks high, and of these all but the lowest scored.

    Args:
        max_source_rank: a query is kept when fewer than so many of its documents outscore its source; 0 keeps all.
        drop_lowest_share: share of the queries, in 0..1, that goes because the score of their source is lowest.

    Returns:
        The queries kept, in their order, and how many each reason dropped.

    Raises:
        JobError: when hardly any query is left.
    """
    ranked = [
        query
        for query in queries
        if max_source_rank == 0 or sum(score > query.scores[0] for score in query.scores[1:]) < max_source_rank
    ]
    kept = ranked
    if drop_lowest_share > 0 and ranked:
        # The lowest ones are counted, not compared with a quantile: many may have the same score.
        order = np.argsort([query.scores[0] for query in ranked], kind="stable")
        lowest = set(order[: int(drop_lowest_share * len(ranked))].tolist())
        kept = [query for position, query in enumerate(ranked) if position not in lowest]
    dropped = {"source_outranked": len(queries) - len(ranked), "lowest_scores": len(ranked) - len(kept)}
    if queries and len(kept) < max(min(FEWEST_QUERIES, len(queries)), LEAST_KEPT_SHARE * len(queries)):
        raise JobError(
            f"Of {len(queries)} scored queries the teacher filter keeps only {len(kept)}: for "
            f"{dropped['source_outranked']} the teacher prefers {max_source_rank} or more other documents to the one "
            "that the query was made from. Either the teacher does not suit the corpus (its language, its domain) "
            "or the queries are not about their documents; raise "
            "teacher_max_source_rank, or set it to 0, to train on them all the same."
        )
    return kept, dropped
