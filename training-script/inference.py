"""SageMaker inference handler with the request and response of Text Embeddings Inference.

Request: `{"inputs": "text" | ["text", ...], "truncate": true}`; response: one embedding a text, `[[...], ...]`. It
stands alone: the training job copies it into the model artifact as `code/inference.py`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from sentence_transformers import SentenceTransformer

JSON = "application/json"


@dataclass(frozen=True)
class EmbeddingRequest:
    """A validated request. `truncate`: cut texts that are too long, instead of refusing them."""

    inputs: list[str]
    truncate: bool


def model_fn(model_dir: str, context: object = None) -> SentenceTransformer:  # noqa: ARG001 (the toolkit passes it)
    """Loads the model from the unpacked artifact, onto the GPU where there is one."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return SentenceTransformer(str(Path(model_dir)), device=device)


def input_fn(body: str | bytes, content_type: str = JSON) -> EmbeddingRequest:
    """Parses a request.

    Raises:
        ValueError: saying what is wrong with it.
    """
    if content_type.split(";")[0].strip().lower() != JSON:
        raise ValueError(f"content type must be {JSON}, not {content_type}")
    try:
        request: Any = json.loads(body)
    except ValueError as error:
        raise ValueError(f"the body is not JSON: {error}") from error
    if not isinstance(request, dict) or "inputs" not in request:
        raise ValueError('the body must be an object with "inputs"')
    inputs, truncate = request["inputs"], request.get("truncate", True)
    texts = [inputs] if isinstance(inputs, str) else inputs
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise ValueError('"inputs" must be a string or an array of strings')
    if not texts or not all(texts):
        raise ValueError('"inputs" must not be empty')
    if not isinstance(truncate, bool):
        raise ValueError('"truncate" must be true or false')
    return EmbeddingRequest(texts, truncate)


def predict_fn(request: EmbeddingRequest, model: SentenceTransformer) -> list[list[float]]:
    """Embeds the texts with the model's own modules.

    Raises:
        ValueError: for a text longer than the model takes, when it must not be truncated.
    """
    if not request.truncate:
        _refuse_long(request.inputs, model)
    return model.encode(request.inputs, convert_to_numpy=True, show_progress_bar=False).tolist()


def output_fn(prediction: list[list[float]], accept: str = JSON) -> str:  # noqa: ARG001 (only JSON is written)
    """Encodes the response as JSON."""
    return json.dumps(prediction)


def _refuse_long(texts: list[str], model: SentenceTransformer) -> None:
    limit = model.max_seq_length
    longest = max(len(ids) for ids in model.tokenizer(texts, truncation=False)["input_ids"])
    if limit is not None and longest > limit:
        raise ValueError(f'"inputs" must have at most {limit} tokens, got {longest}; send "truncate": true to cut them')
