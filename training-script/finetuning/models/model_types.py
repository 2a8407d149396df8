"""The types of model that `model_type` names."""

from __future__ import annotations

from .dense_model import DenseModel
from .loading import ModelSource
from .retrieval_model import ModelType, RetrievalModel
from .sparse_model import SparseModel

MODEL_TYPES: dict[ModelType, type[RetrievalModel]] = {"dense": DenseModel, "sparse": SparseModel}


def load_retrieval_model(
    source: ModelSource, model_type: ModelType, *, max_seq_length: int | None, device: str
) -> RetrievalModel:
    """Loads a model of the type that the user chose; see RetrievalModel.load."""
    return MODEL_TYPES[model_type].load(source, max_seq_length=max_seq_length, device=device)
