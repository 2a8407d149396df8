"""Dense embedding models, whose scores are cosines."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from sentence_transformers import SentenceTransformer
from torch import Tensor

from .devices import tensor_cores
from .loading import ModelSource
from .prompts import Side, prompt_of
from .retrieval_model import RetrievalModel
from .tei_format import make_readable_for_tei


class DenseModel(RetrievalModel[SentenceTransformer]):
    """An embedding model of unit-length vectors."""

    network_type = SentenceTransformer
    scores_are_cosines = True
    tokens_per_batch = 16_384
    queries_per_product = 4_096
    """With DOCUMENTS_PER_BLOCK, cosines of 256 MB at a time."""

    def embed(self, texts: Sequence[str], side: Side, *, tokens_per_batch: int | None = None) -> Tensor:
        """See RetrievalModel; of unit length."""
        embeddings = torch.empty(0)
        for batch, encoded in self._encoded_batches(texts, side, tokens_per_batch, convert_to_tensor=True):
            if not len(embeddings):
                embeddings = torch.empty((len(texts), encoded.shape[1]))
            embeddings[batch] = self.embeddings_of(encoded).cpu()
        return embeddings

    def embeddings_of(self, output: Tensor) -> Tensor:
        """See RetrievalModel."""
        return torch.nn.functional.normalize(output.float(), dim=-1)

    def similarity_scale(self, spread: float) -> float:  # noqa: ARG002 (cosines are at the scale of cosines)
        """See RetrievalModel."""
        return 1.0

    def flops(self, queries: Tensor, documents: Tensor) -> Tensor:  # noqa: ARG002 (no vector is sparse)
        """See RetrievalModel."""
        return documents.new_zeros(())

    def preprocess(self, texts: list[str], side: Side) -> dict[str, Any]:
        """See RetrievalModel."""
        return self.network.preprocess(texts, prompt=prompt_of(self.network, side) or None)

    # The trainers need accelerate and datasets, which only the training job installs.

    @property
    def trainer_type(self) -> type:
        """See RetrievalModel."""
        from sentence_transformers import SentenceTransformerTrainer

        return SentenceTransformerTrainer

    @property
    def training_arguments_type(self) -> type:
        """See RetrievalModel."""
        from sentence_transformers import SentenceTransformerTrainingArguments

        return SentenceTransformerTrainingArguments

    def save(self, folder: Path) -> None:
        """See RetrievalModel; Text Embeddings Inference reads it too.

        Raises:
            JobError: when the model has a module or a pooling that Text Embeddings Inference cannot serve.
        """
        super().save(folder)
        make_readable_for_tei(self.network, folder)

    @classmethod
    def _check(cls, network: SentenceTransformer, source: ModelSource) -> None:
        """Of whatever sentence-transformers loads, embeddings can be made."""

    def _encoded(self, texts: Sequence[str], side: Side) -> Tensor:
        return self.embed(texts, side)

    def _products(self, queries: Tensor, chosen: slice, documents: Tensor) -> Tensor:
        with tensor_cores():
            return queries[chosen] @ documents.T
