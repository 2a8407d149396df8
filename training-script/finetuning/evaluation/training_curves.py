"""Reads from a model's artifact how its training went."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..artifacts.contract import ContractError, CurvePoint, TrainingCurves

LOSS_FILE = "loss.jsonl"
DEV_FILE = "dev_ndcg.jsonl"
"""A line an evaluation of the training; the first one lies before training, in TRAINING_FILE."""

TRAINING_FILE = "training.json"


def training_curves(model: Path) -> TrainingCurves:
    """The curves in a model's folder; without the files (a model from elsewhere) they are empty.

    Of the dev loss only the ends are known; of the dev nDCG@10 too, when training kept no best checkpoint.

    Raises:
        ContractError: when a file is there and is not what training writes.
    """
    training = _json_object(model / TRAINING_FILE)
    on_the_way = _curve(model / DEV_FILE, "dev_ndcg_at_10")
    before, after = _ends(training, "dev_ndcg")
    return TrainingCurves(
        train_loss=_curve(model / LOSS_FILE, "loss"),
        dev_loss=[point for end in _ends(training, "dev_loss") for point in end],
        dev_ndcg=[*before, *(on_the_way or after)],
    )


def training_settings(model: Path) -> dict[str, str]:
    """The hyperparameters of the training, as text."""
    settings = _json_object(model / TRAINING_FILE).get("settings", {})
    return {name: as_text(value) for name, value in settings.items()}


def as_text(value: object) -> str:
    """A setting as a person writes it: `true` and not `True`."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _curve(path: Path, name: str) -> list[CurvePoint]:
    return [CurvePoint(entry["step"], float(entry[name])) for entry in _json_lines(path) if name in entry]


def _ends(training: dict[str, Any], name: str) -> tuple[list[CurvePoint], list[CurvePoint]]:
    """The value before training and the one after it, each as a list of at most one point."""

    def point(step: int, value: float | None) -> list[CurvePoint]:
        return [] if value is None else [CurvePoint(step, float(value))]

    return point(0, training.get(f"{name}_before")), point(training.get("steps", 0), training.get(f"{name}_after"))


def _json_object(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        value = json.loads(path.read_bytes())
    except ValueError as error:
        raise ContractError(f"{path}: not JSON in UTF-8: {error}") from error
    if not isinstance(value, dict):
        raise ContractError(f"{path}: must hold an object")
    return value


def _json_lines(path: Path) -> list[dict[str, Any]]:
    if not path.is_file():
        return []
    entries = []
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        try:
            entry = json.loads(line)
        except ValueError as error:
            raise ContractError(f"{path}:{number}: not JSON in UTF-8: {error}") from error
        if not isinstance(entry, dict) or not isinstance(entry.get("step"), int):
            raise ContractError(f"{path}:{number}: must be an object with a step")
        entries.append(entry)
    return entries
