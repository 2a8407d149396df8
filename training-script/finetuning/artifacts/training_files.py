"""What training leaves beside the model's weights: how it went, step by step and in sum."""

from __future__ import annotations

import msgspec

LOSS_FILE = "loss.jsonl"
"""LossEntry a line."""

DEV_FILE = "dev_ndcg.jsonl"
"""DevEntry a line, one an evaluation during training."""

TRAINING_FILE = "training.json"
"""TrainingResult."""


class LossEntry(msgspec.Struct, frozen=True):
    """The loss of a step."""

    step: int
    loss: float
    learning_rate: float


class DevEntry(msgspec.Struct, frozen=True):
    """The ranking quality on dev after a step."""

    step: int
    dev_ndcg_at_10: float


class TrainingResult(msgspec.Struct, frozen=True):
    """What a training came to."""

    settings: dict[str, str | int | float | bool]
    """The job's arguments."""
    train_queries: int
    queries_dropped: dict[str, int]
    train_rows: int
    teacher_score_scale_factor: float
    """That the loss used: given, or calibrated."""
    similarity_scale: float
    """What a sparse encoder's dot products were multiplied with; 1 for a dense model's cosines."""
    steps: int
    resumed_from_step: int
    dev_loss_before: float | None
    dev_loss_after: float | None
    dev_ndcg_before: float | None
    dev_ndcg_after: float | None
    merge: dict[str, float]
    """Dev nDCG@10 by the tuned model's share in the merge; empty without a merge."""
