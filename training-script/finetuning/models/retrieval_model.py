"""The model that the pipeline tunes: a dense embedding model or a sparse encoder, which most stages treat alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from sentence_transformers import SentenceTransformer, SparseEncoder

from ..artifacts.contract import ModelType
from ..artifacts.documents import DocumentStore
from .embedding import embed, load_embedding_model, rank_dense
from .prompts import Side, prompt_of
from .sparse_encoding import ActiveDimensions, encode_sparse, load_sparse_encoder, rank_sparse

RetrievalModel = SentenceTransformer | SparseEncoder


@dataclass(frozen=True)
class Ranking:
    """Rows of the store (int64) of shape (queries, depth), best first, -1 where a model finds no more."""

    rows: np.ndarray
    active_dimensions: ActiveDimensions | None
    """Of a sparse encoder."""


def load_retrieval_model(
    model_id: str,
    model_type: ModelType,
    *,
    max_seq_length: int | None,
    device: str,
    revision: str | None = None,
    trust_remote_code: bool = False,
) -> RetrievalModel:
    """Loads a model by Hugging Face id or local folder; the arguments are those of `load_embedding_model`."""
    load = load_sparse_encoder if model_type == "sparse" else load_embedding_model
    return load(
        model_id, max_seq_length=max_seq_length, device=device, revision=revision, trust_remote_code=trust_remote_code
    )


def vectors(model: RetrievalModel, texts: Sequence[str], side: Side) -> torch.Tensor:
    """What the model's scores are dot products of: float32 of shape (len(texts), dimension) on the CPU.

    A sparse encoder's are as wide as its vocabulary: for some thousand texts at most.
    """
    if isinstance(model, SparseEncoder):
        return encode_sparse(model, texts, side).to_dense()
    return embed(model, texts, prompt=prompt_of(model, side))


def rank(
    model: RetrievalModel,
    queries: Sequence[str],
    store: DocumentStore,
    rows: Sequence[int],
    depth: int,
    *,
    quiet: bool = False,
) -> Ranking:
    """The model's best documents for each query, exactly; the arguments are those of `rank_dense`."""
    if isinstance(model, SparseEncoder):
        return Ranking(*rank_sparse(model, queries, store, rows, depth, quiet=quiet))
    return Ranking(rank_dense(model, queries, store, rows, depth, quiet=quiet), None)
