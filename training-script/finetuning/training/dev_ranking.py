"""nDCG@10 on the dev split: chooses the checkpoint, ends training early, and picks the weight of the merge."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sentence_transformers.base.evaluation import BaseEvaluator

from ..artifacts.documents import DocumentStore
from ..artifacts.records import ScoredQuery
from ..models.retrieval_model import RetrievalModel
from ..ranking.ranking_metrics import NDCG_DEPTH, query_metrics

QUERIES = 200
"""Dev queries ranked at most: enough to tell checkpoints apart, few enough to rank several times on a CPU."""


class DevRanking(BaseEvaluator):
    """Ranks all documents of some dev queries for each of them; relevant is the source, or what has its text."""

    def __init__(self, model: RetrievalModel, queries: Sequence[ScoredQuery], store: DocumentStore) -> None:
        """
        Args:
            model: ranks them, with the weights that it has at the time.
            queries: of the dev split; some, evenly spaced, are used.
            store: has their documents.
        """
        super().__init__()
        self._model = model
        self.primary_metric = "dev_ndcg_at_10"
        positions = np.linspace(0, len(queries) - 1, min(QUERIES, len(queries))).astype(int) if queries else []
        self._queries = [queries[position] for position in positions]
        self._sources = [store.required_row(query.doc_ids[0]) for query in self._queries]
        self._store = store
        self._rows = sorted({store.required_row(id_) for query in self._queries for id_ in query.doc_ids})

    def __len__(self) -> int:
        return len(self._queries)

    def ndcg(self) -> float:
        """Mean nDCG@10 of the model as it is now, in 0..1."""
        texts = [query.query for query in self._queries]
        ranked = self._model.rank(texts, self._store, self._rows, NDCG_DEPTH, quiet=True).rows
        return float(
            np.mean(
                [
                    query_metrics(rows.tolist(), {source: 1}).ndcg_at_10
                    for rows, source in zip(ranked, self._sources, strict=True)
                ]
            )
        )

    def __call__(  # type: ignore[override]
        self,
        model: object,  # noqa: ARG002 (the evaluator's signature; it is this ranking's own network)
        output_path: str | None = None,  # noqa: ARG002
        epoch: float = -1,  # noqa: ARG002
        steps: int = -1,  # noqa: ARG002
    ) -> dict[str, float]:
        """What the trainer calls at every evaluation."""
        return {self.primary_metric or "": self.ndcg()}
