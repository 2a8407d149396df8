"""Brings the teacher's scores to the scale of the student's cosines, once for a run."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sentence_transformers import SentenceTransformer

from .distillation import DistillationRow
from .documents import DocumentStore
from .embedding import embed
from .prompts import document_prompt, query_prompt

ROWS = 128
"""Rows that the spread of cosines is measured on: enough for a standard deviation, cheap on a CPU."""


def cosine_per_score(model: SentenceTransformer, store: DocumentStore, rows: Sequence[DistillationRow]) -> float:
    """How far apart the student puts documents that the teacher puts one unit of score apart.

    The ratio of the standard deviations of cosines and of scores, each about its row's mean. It is taken of standard
    deviations, not as a regression's slope, which shrinks the less student and teacher agree.

    Args:
        rows: the training rows; some, evenly spaced, are looked at.

    Returns:
        Cosine per unit of score; 0 when all scores of a row are the same.
    """
    chosen = [rows[int(position)] for position in np.linspace(0, len(rows) - 1, min(ROWS, len(rows)))]
    documents = sorted({document for row in chosen for document in row.documents})
    position = {document: index for index, document in enumerate(documents)}
    query_vectors = embed(model, [row.query for row in chosen], prompt=query_prompt(model))
    document_vectors = embed(model, [store.text(document) for document in documents], prompt=document_prompt(model))
    cosines, scores = [], []
    for row, vector in zip(chosen, query_vectors, strict=True):
        of_row = (document_vectors[[position[document] for document in row.documents]] @ vector).numpy()
        cosines.append(of_row - of_row.mean())
        scores.append(np.asarray(row.scores) - np.mean(row.scores))
    spread = float(np.concatenate(scores).std())
    return float(np.concatenate(cosines).std()) / spread if spread > 0 else 0.0


def score_range(rows: Sequence[DistillationRow]) -> float:
    """Distance of the 1st and 99th percentile of all teacher scores: the range without its outliers."""
    low, high = np.percentile(np.concatenate([row.scores for row in rows]), [1, 99])
    return float(high - low)
