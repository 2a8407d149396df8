"""Brings the teacher's scores to the scale of the student's similarities, once for a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..artifacts.arguments import TrainingArguments
from ..artifacts.documents import DocumentStore
from ..artifacts.environment import JobError
from ..models.retrieval_model import RetrievalModel
from .distillation import DistillationRow, LossSettings

ROWS = 128
"""Rows that the spread of similarities is measured on: enough for a standard deviation, cheap on a CPU."""


@dataclass(frozen=True)
class Spread:
    """How far apart a row's documents lie: standard deviations about each row's mean, over all rows."""

    similarity: float
    """By the student: of cosines, or of a sparse encoder's dot products."""
    score: float
    """By the teacher."""

    @property
    def similarity_per_score(self) -> float:
        """How far apart the student puts documents that the teacher puts one unit of score apart; 0 when it puts none.

        A ratio of standard deviations, not a regression's slope, which shrinks the less student and teacher agree.
        """
        return self.similarity / self.score if self.score > 0 else 0.0


def measured_spread(model: RetrievalModel, store: DocumentStore, rows: Sequence[DistillationRow]) -> Spread:
    """The spread of student and teacher over the training rows, of which some, evenly spaced, are looked at."""
    chosen = [rows[int(position)] for position in np.linspace(0, len(rows) - 1, min(ROWS, len(rows)))]
    documents = sorted({document for row in chosen for document in row.documents})
    position = {document: index for index, document in enumerate(documents)}
    query_vectors = model.embed([row.query for row in chosen], "query")
    document_vectors = model.embed([store.text(document) for document in documents], "document")
    similarities, scores = [], []
    for row, vector in zip(chosen, query_vectors, strict=True):
        of_row = (document_vectors[[position[document] for document in row.documents]] @ vector).numpy()
        similarities.append(of_row - of_row.mean())
        scores.append(np.asarray(row.scores) - np.mean(row.scores))
    return Spread(float(np.concatenate(similarities).std()), float(np.concatenate(scores).std()))


def score_range(rows: Sequence[DistillationRow]) -> float:
    """Distance of the 1st and 99th percentile of all teacher scores: the range without its outliers."""
    low, high = np.percentile(np.concatenate([row.scores for row in rows]), [1, 99])
    return float(high - low)


def calibrated_loss(
    model: RetrievalModel, store: DocumentStore, rows: Sequence[DistillationRow], arguments: TrainingArguments
) -> LossSettings:
    """What the loss is made of, on the scale of this model's similarities and of this teacher's scores.

    Raises:
        JobError: when there is nothing to calibrate on, as all documents of a query are the same to one of the two.
    """
    factor, scale = arguments.teacher_score_scale_factor, 1.0
    if arguments.teacher_spread > 0 or not model.scores_are_cosines:
        spread = measured_spread(model, store, rows)
        if spread.similarity_per_score == 0:
            raise JobError(
                "The teacher or the base model gives all documents of a query the same score, so there is nothing to "
                "learn from it: choose another teacher_model_id or base_model_id."
            )
        scale = model.similarity_scale(spread.similarity)
        own = scale * spread.similarity_per_score
        if arguments.teacher_spread > 0:
            factor = arguments.teacher_spread * own / arguments.temperature
        print(
            f"The base model's similarity differs by {own:.4f} per unit of teacher score: scale {factor:.4f}"
            + (f"; dot products are scaled by {scale:.4g}" if scale != 1 else ""),
            flush=True,
        )
    margin = arguments.hard_negative_margin
    return LossSettings(
        temperature=arguments.temperature,
        teacher_score_scale_factor=factor,
        contrastive_weight=arguments.contrastive_weight,
        hard_negative_margin=margin * score_range(rows) if margin > 0 else None,
        similarity_scale=scale,
        flops_weight=arguments.flops_weight,
    )
