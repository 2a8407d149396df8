"""Reads from a model's artifact how its training went."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .contract import ContractError, CurvePoint, TrainingCurves

CURVES_FILE = "loss.jsonl"
"""A line a logged step: `step`, and any of `loss`, `dev_loss` and `dev_ndcg`."""

TRAINING_FILE = "training.json"
"""What training did: `settings`, `steps`, `dev_loss_before`, `dev_loss_after`."""


def training_curves(model: Path) -> TrainingCurves:
    """The curves in a model's folder; without the files (a model from elsewhere) they are empty.

    Raises:
        ContractError: when a file is there and is not what training writes.
    """
    entries = _json_lines(model / CURVES_FILE)
    curves = {
        name: [CurvePoint(int(entry["step"]), float(entry[name])) for entry in entries if entry.get(name) is not None]
        for name in ("loss", "dev_loss", "dev_ndcg")
    }
    if not curves["dev_loss"]:
        training = _json_object(model / TRAINING_FILE)
        ends = ((0, training.get("dev_loss_before")), (training.get("steps"), training.get("dev_loss_after")))
        curves["dev_loss"] = [
            CurvePoint(int(step), float(loss)) for step, loss in ends if step is not None and loss is not None
        ]
    return TrainingCurves(train_loss=curves["loss"], dev_loss=curves["dev_loss"], dev_ndcg=curves["dev_ndcg"])


def training_settings(model: Path) -> dict[str, str]:
    """The hyperparameters of the training, as text."""
    settings = _json_object(model / TRAINING_FILE).get("settings", {})
    return {name: as_text(value) for name, value in settings.items()}


def as_text(value: object) -> str:
    """A setting as a person writes it: `true` and not `True`."""
    return str(value).lower() if isinstance(value, bool) else str(value)


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
