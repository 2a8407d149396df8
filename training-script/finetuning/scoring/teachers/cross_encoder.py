"""Cross-encoders as teachers."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from sentence_transformers import CrossEncoder

from ...models.batching import token_budget_batches
from ...models.loading import ModelLoadError, ModelSource
from ...models.retrieval_model import CHARACTERS_PER_TOKEN
from .base import Pair, ScoringLimits, Teacher, in_order


@dataclass(frozen=True)
class TokenisedPairs:
    """Pairs in batches of like length."""

    lengths: list[int]
    """Tokens of each pair."""
    batches: list[list[int]]
    """Positions of the pairs that are scored together."""
    features: list[dict[str, Any]]
    """The model's inputs of each batch, on the CPU."""


class CrossEncoderTeacher(Teacher):
    """Any model that sentence-transformers loads as a CrossEncoder with one output.

    The score is its raw logit, without a sigmoid.
    """

    def __init__(self, source: ModelSource, limits: ScoringLimits, device: str) -> None:
        """Loads the model.

        Raises:
            ModelLoadError: when it cannot be loaded, or has several outputs.
        """
        with source.loading():
            model = CrossEncoder(source.model_id, revision=source.revision, device=device)
        if model.num_labels != 1:
            raise ModelLoadError(
                f"{source.model_id} has {model.num_labels} outputs; it must have one, the relevance. Set "
                f"{source.parameter} to a reranker."
            )
        model.max_seq_length = min(limits.max_length, model.max_seq_length or limits.max_length)
        self.model = model.eval()
        self._max_length: int = model.max_seq_length
        self._prompt = model.prompts.get(model.default_prompt_name or "")
        self._tokens_per_batch = limits.tokens_per_batch
        self._device = device

    def tokenise(self, pairs: Sequence[Pair]) -> TokenisedPairs:
        """See Teacher."""
        if not pairs:
            return TokenisedPairs([], [], [])
        cut = [(query, document[: self._max_length * CHARACTERS_PER_TOKEN]) for query, document in pairs]
        encoded = self.model.tokenizer(
            [query for query, _ in cut],
            [document for _, document in cut],
            truncation=True,
            max_length=self._max_length,
            return_attention_mask=False,
        )
        lengths = [len(ids) for ids in encoded["input_ids"]]
        batches = token_budget_batches(lengths, self._tokens_per_batch)
        features = [
            self.model.preprocess([cut[position] for position in batch], prompt=self._prompt) for batch in batches
        ]
        return TokenisedPairs(lengths, batches, features)

    @torch.inference_mode()
    def score_tokenised(self, tokenised: TokenisedPairs) -> list[float]:
        """See Teacher."""
        # fp16 and not bf16 on GPUs: bf16 rounds a logit of 8 to steps of 1/32, the order of the differences.
        autocast = (
            torch.autocast("cuda", dtype=torch.float16) if self._device.startswith("cuda") else contextlib.nullcontext()
        )
        with autocast:
            return in_order(tokenised.batches, map(self._forward, tokenised.features))

    def _forward(self, features: dict[str, Any]) -> torch.Tensor:
        moved = {
            name: value.to(self._device) if isinstance(value, torch.Tensor) else value
            for name, value in features.items()
        }
        return self.model(moved)["scores"].float().flatten()
