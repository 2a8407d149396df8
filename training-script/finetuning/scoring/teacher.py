"""Teachers: models that score how well a document answers a query. Three kinds, chosen by the model's own config."""

from __future__ import annotations

import contextlib
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PretrainedConfig,
    PreTrainedTokenizerBase,
)

from ..artifacts.documents import text_hash
from ..artifacts.environment import JobError
from ..models.batching import token_budget_batches
from ..models.embedding import CHARACTERS_PER_TOKEN, embed, load_embedding_model, naming_model, supports_bf16
from ..models.prompts import document_prompt, query_prompt

TeacherKind = Literal["lightweight-reranker", "cross-encoder", "embedding"]
TEACHER_KINDS: tuple[TeacherKind, ...] = ("lightweight-reranker", "cross-encoder", "embedding")

Pair = tuple[str, str]
"""A query and a document."""

COSINE_TEMPERATURE = 0.05
"""An embedding teacher's score is its cosine divided by this, to be of the order of a reranker's logits: among a
query's best 30 documents bge-small-en-v1.5 then spreads over some 4 units. Scale factor x temperature is the cosine
difference that a student is taught for one unit; paraphrase-MiniLM-L3 makes 0.097 of it before training, so that
0.025 x 1 would press its differences together."""

CUTOFF_LAYER = 28
COMPRESS_LAYERS = (24, 40)
COMPRESS_RATIO = 2
RERANKER_PROMPT = "Predict whether passage B contains an answer to query A."
"""Layer that gives the score, token compression, and prompt of the gemma2-lightweight reranker, as in its model card
and in the original pipeline."""

RERANKER_QUERY_SHARE = 0.75
"""Share of max_length that a query may take (FlagEmbedding's default)."""


class Teacher(ABC):
    """Scores pairs of query and document: higher is more relevant, on the scale of a reranker's logits."""

    def score(self, pairs: Sequence[Pair]) -> list[float]:
        """One score a pair, in the order of the pairs."""
        return self.score_tokenised(self.tokenise(pairs))

    @abstractmethod
    def tokenise(self, pairs: Sequence[Pair]) -> Any:  # noqa: ANN401 (each teacher's own)
        """What `score_tokenised` takes. Runs on the CPU, and beside `score_tokenised` in another thread."""

    @abstractmethod
    def score_tokenised(self, tokenised: Any) -> list[float]:  # noqa: ANN401
        """One score for each of the pairs that were tokenised, in their order."""


def teacher_kind(model_id: str, revision: str | None = None) -> TeacherKind:
    """Tells a teacher's kind from its configuration, without running any of its code.

    Raises:
        JobError: when there is no such model.
    """
    with naming_model(model_id):
        config, _ = PretrainedConfig.get_config_dict(model_id, revision=revision)
    architectures: list[str] = config.get("architectures") or []
    if config.get("model_type") == "cost_wise_gemma" or any("CostWise" in name for name in architectures):
        return "lightweight-reranker"
    if any(name.endswith("ForSequenceClassification") for name in architectures):
        return "cross-encoder"
    return "embedding"


def load_teacher(
    model_id: str, kind: TeacherKind, *, revision: str | None, max_length: int, tokens_per_batch: int, device: str
) -> Teacher:
    """Loads a teacher.

    Args:
        revision: commit of the model on the Hub; None for its newest. Pin it for a teacher that brings its own code.
        max_length: tokens of query and document together (of each text for an embedding teacher).
        tokens_per_batch: padded tokens of one forward pass.
        device: `cpu`, `cuda:0`, ...
    """
    if kind == "lightweight-reranker":
        return load_lightweight_reranker(
            model_id, revision=revision, max_length=max_length, tokens_per_batch=tokens_per_batch, device=device
        )
    if kind == "cross-encoder":
        return CrossEncoderTeacher(
            model_id, revision=revision, max_length=max_length, tokens_per_batch=tokens_per_batch, device=device
        )
    return EmbeddingTeacher(
        model_id, revision=revision, max_length=max_length, tokens_per_batch=tokens_per_batch, device=device
    )


