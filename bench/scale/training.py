"""Steps of stage 5, against a batch in which every row's texts are padded together and embedded for that row.

Both take the same rows in the same order from the same random weights (of MiniLM-L3's size, without dropout), so that
their loss curves can be compared.
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2] / "training-script"))

import torch
from finetuning.artifacts.documents import DocumentStore
from finetuning.models.dense_model import DenseModel
from finetuning.models.loading import ModelSource
from finetuning.training.distillation import (
    DistillationCollator,
    DistillationRow,
    ListwiseDistillationLoss,
    LossSettings,
    features_by_side,
)
from python_benchmark import Variant, Work, benchmark
from random_models import use_one_thread, write_embedding_model

DOCUMENTS = 300
QUERIES_PER_DOCUMENT = 5
NEGATIVES = 4
NEGATIVES_PER_ROW = 2
ROWS_PER_STEP = 32
STEPS = 3
MAX_SEQ_LENGTH = 256
LEARNING_RATE = 1e-4
SETTINGS = LossSettings(
    temperature=1.0, teacher_score_scale_factor=0.025, contrastive_weight=0.0, hard_negative_margin=None
)
LARGEST_DIFFERENCE = 0.01
"""Relative, of the losses: the two add up floating-point numbers in another order, and steps amplify that."""


@dataclass(frozen=True)
class Task:
    """The model, the corpus, and rows as the training stage has them."""

    model: DenseModel
    store: DocumentStore
    batches: list[list[dict[str, Any]]]
    folder: tempfile.TemporaryDirectory


def prepare(_: int, corpus: Path) -> Task:
    """Rows as the pipeline makes them: a query is in several, and its document in those of its other queries too."""
    use_one_thread()
    generator = random.Random(1)
    folder = tempfile.TemporaryDirectory(prefix="bench-")
    path = Path(folder.name) / "documents.jsonl"
    with corpus.open("rb") as lines:
        path.write_bytes(b"".join(islice(lines, DOCUMENTS)))
    store = DocumentStore([path])
    rows = []
    for document in range(DOCUMENTS):
        words = store.text(document).split()
        for _query in range(QUERIES_PER_DOCUMENT):
            query = " ".join(generator.sample(words, 6))
            # Hard negatives of a document's queries are largely the same ones.
            negatives = [(document + generator.randint(1, 8)) % DOCUMENTS for _ in range(NEGATIVES)]
            for start in range(0, NEGATIVES, NEGATIVES_PER_ROW):
                documents = [document, *negatives[start : start + NEGATIVES_PER_ROW]]
                label = [8.0, *(generator.uniform(-4, 4) for _ in documents[1:])]
                rows.append(DistillationRow(query, documents, label).columns())
    generator.shuffle(rows)
    batches = [rows[start : start + ROWS_PER_STEP] for start in range(0, STEPS * ROWS_PER_STEP, ROWS_PER_STEP)]
    write_embedding_model(corpus, Path(folder.name))
    device = "cuda" if torch.cuda.is_available() else "cpu"
    source = ModelSource(str(Path(folder.name) / "model"), "base_model_id")
    model = DenseModel.load(source, max_seq_length=MAX_SEQ_LENGTH, device=device)
    model.network.train()
    return Task(model, store, batches, folder)


def baseline(task: Task) -> Work:
    """As sentence-transformers' trainer does: one column a place in the row, each padded to its longest text."""
    from sentence_transformers.sentence_transformer.losses import DistillKLDivLoss

    loss = DistillKLDivLoss(task.model.network)

    def loss_of(rows: list[dict[str, Any]]) -> torch.Tensor:
        columns = [[row["query"] for row in rows]]
        columns += [
            [task.store.text(row["documents"][place]) for row in rows] for place in range(NEGATIVES_PER_ROW + 1)
        ]
        features = [_on_device(task, task.model.network.preprocess(column)) for column in columns]
        labels = torch.tensor([row["label"] for row in rows], device=task.model.device)
        return loss(features, labels * SETTINGS.teacher_score_scale_factor)

    return _train(task, loss_of)


def ours(task: Task) -> Work:
    """The training stage's collator and loss."""
    loss = ListwiseDistillationLoss(task.model, SETTINGS)
    collator = DistillationCollator(task.model, task.store)

    def loss_of(rows: list[dict[str, Any]]) -> torch.Tensor:
        batch = _on_device(task, collator(rows))
        return loss(features_by_side(batch), batch["label"])

    return _train(task, loss_of)


def compare(expected: list[float], found: list[float]) -> str:
    """Checks that the loss curves are equal."""
    difference = max(abs(a - b) / abs(a) for a, b in zip(expected, found, strict=True))
    if difference > LARGEST_DIFFERENCE:
        raise ValueError(f"the losses differ by {difference:.1%}: {expected} and {found}")
    return (
        f"{len(found)} steps of {ROWS_PER_STEP} rows; loss {found[0]:.4g} to {found[-1]:.4g}, from the baseline's "
        f"different by {difference:.1%} at most"
    )


def _train(task: Task, loss_of: Callable[[list[dict[str, Any]]], torch.Tensor]) -> Work:
    optimiser = torch.optim.AdamW(task.model.network.parameters(), lr=LEARNING_RATE)
    losses = []
    for rows in task.batches:
        loss = loss_of(rows)
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
        losses.append(loss.item())
    return Work(sum(map(len, task.batches)), "rows", losses)


def _on_device(task: Task, batch: dict[str, Any]) -> dict[str, Any]:
    device = task.model.device
    return {key: value.to(device) if isinstance(value, torch.Tensor) else value for key, value in batch.items()}


if __name__ == "__main__":
    benchmark("training", {"baseline": Variant(prepare, baseline), "ours": Variant(prepare, ours)}, compare)
