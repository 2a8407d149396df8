"""Sparse encoders: models that weigh the words of a vocabulary, so that an inverted index can hold their vectors.

A document encoder is a masked language model whose logits become weights (SPLADE). Queries go through the same model,
or, in an inference-free encoder, are looked up in a table of weights (IDF).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from sentence_transformers import SparseEncoder
from sentence_transformers.base.modules import Router
from sentence_transformers.sparse_encoder.losses import FlopsLoss
from sentence_transformers.sparse_encoder.modules import SparseStaticEmbedding, SpladePooling
from torch import Tensor

from .loading import ModelLoadError, ModelSource
from .prompts import Side, prompt_of
from .retrieval_model import ActiveDimensions, DimensionTally, RetrievalModel

TYPICAL_COSINE_SPREAD = 0.15
"""Standard deviation of a dense model's cosines with a query's documents, about their mean: paraphrase-MiniLM-L3-v2's
with the negatives mined for it on Django's documentation is 0.14 to 0.15. A sparse encoder's dot products are brought
to it once for the run, so that temperatures and weights mean the same for both types of model."""


class SparseModel(RetrievalModel[SparseEncoder]):
    """A sparse encoder; a document that shares no word with a query is not found."""

    network_type = SparseEncoder
    scores_are_cosines = False
    tokens_per_batch = 4_096
    """Each token has a logit for every word of the vocabulary: half a gigabyte in fp32."""
    queries_per_product = 512
    """As dense columns over the vocabulary, 62 MB."""

    def __init__(self, network: SparseEncoder) -> None:
        super().__init__(network)
        self._flops_loss = FlopsLoss(network)

    @classmethod
    def _check(cls, network: SparseEncoder, source: ModelSource) -> None:
        # sentence-transformers gives a model without a head for words an autoencoder, whose dimensions have no names.
        if not any(isinstance(module, SpladePooling) for module in network.modules()):
            raise ModelLoadError(
                f"The model {source.model_id} is no sparse encoder: it does not weigh the words of a vocabulary. With "
                f"model_type sparse, set {source.parameter} to one, for example opensearch-project/opensearch-neural-"
                "sparse-encoding-doc-v3-distill, or set model_type to dense."
            )

    @property
    def is_inference_free(self) -> bool:
        """Whether queries are looked up in a table instead of going through a transformer."""
        first = self.network[0]
        if not isinstance(first, Router):
            return False
        queries = first.sub_modules["query"]
        return isinstance(queries, torch.nn.Sequential) and isinstance(queries[0], SparseStaticEmbedding)

    def embed(self, texts: Sequence[str], side: Side, *, tokens_per_batch: int | None = None) -> Tensor:
        """See RetrievalModel."""
        return self._weights(texts, side, tokens_per_batch).to_dense()

    def embeddings_of(self, output: Tensor) -> Tensor:
        """See RetrievalModel."""
        return output.float()

    def similarity_scale(self, spread: float) -> float:
        """See RetrievalModel."""
        return TYPICAL_COSINE_SPREAD / spread

    def flops(self, queries: Tensor, documents: Tensor) -> Tensor:
        """See RetrievalModel."""
        of_documents = self._flops_loss.compute_loss_from_embeddings(documents)
        if self.is_inference_free:
            return of_documents
        return of_documents + self._flops_loss.compute_loss_from_embeddings(queries)

    def preprocess(self, texts: list[str], side: Side) -> dict[str, Any]:
        """See RetrievalModel. An inference-free encoder tokenises each side in its own way."""
        return self.network.preprocess(texts, prompt=prompt_of(self.network, side) or None, task=side)

    # The trainers need accelerate and datasets, which only the training job installs.

    @property
    def trainer_type(self) -> type:
        """See RetrievalModel."""
        from sentence_transformers import SparseEncoderTrainer

        return SparseEncoderTrainer

    @property
    def training_arguments_type(self) -> type:
        """See RetrievalModel."""
        from sentence_transformers import SparseEncoderTrainingArguments

        return SparseEncoderTrainingArguments

    def _encoded(self, texts: Sequence[str], side: Side) -> Tensor:
        return self._weights(texts, side)

    def _weights(self, texts: Sequence[str], side: Side, tokens_per_batch: int | None = None) -> Tensor:
        """Coalesced sparse float32 of shape (len(texts), vocabulary) on the CPU."""
        places, weights, vocabulary = [], [], 0
        arguments = {"task": side, "convert_to_sparse_tensor": False}
        for batch, encoded in self._encoded_batches(texts, side, tokens_per_batch, **arguments):
            vocabulary = encoded.shape[1]
            rows, words = encoded.nonzero(as_tuple=True)
            weights.append(encoded[rows, words].float().cpu())
            places.append(torch.stack([torch.tensor(batch)[rows.cpu()], words.cpu()]))
        shape = (len(texts), vocabulary)
        return torch.sparse_coo_tensor(
            torch.cat(places, dim=1), torch.cat(weights), shape, check_invariants=True
        ).coalesce()

    def _products(self, queries: Tensor, chosen: slice, documents: Tensor) -> Tensor:
        numbers = torch.arange(chosen.start, chosen.stop, device=queries.device)
        columns = queries.index_select(0, numbers).to_dense().T
        return torch.sparse.mm(documents, columns).T

    def _is_found(self, scores: np.ndarray) -> np.ndarray:
        """An inverted index finds what shares a word."""
        return scores > 0

    def _tally(self, queries: Tensor) -> WordTally:
        return WordTally(queries.cpu())


class WordTally(DimensionTally):
    """Counts how many queries and documents give each word a weight."""

    def __init__(self, queries: Tensor) -> None:
        """
        Args:
            queries: coalesced sparse, shape (queries, vocabulary).
        """
        self._queries = len(queries)
        self._queries_by_word = _texts_by_word(queries)
        self._documents = 0
        self._documents_by_word = torch.zeros_like(self._queries_by_word)

    def add(self, documents: Tensor) -> None:
        """See DimensionTally."""
        self._documents += len(documents)
        self._documents_by_word += _texts_by_word(documents)

    def active_dimensions(self) -> ActiveDimensions:
        """See DimensionTally."""
        of_queries = self._queries_by_word.double() / self._queries
        of_documents = self._documents_by_word.double() / self._documents
        return ActiveDimensions(
            of_queries=of_queries.sum().item(),
            of_documents=of_documents.sum().item(),
            in_common=(of_queries @ of_documents).item(),
        )


def _texts_by_word(encoded: Tensor) -> Tensor:
    """How many of the texts give each word a weight."""
    return torch.bincount(encoded.indices()[1], minlength=encoded.shape[1])
