"""Brings the teacher's scores to the scale of the student's similarities, once for a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..artifacts.documents import DocumentStore
from ..models.retrieval_model import RetrievalModel, vectors
from .distillation import DistillationRow

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
    query_vectors = vectors(model, [row.query for row in chosen], "query")
    document_vectors = vectors(model, [store.text(document) for document in documents], "document")
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
