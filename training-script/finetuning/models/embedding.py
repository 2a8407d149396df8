"""Loading embedding models and ranking with them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from sentence_transformers import SentenceTransformer, SparseEncoder

from ..artifacts.documents import DocumentStore
from ..artifacts.environment import JobError
from .batching import token_budget_batches
from .prompts import document_prompt, query_prompt, set_family_prompts

TOKENS_PER_BATCH = 16_384

CHARACTERS_PER_TOKEN = 12
"""Text beyond max_seq_length times this is cut before tokenising; in no language are tokens longer on average."""

DOCUMENTS_PER_BLOCK = 16_384
"""Documents whose embeddings are in memory at a time while ranking."""

QUERIES_PER_PRODUCT = 4_096
"""With DOCUMENTS_PER_BLOCK, cosines of 256 MB at a time."""


def load_embedding_model(
    model_id: str,
    *,
    max_seq_length: int | None,
    device: str,
    revision: str | None = None,
    trust_remote_code: bool = False,
) -> SentenceTransformer:
    """Loads a model by Hugging Face id or local folder, with the prompts of its family.

    Args:
        max_seq_length: tokens to cut texts at, where the model takes that many; None for the model's own limit.
        trust_remote_code: run code that comes with the model. Only when the user asks for it.
    """
    with naming_model(model_id):
        model = SentenceTransformer(model_id, device=device, revision=revision, trust_remote_code=trust_remote_code)
    set_family_prompts(model, model_id)
    limit_length(model, max_seq_length)
    return model


def limit_length(model: SentenceTransformer | SparseEncoder, max_seq_length: int | None) -> None:
    """Has the model cut texts at so many tokens, or at as many as it takes when those are fewer or none are given."""
    own_limit = model.max_seq_length
    if max_seq_length is not None:
        model.max_seq_length = min(max_seq_length, own_limit) if own_limit else max_seq_length


@contextlib.contextmanager
def naming_model(model_id: str) -> Iterator[None]:
    """Turns a model that cannot be found, which the libraries report at length and without its name, into one sentence.

    Raises:
        JobError: naming the model and what to check.
    """
    try:
        yield
    except OSError as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise JobError(
            f"The model {model_id} could not be loaded. Check that base_model_id and teacher_model_id name models of "
            f"the Hugging Face Hub, and that the job reaches the Hub. ({reason})"
        ) from error


def default_device() -> str:
    """`cuda` where there is a GPU, else `cpu`."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def supports_bf16(device: str) -> bool:
    """Whether the device computes faster in bf16: Ampere GPUs and later, CPUs with AMX.

    AVX512_BF16 alone is not enough: a training step then takes 1.9 times, an embedding 1.6 times the CPU time of fp32.
    """
    if device.startswith("cuda"):
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return device == "cpu" and torch.cpu._is_amx_tile_supported()


@contextlib.contextmanager
def inference_mode(device: str) -> Iterator[None]:
    """No gradients, and bf16 autocast where the device is faster with it."""
    autocast = (
        torch.autocast(device.split(":")[0], dtype=torch.bfloat16)
        if supports_bf16(device)
        else contextlib.nullcontext()
    )
    with torch.inference_mode(), autocast:
        yield


def embed(
    model: SentenceTransformer, texts: Sequence[str], *, prompt: str = "", tokens_per_batch: int = TOKENS_PER_BATCH
) -> torch.Tensor:
    """Unit-length embeddings of the texts.

    Args:
        prompt: put before each text.
        tokens_per_batch: padded tokens of one forward pass.

    Returns:
        float32 tensor of shape (len(texts), dimension) on the CPU.
    """
    limit = model.max_seq_length or 8192
    cut = [text[: limit * CHARACTERS_PER_TOKEN] for text in texts]
    lengths = token_counts(model, cut, limit)
    embeddings: torch.Tensor | None = None
    with inference_mode(str(model.device)):
        for batch in token_budget_batches(lengths, tokens_per_batch):
            encoded = model.encode(
                [cut[position] for position in batch],
                prompt=prompt or None,
                batch_size=len(batch),
                convert_to_tensor=True,
                show_progress_bar=False,
            )
            encoded = torch.nn.functional.normalize(encoded.float(), dim=-1).cpu()
            if embeddings is None:
                embeddings = torch.empty((len(texts), encoded.shape[1]))
            embeddings[batch] = encoded
    if embeddings is None:
        raise ValueError("there is no text to embed")
    return embeddings


