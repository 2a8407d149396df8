"""Batches of sequences of like length, bounded in tokens rather than in sequences."""

from __future__ import annotations

from collections.abc import Sequence


def token_budget_batches(lengths: Sequence[int], tokens_per_batch: int) -> list[list[int]]:
    """Groups sequences so that each batch, padded to its longest, holds at most `tokens_per_batch` tokens.

    Longest first, so that a batch that does not fit in memory fails at once and not after hours. A sequence longer
    than the budget is a batch of its own.

    Args:
        lengths: tokens of each sequence.

    Returns:
        Positions in `lengths`; each occurs once.
    """
    batches: list[list[int]] = []
    for position in sorted(range(len(lengths)), key=lambda position: -lengths[position]):
        batch = batches[-1] if batches else []
        if batch and (len(batch) + 1) * lengths[batch[0]] <= tokens_per_batch:
            batch.append(position)
        else:
            batches.append([position])
    return batches


def padding_share(lengths: Sequence[int], batches: Sequence[Sequence[int]]) -> float:
    """Share of padding among the tokens that are computed when each batch is padded to its longest."""
    computed = sum(len(batch) * max(lengths[position] for position in batch) for batch in batches)
    return 1 - sum(lengths) / computed if computed else 0.0
