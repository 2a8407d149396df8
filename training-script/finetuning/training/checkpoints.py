"""Checkpoints of a training, kept where a restarted job finds them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import msgspec

from ..artifacts.arguments import TrainingArguments
from ..artifacts.score_files import score_files


def checkpoint_folder(checkpoints: Path, scores: Path, arguments: TrainingArguments) -> Path:
    """Makes and names the folder of a training's checkpoints, another one for other arguments or other scores."""
    digest = hashlib.sha256(msgspec.json.encode(arguments))
    for path in (*score_files(scores, "train"), scores / "documents.jsonl"):
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
        digest.update(b"\0")
    folder = checkpoints / "training" / digest.hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def latest_checkpoint(folder: Path) -> Path | None:
    """The newest complete checkpoint in a folder; one that a killed job left half written is passed over."""
    complete = [
        path
        for path in folder.glob("checkpoint-*")
        if all((path / name).is_file() for name in ("trainer_state.json", "optimizer.pt", "scheduler.pt"))
        and any(path.rglob("*.safetensors"))
        and _is_json(path / "trainer_state.json")
    ]
    return max(complete, key=checkpoint_step, default=None)


def checkpoint_step(checkpoint: Path) -> int:
    """The optimiser step after which it was written."""
    return int(checkpoint.name.removeprefix("checkpoint-"))


def _is_json(path: Path) -> bool:
    try:
        json.loads(path.read_bytes())
    except ValueError:
        return False
    return True
