"""The rankers that an evaluation compares: BM25, the base and the tuned model, and each model fused with BM25."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import numpy as np

from ..artifacts.documents import DocumentStore
from ..artifacts.records import Sparsity
from ..models.devices import default_device
from ..models.loading import ModelSource
from ..models.model_types import load_retrieval_model
from ..models.retrieval_model import ModelType
from ..ranking.bm25 import Bm25Index, is_of_use
from ..ranking.rank_fusion import reciprocal_rank_fusion
from ..ranking.ranking_metrics import RECALL_DEPTH
from .evaluation_queries import TestQuery

HYBRIDS = {"base_hybrid": "base", "tuned_hybrid": "tuned"}
"""The model's ranker in each hybrid."""

RANKERS = ("bm25", "base", "tuned", *HYBRIDS)
"""Fields of the contract's Rankers."""

_NONE = -1
"""Row that stands for: the ranker has no further document."""


class QueryRankings:
    """Each ranker's list of document rows for each query, best first, without what the query excludes.

    Kept as one array a ranker; a query's lists, those of the hybrids too, are made when asked for.
    """

    def __init__(
        self,
        queries: Sequence[TestQuery],
        rows: Mapping[str, np.ndarray],
        sparsity: Sequence[Sparsity] = (),
    ) -> None:
        """
        Args:
            rows: of `bm25`, `base` and `tuned`, each of shape (queries, depth), with -1 after the last document.
            sparsity: of the models, where they are sparse encoders.
        """
        self.sparsity = sparsity
        self._excluded = [query.excluded for query in queries]
        self._rows = rows
        self._bm25_found = np.any(rows["bm25"] != _NONE, axis=1)
        self.bm25_in_hybrids = is_of_use(self._bm25_found)
        """Whether BM25 finds anything for enough queries; if not, the hybrids are the models alone."""

    def without_bm25_hits(self, positions: Sequence[int]) -> int:
        """For how many of the queries at these positions BM25 finds nothing."""
        return int(np.count_nonzero(~self._bm25_found[list(positions)]))

    def of(self, position: int) -> dict[str, list[int]]:
        """Each ranker's list for the query at this position."""
        excluded = self._excluded[position]
        lists = {
            name: [row for row in rows[position].tolist() if row != _NONE and row not in excluded]
            for name, rows in self._rows.items()
        }
        for hybrid, dense in HYBRIDS.items():
            fused = [lists[dense], lists["bm25"]] if self.bm25_in_hybrids else [lists[dense]]
            lists[hybrid] = reciprocal_rank_fusion(fused)
        return lists


def evaluation_rows(store: DocumentStore, relevant: Iterable[int], limit: int, seed: int) -> list[int]:
    """The documents to rank, in order: all, or a random sample of `limit` that holds every relevant one.

    More than `limit` only where the relevant documents alone are more.
    """
    if len(store) <= limit:
        return list(range(len(store)))
    kept = set(relevant)
    others = [row for row in map(store.row_at, range(len(store))) if row not in kept]
    return sorted(kept.union(random.Random(seed).sample(others, max(0, limit - len(kept)))))


def rank_all(
    queries: Sequence[TestQuery],
    store: DocumentStore,
    rows: Sequence[int],
    models: Mapping[Literal["base", "tuned"], ModelSource],
    model_type: ModelType,
    max_seq_length: int,
) -> QueryRankings:
    """Ranks the documents for every query, in one pass a ranker.

    Args:
        rows: of the store, which documents are ranked.
        models: `base` and `tuned`.
    """
    texts = [query.text for query in queries]
    depth = RECALL_DEPTH + max((len(query.excluded) for query in queries), default=0)
    index = Bm25Index((store.text(row) for row in rows), tie_order=store.places[list(rows)])
    positions, scores = index.top_k(texts, depth)
    lists = {"bm25": np.where(scores > 0, np.asarray(rows)[positions], _NONE)}
    sparsity = []
    for name, source in models.items():
        print(f"Ranking with the {name} model", flush=True)
        model = load_retrieval_model(source, model_type, max_seq_length=max_seq_length, device=default_device())
        ranking = model.rank(texts, store, rows, depth)
        lists[name] = ranking.rows
        active = ranking.active_dimensions
        if active is not None:
            sparsity.append(
                Sparsity(
                    model=name,
                    query_active_dims=active.of_queries,
                    document_active_dims=active.of_documents,
                    flops=active.in_common,
                )
            )
    return QueryRankings(queries, lists, sparsity)