class CrossEncoderTeacher(Teacher):
    """Any sequence classifier with one output; the score is its raw logit, without a sigmoid."""

    def __init__(
        self, model_id: str, *, revision: str | None, max_length: int, tokens_per_batch: int, device: str
    ) -> None:
        """Loads the model; see `load_teacher` for the arguments. Raises JobError for a model with several outputs."""
        with naming_model(model_id):
            self.tokenizer = AutoTokenizer.from_pretrained(model_id, revision=revision)
            model = AutoModelForSequenceClassification.from_pretrained(model_id, revision=revision)
        if model.config.num_labels != 1:
            raise JobError(
                f"{model_id} has {model.config.num_labels} outputs; a teacher must have one, the relevance. "
                "Choose a reranker."
            )
        self.model = model.to(device).eval()
        self._tokens_per_batch = tokens_per_batch
        self._max_length = min(max_length, self.tokenizer.model_max_length)
        self._device = device

    def tokenise(self, pairs: Sequence[Pair]) -> list[dict[str, list[int]]]:
        """See Teacher."""
        if not pairs:
            return []
        encoded = self.tokenizer(
            [query for query, _ in pairs],
            [document[: self._max_length * CHARACTERS_PER_TOKEN] for _, document in pairs],
            truncation=True,
            max_length=self._max_length,
        )
        return [dict(zip(encoded.keys(), columns, strict=True)) for columns in zip(*encoded.values(), strict=True)]

    @torch.inference_mode()
    def score_tokenised(self, tokenised: list[dict[str, list[int]]]) -> list[float]:
        """See Teacher."""
        batches = self.batches(tokenised)
        # fp16 and not bf16 on GPUs: bf16 rounds a logit of 8 to steps of 1/32, the order of the differences.
        autocast = (
            torch.autocast("cuda", dtype=torch.float16) if self._device.startswith("cuda") else contextlib.nullcontext()
        )
        with autocast:
            return _in_order(batches, (self._forward([tokenised[p] for p in batch]) for batch in batches))

    def batches(self, tokenised: list[dict[str, list[int]]]) -> list[list[int]]:
        """Which pairs are scored together."""
        return token_budget_batches([len(pair["input_ids"]) for pair in tokenised], self._tokens_per_batch)

    def _forward(self, pairs: list[dict[str, list[int]]]) -> torch.Tensor:
        padded = self.tokenizer.pad(pairs, return_tensors="pt")
        return self.model(**{key: value.to(self._device) for key, value in padded.items()}).logits[:, 0].float()


class EmbeddingTeacher(Teacher):
    """Any embedding model; the score is the cosine of query and document divided by COSINE_TEMPERATURE.

    Each distinct text is embedded once and kept, at 4 bytes a dimension.
    """

    def __init__(
        self, model_id: str, *, revision: str | None, max_length: int, tokens_per_batch: int, device: str
    ) -> None:
        """Loads the model; see `load_teacher` for the arguments."""
        self._model = load_embedding_model(model_id, max_seq_length=max_length, device=device, revision=revision)
        self._query_prompt, self._document_prompt = query_prompt(self._model), document_prompt(self._model)
        self._tokens_per_batch = tokens_per_batch
        self._embeddings: dict[tuple[str, int], torch.Tensor] = {}

    def tokenise(self, pairs: Sequence[Pair]) -> Sequence[Pair]:
        """The pairs themselves: only texts that are new are tokenised, as they are embedded."""
        return pairs

    def score_tokenised(self, tokenised: Sequence[Pair]) -> list[float]:
        """See Teacher."""
        pairs = tokenised
        if not pairs:
            return []
        self._embed_new([query for query, _ in pairs], self._query_prompt)
        self._embed_new([document for _, document in pairs], self._document_prompt)
        queries = torch.stack([self._embeddings[self._query_prompt, text_hash(query)] for query, _ in pairs])
        documents = torch.stack([self._embeddings[self._document_prompt, text_hash(text)] for _, text in pairs])
        return ((queries * documents).sum(dim=1) / COSINE_TEMPERATURE).tolist()

    def _embed_new(self, texts: Sequence[str], prompt: str) -> None:
        new = {text_hash(text): text for text in texts if (prompt, text_hash(text)) not in self._embeddings}
        if new:
            vectors = embed(self._model, list(new.values()), prompt=prompt, tokens_per_batch=self._tokens_per_batch)
            self._embeddings.update(((prompt, key), vector) for key, vector in zip(new, vectors, strict=True))


