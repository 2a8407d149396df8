"""The nearest documents of many queries, found block by block."""

from __future__ import annotations

import numpy as np
import torch


class NearestDocuments:
    """The nearest documents of each query among those offered so far: exact, in memory that does not grow with them."""

    def __init__(self, queries: int, depth: int, device: torch.device) -> None:
        """
        Args:
            queries: how many there are.
            depth: documents to keep for each query.
            device: computes, and holds the lists.
        """
        self._scores = torch.full((queries, depth), -torch.inf, device=device)
        self._positions = torch.full((queries, depth), -1, dtype=torch.int64, device=device)

    def offer(self, chosen: slice, first: int, offered: torch.Tensor) -> None:
        """Ranks further documents for some of the queries.

        Args:
            chosen: which queries.
            first: number of the first document offered.
            offered: their similarities, shape (queries chosen, documents offered).
        """
        depth = self._scores.shape[1]
        scores, columns = offered.topk(min(depth, offered.shape[1]), dim=1)
        scores = torch.cat([self._scores[chosen], scores], dim=1)
        positions = torch.cat([self._positions[chosen], columns + first], dim=1)
        # Stable, so by position where scores are equal.
        by_position = positions.argsort(dim=1)
        scores, positions = scores.gather(1, by_position), positions.gather(1, by_position)
        order = scores.argsort(dim=1, descending=True, stable=True)[:, :depth]
        self._scores[chosen], self._positions[chosen] = scores.gather(1, order), positions.gather(1, order)

    def positions(self) -> np.ndarray:
        """Numbers of the nearest documents (int64), nearest first."""
        return self._positions.cpu().numpy()

    def scores(self) -> np.ndarray:
        """The similarities of `positions`."""
        return self._scores.cpu().numpy()
