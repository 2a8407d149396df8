"""How good a model is on the dev split, which neither training nor the final evaluation uses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from ..artifacts.documents import DocumentStore
from ..artifacts.records import ScoredQuery
from ..models.devices import inference_mode
from .dev_ranking import DevRanking
from .distillation import DistillationCollator, DistillationRow, ListwiseDistillationLoss, features_by_side

ROWS_PER_BATCH = 16


@dataclass(frozen=True)
class DevQuality:
    """Mean KL loss and mean nDCG@10; None without dev rows or queries."""

    loss: float | None
    ndcg: float | None


class DevSplit:
    """The dev split of a run, for the model of a loss."""

    def __init__(
        self,
        loss: ListwiseDistillationLoss,
        queries: Sequence[ScoredQuery],
        rows: Sequence[DistillationRow],
        store: DocumentStore,
    ) -> None:
        """
        Args:
            queries: of the split.
            rows: of these queries, those that the loss is measured on.
            store: has their documents.
        """
        model = loss.retrieval_model
        self.collator = DistillationCollator(model, store)
        self.ranking = DevRanking(model, queries, store)
        self._loss = loss
        self._rows = rows

    @property
    def has_queries(self) -> bool:
        """Whether there is anything to rank."""
        return len(self.ranking) > 0

    def quality(self, *, known_ndcg: float | None = None) -> DevQuality:
        """Of the model as it is now.

        Args:
            known_ndcg: its nDCG@10, where that has been measured.
        """
        if known_ndcg is None and self.has_queries:
            known_ndcg = self.ranking.ndcg()
        return DevQuality(self._mean_kl(), known_ndcg)

    def _mean_kl(self) -> float | None:
        """Without the loss' other terms, as they depend on the batch size."""
        if not self._rows:
            return None
        model = self._loss.retrieval_model
        network = model.network
        settings = replace(self._loss.settings, contrastive_weight=0.0, flops_weight=0.0)
        kl = ListwiseDistillationLoss(model, settings, rows_at_once=self._loss.rows_at_once)
        was_training = network.training
        network.eval()
        total = 0.0
        with inference_mode(model.device.type):
            for start in range(0, len(self._rows), ROWS_PER_BATCH):
                batch = self._rows[start : start + ROWS_PER_BATCH]
                inputs = self.collator([row.columns() for row in batch])
                moved = {
                    key: value.to(model.device) if isinstance(value, torch.Tensor) else value
                    for key, value in inputs.items()
                }
                total += kl(features_by_side(moved), moved["label"]).item() * len(batch)
        network.train(was_training)
        return total / len(self._rows)
