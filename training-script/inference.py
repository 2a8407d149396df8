"""SageMaker inference handler with the request and response of Text Embeddings Inference.

Request: `{"inputs": "text" | ["text", ...], "truncate": true, "prompt_name": "query"}`, of which only `inputs` is
needed; response: one embedding a text, `[[...], ...]`. A sparse encoder answers with a map of words to weights a text,
`[{"word": 1.5, ...}, ...]`, as OpenSearch's neural sparse search takes it; `"prompt_name": "query"` has it treat the
texts as queries, which are looked up in a table where the encoder is inference-free. It stands alone: the training job
copies it into the model artifact as `code/inference.py`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from sentence_transformers import SentenceTransformer, SparseEncoder

JSON = "application/json"

Model = SentenceTransformer | SparseEncoder
Prediction = list[list[float]] | list[dict[str, float]]


@dataclass(frozen=True)
class EmbeddingRequest:
    """A validated request. `truncate`: cut texts that are too long, instead of refusing them.

    `prompt_name`: which of the model's prompts is put before each text; None for none.
    """

    inputs: list[str]
    truncate: bool
    prompt_name: str | None


def model_fn(model_dir: str, context: object = None) -> Model:  # noqa: ARG001 (the toolkit passes it)
    """Loads the model from the unpacked artifact, onto the GPU where there is one."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    configuration = Path(model_dir) / "config_sentence_transformers.json"
    sparse = configuration.is_file() and json.loads(configuration.read_bytes()).get("model_type") == "SparseEncoder"
    return (SparseEncoder if sparse else SentenceTransformer)(model_dir, device=device)


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
    prompt_name = request.get("prompt_name")
    if prompt_name is not None and not isinstance(prompt_name, str):
        raise ValueError('"prompt_name" must be a string')
    return EmbeddingRequest(texts, truncate, prompt_name)


def predict_fn(request: EmbeddingRequest, model: Model) -> Prediction:
    """Embeds the texts with the model's own modules.

    Raises:
        ValueError: for a prompt that the model does not have, or a text that with its prompt is longer than the model
            takes, when it must not be truncated.
    """
    prompt = _prompt(request.prompt_name, model)
    if not request.truncate:
        _refuse_long([prompt + text for text in request.inputs], model)
    if isinstance(model, SparseEncoder):
        return _word_weights(request, prompt, model)
    # An empty prompt, unlike None, also keeps a prompt away that the model's configuration makes the default.
    return model.encode(request.inputs, prompt=prompt, convert_to_numpy=True, show_progress_bar=False).tolist()


def output_fn(prediction: Prediction, accept: str = JSON) -> str:  # noqa: ARG001 (only JSON is written)
    """Encodes the response as JSON."""
    return json.dumps(prediction)


def _word_weights(request: EmbeddingRequest, prompt: str, model: SparseEncoder) -> list[dict[str, float]]:
    side = "query" if request.prompt_name == "query" else "document"
    weights = model.encode(
        request.inputs, prompt=prompt, task=side, convert_to_sparse_tensor=False, show_progress_bar=False
    )
    answer: list[dict[str, float]] = []
    for row in weights.float().cpu():
        (words,) = row.nonzero(as_tuple=True)
        answer.append(
            dict(zip(model.tokenizer.convert_ids_to_tokens(words.tolist()), row[words].tolist(), strict=True))
        )
    return answer


def _prompt(name: str | None, model: Model) -> str:
    if name is None:
        return ""
    if name not in model.prompts:
        known = ", ".join(f'"{prompt}"' for prompt in model.prompts) or "none"
        raise ValueError(f'"prompt_name" must be one of the model\'s prompts ({known}), not "{name}"')
    return model.prompts[name] or ""


def _refuse_long(texts: list[str], model: Model) -> None:
    limit = model.max_seq_length
    longest = max(len(ids) for ids in model.tokenizer(texts, truncation=False)["input_ids"])
    if limit is not None and longest > limit:
        raise ValueError(f'"inputs" must have at most {limit} tokens, got {longest}; send "truncate": true to cut them')
