"""Reads from a model's artifact how its training went."""

from __future__ import annotations

from pathlib import Path

from ..artifacts.jsonl import read_json, read_jsonl
from ..artifacts.records import CurvePoint, TrainingCurves
from ..artifacts.training_files import DEV_FILE, LOSS_FILE, TRAINING_FILE, DevEntry, LossEntry, TrainingResult


def training_curves(model: Path) -> TrainingCurves:
    """The curves in a model's folder; without the files (a model from elsewhere) they are empty.

    Of the dev loss only the ends are known; of the dev nDCG@10 too, when training kept no best checkpoint.

    Raises:
        ContractError: when a file is there and is not what training writes.
    """
    loss, dev = model / LOSS_FILE, model / DEV_FILE
    result = _result(model)
    train_loss = (
        [CurvePoint(step=entry.step, value=entry.loss) for entry in read_jsonl(loss, LossEntry)]
        if loss.is_file()
        else []
    )
    on_the_way = (
        [CurvePoint(step=entry.step, value=entry.dev_ndcg_at_10) for entry in read_jsonl(dev, DevEntry)]
        if dev.is_file()
        else []
    )
    if result is None:
        return TrainingCurves(train_loss=train_loss, dev_loss=[], dev_ndcg=on_the_way)
    return TrainingCurves(
        train_loss=train_loss,
        dev_loss=[*_point(0, result.dev_loss_before), *_point(result.steps, result.dev_loss_after)],
        dev_ndcg=[*_point(0, result.dev_ndcg_before), *(on_the_way or _point(result.steps, result.dev_ndcg_after))],
    )


def training_settings(model: Path) -> dict[str, str]:
    """The hyperparameters of the training, as text; empty for a model from elsewhere."""
    result = _result(model)
    return {} if result is None else {name: as_text(value) for name, value in result.settings.items()}


def as_text(value: object) -> str:
    """A setting as a person writes it: `true` and not `True`."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _result(model: Path) -> TrainingResult | None:
    path = model / TRAINING_FILE
    return read_json(path, TrainingResult) if path.is_file() else None


def _point(step: int, value: float | None) -> list[CurvePoint]:
    """A curve's end, where it is known."""
    return [] if value is None else [CurvePoint(step=step, value=value)]
