"""What every teacher does."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

Pair = tuple[str, str]
"""A query and a document."""


class Teacher(ABC):
    """Scores pairs of query and document: higher is more relevant, on the scale of a reranker's logits."""

    def score(self, pairs: Sequence[Pair]) -> list[float]:
        """One score a pair, in the order of the pairs."""
        return self.score_tokenised(self.tokenise(pairs))

    @abstractmethod
    def tokenise(self, pairs: Sequence[Pair]) -> Any:  # noqa: ANN401 (each teacher's own)
        """What `score_tokenised` takes. Runs on the CPU, and beside `score_tokenised` in another thread."""

    @abstractmethod
    def score_tokenised(self, tokenised: Any) -> list[float]:  # noqa: ANN401
        """One score for each of the pairs that were tokenised, in their order."""


@dataclass(frozen=True)
class ScoringLimits:
    """How much a teacher reads at a time."""

    max_length: int
    """Tokens of query and document together (of each text for an embedding teacher)."""
    tokens_per_batch: int
    """Padded tokens of one forward pass."""


def in_order(batches: Sequence[Sequence[int]], scores: Iterable[torch.Tensor]) -> list[float]:
    """The scores of batches by the positions of their pairs. A GPU is waited for once, and not for each batch."""
    by_batch = list(scores)
    if not by_batch:
        return []
    ordered = torch.empty(sum(map(len, batches)))
    ordered[[position for batch in batches for position in batch]] = torch.cat(by_batch).cpu()
    return ordered.tolist()
