"""The model that the pipeline tunes: what a dense embedding model and a sparse encoder have in common.

Callers ask the object for what differs; none asks which of the two it is.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Generic, Literal, TypeVar

import numpy as np
import torch
from sentence_transformers import SentenceTransformer, SparseEncoder
from torch import Tensor

from ..artifacts.documents import DocumentStore
from .batching import token_budget_batches
from .devices import inference_mode
from .loading import ModelSource
from .nearest_documents import NearestDocuments
from .prompts import Side, prompt_of, set_family_prompts

Network = TypeVar("Network", bound=SentenceTransformer | SparseEncoder)
Model = TypeVar("Model", bound="RetrievalModel")
ModelType = Literal["dense", "sparse"]

CHARACTERS_PER_TOKEN = 12
"""Text beyond max_seq_length times this is cut before tokenising; in no language are tokens longer on average."""

LONGEST_TEXT = 8192
"""Tokens at which texts are cut for a model that names no limit."""

DOCUMENTS_PER_BLOCK = 16_384
"""Documents whose embeddings are in memory at a time while ranking."""


@dataclass(frozen=True)
class ActiveDimensions:
    """How many words a sparse encoder gives a weight, on a set of queries and documents."""

    of_queries: float
    """Mean over the queries."""
    of_documents: float
    """Mean over the documents."""
    in_common: float
    """Words that a query and a document share, mean over all pairs."""


@dataclass(frozen=True)
class Ranking:
    """Rows of the store (int64) of shape (queries, depth), best first, -1 where a model finds no more."""

    rows: np.ndarray
    active_dimensions: ActiveDimensions | None
    """Of a model whose dimensions are words."""


class RetrievalModel(ABC, Generic[Network]):
    """A model that embeds queries and documents so that their dot products rank the documents."""

    network_type: ClassVar[type[SentenceTransformer] | type[SparseEncoder]]
    """Loads it."""

    scores_are_cosines: ClassVar[bool]
    """Whether dot products of embeddings are cosines, whose scale temperatures and margins are made for."""

    tokens_per_batch: ClassVar[int]
    """Padded tokens of one forward pass."""

    queries_per_product: ClassVar[int]
    """Queries that are multiplied with a block of documents at a time."""

    def __init__(self, network: Network) -> None:
        """
        Args:
            network: with the prompts that it is to have.
        """
        self.network = network
        """What is trained and saved."""

    @classmethod
    def load(cls: type[Model], source: ModelSource, *, max_seq_length: int | None, device: str) -> Model:
        """Loads a model with the prompts of its family.

        Args:
            max_seq_length: tokens to cut texts at, where the model takes that many; None for the model's own limit.

        Raises:
            ModelLoadError: when it cannot be loaded, or is of another type.
        """
        with source.loading():
            network = cls.network_type(
                source.model_id,
                device=device,
                revision=source.revision,
                trust_remote_code=source.trust_remote_code,
            )
        cls._check(network, source)
        set_family_prompts(network, source.model_id)
        own_limit = network.max_seq_length
        if max_seq_length is not None:
            network.max_seq_length = min(max_seq_length, own_limit) if own_limit else max_seq_length
        return cls(network)

    @classmethod
    @abstractmethod
    def _check(cls, network: Any, source: ModelSource) -> None:  # noqa: ANN401 (what `network_type` loaded)
        """Raises ModelLoadError when the network is of another type than this one."""

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self.network.device

    @property
    def max_seq_length(self) -> int:
        """Tokens at which texts are cut."""
        return self.network.max_seq_length or LONGEST_TEXT

    def cut(self, text: str) -> str:
        """The text without what is beyond the model's limit for certain, so that it need not be tokenised."""
        return text[: self.max_seq_length * CHARACTERS_PER_TOKEN]

    def token_counts(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, at most `max_seq_length`."""
        encoded = self.network.tokenizer(
            list(texts), truncation=True, max_length=self.max_seq_length, return_attention_mask=False
        )
        return [len(ids) for ids in encoded["input_ids"]]

    @abstractmethod
    def embed(self, texts: Sequence[str], side: Side, *, tokens_per_batch: int | None = None) -> Tensor:
        """What the model's scores are dot products of, with the model's prompt for this side before each text.

        A sparse encoder's are as wide as its vocabulary: for some thousand texts at most.

        Args:
            tokens_per_batch: padded tokens of one forward pass. @default - the model's own

        Returns:
            float32 of shape (len(texts), dimensions) on the CPU.
        """

    def rank(
        self,
        queries: Sequence[str],
        store: DocumentStore,
        rows: Sequence[int],
        depth: int,
        *,
        documents_per_block: int = DOCUMENTS_PER_BLOCK,
        quiet: bool = False,
    ) -> Ranking:
        """The best documents of each query by dot product, exactly.

        Goes block by block, so that memory does not grow with the corpus.

        Args:
            rows: rows of the store to rank.
            depth: list length, cut to the number of rows.
            quiet: say nothing about progress.

        Returns:
            Of equal scores the earlier in `rows` comes first, except that which of them are the last in a list is
            chance.
        """
        encoded_queries = self._encoded(queries, "query").to(self.device)
        nearest = NearestDocuments(len(queries), min(depth, len(rows)), self.device)
        tally = self._tally(encoded_queries)
        for start in range(0, len(rows), documents_per_block):
            block = rows[start : start + documents_per_block]
            documents = self._encoded([store.text(row) for row in block], "document")
            tally.add(documents)
            on_device = documents.to(self.device)
            for first in range(0, len(queries), self.queries_per_product):
                chosen = slice(first, min(first + self.queries_per_product, len(queries)))
                nearest.offer(chosen, start, self._products(encoded_queries, chosen, on_device))
            if not quiet:
                print(f"Embedded {start + len(block)} of {len(rows)} documents", flush=True)
        found = np.asarray(rows, dtype=np.int64)[nearest.positions()]
        return Ranking(np.where(self._is_found(nearest.scores()), found, -1), tally.active_dimensions())

    @abstractmethod
    def embeddings_of(self, output: Tensor) -> Tensor:
        """Float32 embeddings as scores take them, of the network's raw `sentence_embedding`. Differentiable."""

    @abstractmethod
    def similarity_scale(self, spread: float) -> float:
        """What dot products are multiplied with in training, so that they spread as cosines typically do.

        Args:
            spread: standard deviation of a row's dot products about their mean.
        """

    @abstractmethod
    def flops(self, queries: Tensor, documents: Tensor) -> Tensor:
        """The FLOPS regulariser (arXiv 2004.05665) of a batch's embeddings, which keeps vectors sparse.

        Zero for a model without sparse vectors; only of documents where queries are looked up in a table.
        """

    @abstractmethod
    def preprocess(self, texts: list[str], side: Side) -> dict[str, Any]:
        """The network's inputs for the texts, with the model's prompt for this side before each."""

    @property
    @abstractmethod
    def trainer_type(self) -> type:
        """The sentence-transformers trainer of such models."""

    @property
    @abstractmethod
    def training_arguments_type(self) -> type:
        """The arguments that this trainer takes."""

    def save(self, folder: Path) -> None:
        """Writes the sentence-transformers folder that serving loads."""
        self.network.save_pretrained(str(folder), safe_serialization=True, create_model_card=False)

    @abstractmethod
    def _encoded(self, texts: Sequence[str], side: Side) -> Tensor:
        """Embeddings on the CPU, in the form that ranking takes: dense, or coalesced sparse."""

    @abstractmethod
    def _products(self, queries: Tensor, chosen: slice, documents: Tensor) -> Tensor:
        """Dot products of the chosen queries with the documents, shape (queries chosen, documents)."""

    def _is_found(self, scores: np.ndarray) -> np.ndarray:
        """Which documents of these scores a search returns."""
        return np.ones_like(scores, dtype=bool)

    def _tally(self, queries: Tensor) -> DimensionTally:  # noqa: ARG002 (for models whose dimensions are words)
        """Counts the active dimensions of queries and, later, documents."""
        return DimensionTally()

    def _encoded_batches(
        self,
        texts: Sequence[str],
        side: Side,
        tokens_per_batch: int | None = None,
        **arguments: Any,  # noqa: ANN401 (of the network's own)
    ) -> Iterator[tuple[list[int], Tensor]]:
        """Positions of texts of like length, and what the network makes of them, on its device."""
        if not texts:
            raise ValueError("there is no text to embed")
        cut = [self.cut(text) for text in texts]
        batches = token_budget_batches(self.token_counts(cut), tokens_per_batch or self.tokens_per_batch)
        prompt = prompt_of(self.network, side) or None
        with inference_mode(str(self.device)):
            for batch in batches:
                chosen = [cut[position] for position in batch]
                encoded: Any = self.network.encode(
                    chosen, prompt=prompt, batch_size=len(batch), show_progress_bar=False, **arguments
                )
                yield batch, encoded


class DimensionTally:
    """Counts active dimensions where dimensions are words; here, where they are not, nothing."""

    def add(self, documents: Tensor) -> None:
        """Counts those of a block of documents."""

    def active_dimensions(self) -> ActiveDimensions | None:
        """What was counted; None where there is nothing to count."""
        return None
