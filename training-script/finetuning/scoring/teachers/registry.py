"""Which kind of teacher a model is, by its files and without running any of its code."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sentence_transformers.util import is_sentence_transformer_model, load_file_path
from transformers import PretrainedConfig

from ...models.loading import ModelLoadError, ModelSource
from .base import ScoringLimits, Teacher
from .cross_encoder import CrossEncoderTeacher
from .embedding import EmbeddingTeacher
from .lightweight_reranker import load_lightweight_reranker


class UnsupportedTeacherError(ModelLoadError):
    """A model of a kind that would be scored wrongly, were it loaded as one of the kinds that are known."""


@dataclass(frozen=True)
class ModelDescription:
    """What a model's files say that it is."""

    model_type: str
    """Of config.json; empty when it says nothing."""
    architectures: tuple[str, ...]
    """Of config.json."""
    saved_as: str | None
    """The class of sentence-transformers that saved it; None where another library did."""

    def has_architecture(self, suffix: str) -> bool:
        """Whether it is a plain transformers model of such a class."""
        return self.saved_as is None and any(name.endswith(suffix) for name in self.architectures)


@dataclass(frozen=True)
class TeacherKind:
    """Teachers that are loaded alike."""

    name: str
    recognises: Callable[[ModelDescription], bool]
    load: Callable[[ModelSource, ScoringLimits, str], Teacher]


def _is_lightweight_reranker(model: ModelDescription) -> bool:
    return model.model_type == "cost_wise_gemma" or any("CostWise" in name for name in model.architectures)


def _is_cross_encoder(model: ModelDescription) -> bool:
    return model.saved_as == "CrossEncoder" or model.has_architecture("ForSequenceClassification")


def _is_embedding_model(model: ModelDescription) -> bool:
    return model.saved_as == "SentenceTransformer" or model.has_architecture("Model")


JUDGE_KINDS = (
    TeacherKind("cross-encoder", _is_cross_encoder, CrossEncoderTeacher),
    TeacherKind("embedding", _is_embedding_model, EmbeddingTeacher),
)
"""Kinds that bring no code of their own: a judge has no parameter that pins its revision."""

TEACHER_KINDS = (
    TeacherKind("lightweight-reranker", _is_lightweight_reranker, load_lightweight_reranker),
    *JUDGE_KINDS,
)


def teacher_kind(source: ModelSource, kinds: Sequence[TeacherKind] = TEACHER_KINDS) -> TeacherKind:
    """Tells a model's kind from its files.

    Raises:
        UnsupportedTeacherError: when it is of none of the kinds.
        ModelLoadError: when there is no such model.
    """
    model = _described(source)
    kind = next((kind for kind in kinds if kind.recognises(model)), None)
    if kind is None:
        found = model.saved_as or ", ".join(model.architectures) or "a model that names no architecture"
        raise UnsupportedTeacherError(
            f"{source.model_id} is {found}, which cannot score pairs of query and document here. A cross-encoder can "
            "(a sequence classifier such as BAAI/bge-reranker-v2-m3, or what sentence-transformers saved as a "
            "CrossEncoder), an embedding model can (a plain encoder, or what sentence-transformers saved), and as a "
            "teacher BAAI/bge-reranker-v2.5-gemma2-lightweight. Other rerankers made of a decoder cannot unless their "
            f"repository holds sentence-transformers' modules.json. Set {source.parameter} to one that can."
        )
    return kind


def load_teacher(
    source: ModelSource, limits: ScoringLimits, device: str, kinds: Sequence[TeacherKind] = TEACHER_KINDS
) -> Teacher:
    """Loads a model as the kind of teacher that it is.

    Args:
        device: `cpu`, `cuda:0`, ...

    Raises:
        UnsupportedTeacherError: when it is of none of the kinds.
        ModelLoadError: when it cannot be loaded.
    """
    kind = teacher_kind(source, kinds)
    print(f"{source.model_id} scores on {device} as {kind.name}", flush=True)
    return kind.load(source, limits, device)


def _described(source: ModelSource) -> ModelDescription:
    with source.loading():
        if is_sentence_transformer_model(source.model_id, revision=source.revision):
            return ModelDescription("", (), _saved_as(source))
        config, _ = PretrainedConfig.get_config_dict(source.model_id, revision=source.revision)
    return ModelDescription(config.get("model_type") or "", tuple(config.get("architectures") or ()), None)


def _saved_as(source: ModelSource) -> str:
    path = load_file_path(source.model_id, "config_sentence_transformers.json", revision=source.revision)
    config: dict[str, Any] = json.loads(Path(path).read_bytes()) if path is not None else {}
    # Only releases from 5 on, which know other classes too, name the class.
    return config.get("model_type") or "SentenceTransformer"