def load_lightweight_reranker(
    model_id: str, *, revision: str | None, max_length: int, tokens_per_batch: int, device: str
) -> LightweightReranker:
    """Loads BAAI/bge-reranker-v2.5-gemma2-lightweight and its kin, which bring their own model code.

    It is the only kind of teacher whose code is run. That code needs transformers below 4.47 (see
    requirements/scoring.txt).

    Raises:
        JobError: with a transformers release that the model's code cannot run on.
    """
    if not re.fullmatch("[0-9a-f]{40}", revision or ""):
        print(
            f"{model_id} brings Python code, which runs here at {revision or 'its default branch'}, whatever that is "
            "today. Pin teacher_revision to a commit to run the code that you have looked at.",
            flush=True,
        )
    try:
        tokenizer = AutoTokenizer.from_pretrained(model_id, revision=revision, trust_remote_code=True)
        # The layers above the one that gives the score, a third of the 9 billion parameters, are not even loaded. Its
        # code normalises the last layer's output as it does an inner layer's, so the score is the same.
        model: Any = AutoModelForCausalLM.from_pretrained(
            model_id,
            revision=revision,
            trust_remote_code=True,
            num_hidden_layers=CUTOFF_LAYER,
            torch_dtype=torch.bfloat16 if supports_bf16(device) else _half_or_full(device),
            low_cpu_mem_usage=True,
        )
    except (ImportError, AttributeError) as error:
        raise JobError(
            f"The code of {model_id} does not run on this transformers release ({error}). "
            "Install training-script/requirements/scoring.txt, or choose another teacher."
        ) from error
    return LightweightReranker(
        model.to(device).eval(), tokenizer, max_length=max_length, tokens_per_batch=tokens_per_batch, device=device
    )


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
        *,
        max_length: int,
        tokens_per_batch: int,
        device: str,
    ) -> None:
        """
        Args:
            model: takes input_ids, attention_mask, output_hidden_states, compress_layer, compress_ratio,
                query_lengths, prompt_lengths and cutoff_layers; returns per-layer `logits` and `attention_masks`
                (shorter than the input where the passage was compressed).
            tokenizer: its tokenizer, padding on the right.
            max_length: tokens of query and document together; the prompt is extra.
        """
        self._model = model
        self._tokenizer = tokenizer
        self._max_length = max_length
        self._tokens_per_batch = tokens_per_batch
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
        return _in_order(batches, (self._forward([tokenised[p] for p in batch]) for batch in batches))

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


def _in_order(batches: Sequence[Sequence[int]], scores: Iterable[torch.Tensor]) -> list[float]:
    """The scores of batches by the positions of their pairs. A GPU is waited for once, and not for each batch."""
    by_batch = list(scores)
    if not by_batch:
        return []
    ordered = torch.empty(sum(map(len, batches)))
    ordered[[position for batch in batches for position in batch]] = torch.cat(by_batch).cpu()
    return ordered.tolist()


def _compute_heads_in_fp32(model: object) -> None:
    """A bf16 logit of 8 is rounded to steps of 1/32; the score heads are tiny, so they are computed in fp32."""
    for head in getattr(model, "lm_head", None) or ():
        head.float()
        head.linear_head.register_forward_pre_hook(lambda _, inputs: tuple(value.float() for value in inputs))


def _half_or_full(device: str) -> torch.dtype:
    return torch.float16 if device.startswith("cuda") else torch.float32