def rank_dense(
    model: SentenceTransformer,
    queries: Sequence[str],
    store: DocumentStore,
    rows: Sequence[int],
    depth: int,
    *,
    documents_per_block: int = DOCUMENTS_PER_BLOCK,
    quiet: bool = False,
) -> np.ndarray:
    """Exact nearest documents by cosine, each text with the model's prompt before it.

    Goes block by block, so that memory does not grow with the corpus.

    Args:
        rows: rows of the store to rank.
        depth: list length, cut to the number of rows.
        quiet: say nothing about progress.

    Returns:
        Rows of the store (int64) of shape (len(queries), depth), best first; of equal cosines the earlier in `rows`
        first, except that which of them are the last in a list is chance.
    """
    query_vectors = embed(model, queries, prompt=query_prompt(model)).to(model.device)
    nearest = NearestDocuments(len(queries), min(depth, len(rows)), model.device)
    for start in range(0, len(rows), documents_per_block):
        block = rows[start : start + documents_per_block]
        documents = embed(model, [store.text(row) for row in block], prompt=document_prompt(model)).to(model.device)
        for chosen in slices(len(queries), QUERIES_PER_PRODUCT):
            with _tensor_cores():
                cosines = query_vectors[chosen] @ documents.T
            nearest.offer(chosen, start, cosines)
        if not quiet:
            print(f"Embedded {start + len(block)} of {len(rows)} documents", flush=True)
    return np.asarray(rows, dtype=np.int64)[nearest.positions()]


def slices(count: int, step: int) -> Iterator[slice]:
    """Consecutive slices of at most `step` items that make up `count`."""
    return (slice(start, min(start + step, count)) for start in range(0, count, step))


class NearestDocuments:
    """The nearest documents of each query among those offered so far: exact, in memory that does not grow with them."""

    def __init__(self, queries: int, depth: int, device: torch.device) -> None:
        """
        Args:
            queries: how many there are.
            depth: documents to keep for each query.
            device: computes, and holds the lists.
        """
        self._scores = torch.full((queries, depth), -torch.inf, device=device)
        self._positions = torch.full((queries, depth), -1, dtype=torch.int64, device=device)

    def offer(self, chosen: slice, first: int, offered: torch.Tensor) -> None:
        """Ranks further documents for some of the queries.

        Args:
            chosen: which queries.
            first: number of the first document offered.
            offered: their similarities, shape (queries chosen, documents offered).
        """
        depth = self._scores.shape[1]
        scores, columns = offered.topk(min(depth, offered.shape[1]), dim=1)
        scores = torch.cat([self._scores[chosen], scores], dim=1)
        positions = torch.cat([self._positions[chosen], columns + first], dim=1)
        # Stable, so by position where scores are equal.
        by_position = positions.argsort(dim=1)
        scores, positions = scores.gather(1, by_position), positions.gather(1, by_position)
        order = scores.argsort(dim=1, descending=True, stable=True)[:, :depth]
        self._scores[chosen], self._positions[chosen] = scores.gather(1, order), positions.gather(1, order)

    def positions(self) -> np.ndarray:
        """Numbers of the nearest documents (int64), nearest first."""
        return self._positions.cpu().numpy()

    def scores(self) -> np.ndarray:
        """The similarities of `positions`."""
        return self._scores.cpu().numpy()


@contextlib.contextmanager
def _tensor_cores() -> Iterator[None]:
    """fp32 products on a GPU's tensor cores: TF32 rounds the factors as fp16 does, but not the cosines."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def token_counts(model: SentenceTransformer | SparseEncoder, texts: Sequence[str], limit: int) -> list[int]:
    """Tokens of each text, at most `limit`."""
    encoded = model.tokenizer(list(texts), truncation=True, max_length=limit, return_attention_mask=False)
    return [len(ids) for ids in encoded["input_ids"]]
