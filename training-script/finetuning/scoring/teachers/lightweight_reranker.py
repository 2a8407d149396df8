"""The gemma2-lightweight reranker, the default teacher: a decoder that scores at an inner layer."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerBase

from ...models.batching import token_budget_batches
from ...models.devices import supports_bf16
from ...models.loading import ModelLoadError, ModelSource
from ...models.retrieval_model import CHARACTERS_PER_TOKEN
from .base import Pair, ScoringLimits, Teacher, in_order

CUTOFF_LAYER = 28
COMPRESS_LAYERS = (24, 40)
COMPRESS_RATIO = 2
RERANKER_PROMPT = "Predict whether passage B contains an answer to query A."
"""Layer that gives the score, token compression, and prompt of the gemma2-lightweight reranker, as in its model card
and in the original pipeline."""

RERANKER_QUERY_SHARE = 0.75
"""Share of max_length that a query may take (FlagEmbedding's default)."""


def load_lightweight_reranker(source: ModelSource, limits: ScoringLimits, device: str) -> LightweightReranker:
    """Loads BAAI/bge-reranker-v2.5-gemma2-lightweight and its kin, which bring their own model code.

    It is the only kind of teacher whose code is run. That code needs transformers below 4.47 (see
    requirements/scoring.txt).

    Raises:
        ModelLoadError: when it cannot be loaded, or its code cannot run on this transformers release.
    """
    model_id, revision = source.model_id, source.revision
    if not re.fullmatch("[0-9a-f]{40}", revision or ""):
        print(
            f"{model_id} brings Python code, which runs here at {revision or 'its default branch'}, whatever that is "
            "today. Pin teacher_revision to a commit to run the code that you have looked at.",
            flush=True,
        )
    try:
        with source.loading():
            tokenizer = AutoTokenizer.from_pretrained(model_id, revision=revision, trust_remote_code=True)
            # The layers above the one that gives the score, a third of the 9 billion parameters, are not even loaded.
            # Its code normalises the last layer's output as it does an inner layer's, so the score is the same.
            model: Any = AutoModelForCausalLM.from_pretrained(
                model_id,
                revision=revision,
                trust_remote_code=True,
                num_hidden_layers=CUTOFF_LAYER,
                torch_dtype=torch.bfloat16 if supports_bf16(device) else _half_or_full(device),
                low_cpu_mem_usage=True,
            )
    except AttributeError as error:
        raise ModelLoadError(
            f"The code of {model_id} does not run on this transformers release ({error}). Set {source.parameter} to "
            "another model; only the scoring job has a release (training-script/requirements/scoring.txt) on which it "
            "runs."
        ) from error
    return LightweightReranker(model.to(device).eval(), tokenizer, limits, device)


@dataclass(frozen=True)
class RerankerInput:
    """A pair as the lightweight reranker reads it."""

    tokens: list[int]
    query_length: int
    """Tokens up to the document."""


class LightweightReranker(Teacher):
    """The gemma2-lightweight reranker's way of scoring: the logit of the last prompt token at an inner layer."""

    def __init__(
        self,
        model: Callable[..., Any],
        tokenizer: PreTrainedTokenizerBase,
        limits: ScoringLimits,
        device: str,
    ) -> None:
        """
        Args:
            model: takes input_ids, attention_mask, output_hidden_states, compress_layer, compress_ratio,
                query_lengths, prompt_lengths and cutoff_layers; returns per-layer `logits` and `attention_masks`
                (shorter than the input where the passage was compressed).
            tokenizer: its tokenizer, padding on the right.
            limits: `max_length` leaves out the prompt, which is extra.
        """
        self._model = model
        self._tokenizer = tokenizer
        self._max_length = limits.max_length
        self._tokens_per_batch = limits.tokens_per_batch
        self._device = device
        _compute_heads_in_fp32(model)
        self._separator: list[int] = tokenizer("\n", add_special_tokens=False)["input_ids"]
        self._prompt: list[int] = tokenizer(RERANKER_PROMPT, add_special_tokens=False)["input_ids"]

    def tokenise(self, pairs: Sequence[Pair]) -> list[RerankerInput]:
        """`<bos>A: query \\n B: document \\n prompt`."""
        queries = self._ids([f"A: {query}" for query, _ in pairs], int(self._max_length * RERANKER_QUERY_SHARE))
        documents = self._ids([f"B: {document}" for _, document in pairs], self._max_length)
        tokenised = []
        for query, document in zip(queries, documents, strict=True):
            head = [self._tokenizer.bos_token_id, *query, *self._separator]
            room = max(0, self._max_length + len(self._separator) - len(head))
            tokens = [*head, *document[:room], *self._separator, *self._prompt]
            tokenised.append(RerankerInput(tokens, len(head)))
        return tokenised

    @torch.inference_mode()
    def score_tokenised(self, tokenised: list[RerankerInput]) -> list[float]:
        """See Teacher."""
        batches = token_budget_batches([len(pair.tokens) for pair in tokenised], self._tokens_per_batch)
        return in_order(batches, (self._forward([tokenised[p] for p in batch]) for batch in batches))

    def _ids(self, texts: list[str], max_length: int) -> list[list[int]]:
        if not texts:
            return []
        cut = [text[: max_length * CHARACTERS_PER_TOKEN] for text in texts]
        return self._tokenizer(cut, add_special_tokens=False, truncation=True, max_length=max_length)["input_ids"]

    def _forward(self, pairs: list[RerankerInput]) -> torch.Tensor:
        longest = max(len(pair.tokens) for pair in pairs)
        padding = self._tokenizer.pad_token_id
        padded = [pair.tokens + [padding] * (longest - len(pair.tokens)) for pair in pairs]
        input_ids = torch.tensor(padded, device=self._device)
        lengths = torch.tensor([len(pair.tokens) for pair in pairs], device=self._device)
        attention_mask = (torch.arange(longest, device=self._device) < lengths[:, None]).long()
        outputs = self._model(
            input_ids=input_ids,
            attention_mask=attention_mask,
            output_hidden_states=True,
            compress_layer=list(COMPRESS_LAYERS),
            compress_ratio=COMPRESS_RATIO,
            query_lengths=[pair.query_length for pair in pairs],
            prompt_lengths=[len(self._separator) + len(self._prompt)] * len(pairs),
            cutoff_layers=[CUTOFF_LAYER],
        )
        last = outputs.attention_masks[-1].sum(dim=1) - 1
        return outputs.logits[-1].float()[torch.arange(len(pairs), device=self._device), last]


def _compute_heads_in_fp32(model: object) -> None:
    """A bf16 logit of 8 is rounded to steps of 1/32; the score heads are tiny, so they are computed in fp32."""
    for head in getattr(model, "lm_head", None) or ():
        head.float()
        head.linear_head.register_forward_pre_hook(lambda _, inputs: tuple(value.float() for value in inputs))


def _half_or_full(device: str) -> torch.dtype:
    return torch.float16 if device.startswith("cuda") else torch.float32
