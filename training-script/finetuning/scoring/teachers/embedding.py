"""Embedding models as teachers."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from ...artifacts.documents import text_hash
from ...models.dense_model import DenseModel
from ...models.loading import ModelSource
from ...models.prompts import Side, prompt_of
from .base import Pair, ScoringLimits, Teacher

COSINE_TEMPERATURE = 0.05
"""An embedding teacher's score is its cosine divided by this, to be of the order of a reranker's logits: among a
query's best 30 documents bge-small-en-v1.5 then spreads over some 4 units. Scale factor x temperature is the cosine
difference that a student is taught for one unit; paraphrase-MiniLM-L3 makes 0.097 of it before training, so that
0.025 x 1 would press its differences together."""


class EmbeddingTeacher(Teacher):
    """Any embedding model; the score is the cosine of query and document divided by COSINE_TEMPERATURE.

    Each distinct text is embedded once and kept, at 4 bytes a dimension.
    """

    def __init__(self, source: ModelSource, limits: ScoringLimits, device: str) -> None:
        """Loads the model. Raises ModelLoadError."""
        self._model = DenseModel.load(source, max_seq_length=limits.max_length, device=device)
        self._tokens_per_batch = limits.tokens_per_batch
        self._embeddings: dict[tuple[str, int], torch.Tensor] = {}

    def tokenise(self, pairs: Sequence[Pair]) -> Sequence[Pair]:
        """The pairs themselves: only texts that are new are tokenised, as they are embedded."""
        return pairs

    def score_tokenised(self, tokenised: Sequence[Pair]) -> list[float]:
        """See Teacher."""
        if not tokenised:
            return []
        queries = self._embedded([query for query, _ in tokenised], "query")
        documents = self._embedded([document for _, document in tokenised], "document")
        return ((queries * documents).sum(dim=1) / COSINE_TEMPERATURE).tolist()

    def _embedded(self, texts: Sequence[str], side: Side) -> torch.Tensor:
        # By prompt and not by side: where the prompts are equal, so are the embeddings.
        prompt = prompt_of(self._model.network, side)
        keys = [(prompt, text_hash(text)) for text in texts]
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in self._embeddings}
        if new:
            vectors = self._model.embed(list(new.values()), side, tokens_per_batch=self._tokens_per_batch)
            self._embeddings.update(zip(new, vectors, strict=True))
        return torch.stack([self._embeddings[key] for key in keys])
