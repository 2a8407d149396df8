"""The rows of an optimiser step with their texts' embeddings, of one process or of all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .collectives import gathered


@dataclass(frozen=True)
class EmbeddedStep:
    """B rows over distinct texts, as DistillationCollator describes them."""

    queries: Tensor
    """Embeddings of the distinct queries."""
    query_keys: Tensor
    """Of their texts."""
    query_rows: Tensor
    """Which query each row has, shape (B)."""
    documents: Tensor
    """Embeddings of the distinct documents."""
    document_keys: Tensor
    """Of their texts."""
    document_rows: Tensor
    """Which documents each row has, positive first, -1 for none, shape (B, W)."""
    labels: Tensor
    """The teacher's scores of these, shape (B, W)."""
    possible_positives: Tensor
    """Keys of documents that the row's query is not contrasted with, 0 for none, shape (B, K)."""

    def of_all_processes(self) -> EmbeddedStep:
        """The rows of all processes. A text that several have embedded is the first one's."""
        queries, query_keys, query_rows = _merged(self.queries, self.query_keys, self.query_rows[:, None])
        documents, document_keys, document_rows = _merged(self.documents, self.document_keys, self.document_rows)
        return EmbeddedStep(
            queries=queries,
            query_keys=query_keys,
            query_rows=query_rows[:, 0],
            documents=documents,
            document_keys=document_keys,
            document_rows=document_rows,
            labels=_stacked(gathered(self.labels), filler=0),
            possible_positives=_stacked(gathered(self.possible_positives), filler=0),
        )

    def possible_positive_rows(self) -> Tensor:
        """Where the possible positives are among the documents, -1 where they are not, shape (B, K)."""
        keys, order = self.document_keys.sort()
        places = torch.searchsorted(keys, self.possible_positives).clamp(max=len(keys) - 1)
        return torch.where(keys[places] == self.possible_positives, order[places], -1)


def _merged(embeddings: Tensor, keys: Tensor, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The distinct texts of all processes, their keys, and the rows of all processes over them."""
    keys_by_rank = gathered(keys)
    distinct, places = torch.unique(torch.cat(keys_by_rank), return_inverse=True)
    first = torch.full_like(distinct, len(places)).scatter_reduce(
        0, places, torch.arange(len(places), device=places.device), "amin"
    )
    offset, moved = 0, []
    for of_rank, rows_of_rank in zip(keys_by_rank, gathered(rows), strict=True):
        positions = places[offset + rows_of_rank.clamp(min=0)]
        moved.append(torch.where(rows_of_rank >= 0, positions, -1))
        offset += len(of_rank)
    return torch.cat(gathered(embeddings))[first], distinct, _stacked(moved, filler=-1)


def _stacked(tables: Sequence[Tensor], filler: float) -> Tensor:
    """Tables of different widths one below the other."""
    width = max(table.shape[1] for table in tables)
    return torch.cat([nn.functional.pad(table, (0, width - table.shape[1]), value=filler) for table in tables])
