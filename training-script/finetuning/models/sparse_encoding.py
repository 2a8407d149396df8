"""Sparse encoders: models that weigh the words of a vocabulary, so that an inverted index can hold their vectors.

A document encoder is a masked language model whose logits become weights (SPLADE). Queries go through the same model,
or, in an inference-free encoder, are looked up in a table of weights (IDF).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from sentence_transformers import SparseEncoder
from sentence_transformers.base.modules import Router
from sentence_transformers.sparse_encoder.modules import SparseStaticEmbedding, SpladePooling

from ..artifacts.documents import DocumentStore
from ..artifacts.environment import JobError
from .batching import token_budget_batches
from .embedding import (
    CHARACTERS_PER_TOKEN,
    DOCUMENTS_PER_BLOCK,
    NearestDocuments,
    inference_mode,
    limit_length,
    naming_model,
    slices,
    token_counts,
)
from .prompts import Side, prompt_of, set_family_prompts

TOKENS_PER_BATCH = 4_096
"""Padded tokens of one forward pass. Each has a logit for every word of the vocabulary: half a gigabyte in fp32."""

QUERIES_PER_PRODUCT = 512
"""Queries that are multiplied with the documents at a time: as dense columns over the vocabulary, 62 MB."""


@dataclass(frozen=True)
class ActiveDimensions:
    """How many words a sparse encoder gives a weight, on a set of queries and documents."""

    of_queries: float
    """Mean over the queries."""
    of_documents: float
    """Mean over the documents."""
    in_common: float
    """Words that a query and a document share, mean over all pairs."""


def load_sparse_encoder(
    model_id: str,
    *,
    max_seq_length: int | None,
    device: str,
    revision: str | None = None,
    trust_remote_code: bool = False,
) -> SparseEncoder:
    """Loads a sparse encoder by Hugging Face id or local folder, inference-free for queries where it is made so.

    Args:
        max_seq_length: tokens to cut texts at, where the model takes that many; None for the model's own limit.
        trust_remote_code: run code that comes with the model. Only when the user asks for it.

    Raises:
        JobError: when the model cannot be loaded, or is none whose dimensions are words.
    """
    with naming_model(model_id):
        model = SparseEncoder(model_id, device=device, revision=revision, trust_remote_code=trust_remote_code)
    # sentence-transformers gives a model without a head for words an autoencoder, whose dimensions have no names.
    if not any(isinstance(module, SpladePooling) for module in model.modules()):
        raise JobError(
            f"The model {model_id} is no sparse encoder: it does not weigh the words of a vocabulary. With model_type "
            "sparse, set base_model_id to one, for example opensearch-project/opensearch-neural-sparse-encoding-doc-"
            "v3-distill, or set model_type to dense."
        )
    set_family_prompts(model, model_id)
    limit_length(model, max_seq_length)
    return model


def is_inference_free(model: SparseEncoder) -> bool:
    """Whether queries are looked up in a table instead of going through a transformer."""
    first = model[0]
    if not isinstance(first, Router):
        return False
    queries = first.sub_modules["query"]
    return isinstance(queries, torch.nn.Sequential) and isinstance(queries[0], SparseStaticEmbedding)


def encode_sparse(model: SparseEncoder, texts: Sequence[str], side: Side) -> torch.Tensor:
    """The texts' weights, with the model's prompt for this side before each text.

    Returns:
        Coalesced sparse float32 tensor of shape (len(texts), vocabulary) on the CPU.
    """
    if not texts:
        raise ValueError("there is no text to encode")
    limit = model.max_seq_length or 8192
    cut = [text[: limit * CHARACTERS_PER_TOKEN] for text in texts]
    places, weights, vocabulary = [], [], 0
    with inference_mode(str(model.device)):
        for batch in token_budget_batches(token_counts(model, cut, limit), TOKENS_PER_BATCH):
            encoded = model.encode(
                [cut[position] for position in batch],
                prompt=prompt_of(model, side) or None,
                task=side,
                batch_size=len(batch),
                convert_to_sparse_tensor=False,
                show_progress_bar=False,
            )
            vocabulary = encoded.shape[1]
            rows, words = encoded.nonzero(as_tuple=True)
            weights.append(encoded[rows, words].float().cpu())
            places.append(torch.stack([torch.tensor(batch)[rows.cpu()], words.cpu()]))
    shape = (len(texts), vocabulary)
    return torch.sparse_coo_tensor(
        torch.cat(places, dim=1), torch.cat(weights), shape, check_invariants=True
    ).coalesce()


def rank_sparse(
    model: SparseEncoder,
    queries: Sequence[str],
    store: DocumentStore,
    rows: Sequence[int],
    depth: int,
    *,
    documents_per_block: int = DOCUMENTS_PER_BLOCK,
    quiet: bool = False,
) -> tuple[np.ndarray, ActiveDimensions]:
    """Exact best documents by dot product, as an inverted index finds them: those that share no word are not found.

    Goes block by block, so that memory does not grow with the corpus.

    Args:
        rows: rows of the store to rank.
        depth: list length, cut to the number of rows.
        quiet: say nothing about progress.

    Returns:
        Rows of the store (int64) of shape (len(queries), depth), best first, -1 where no more are found; and how many
        dimensions the vectors had.
    """
    query_vectors = encode_sparse(model, queries, "query").to(model.device)
    nearest = NearestDocuments(len(queries), min(depth, len(rows)), model.device)
    documents_by_word = torch.zeros(query_vectors.shape[1], dtype=torch.int64)
    for start in range(0, len(rows), documents_per_block):
        block = rows[start : start + documents_per_block]
        encoded = encode_sparse(model, [store.text(row) for row in block], "document")
        documents_by_word += _texts_by_word(encoded)
        documents = encoded.to(model.device)
        for chosen in slices(len(queries), QUERIES_PER_PRODUCT):
            numbers = torch.arange(chosen.start, chosen.stop, device=model.device)
            columns = query_vectors.index_select(0, numbers).to_dense().T
            nearest.offer(chosen, start, torch.sparse.mm(documents, columns).T)
        if not quiet:
            print(f"Encoded {start + len(block)} of {len(rows)} documents", flush=True)
    found = np.where(nearest.scores() > 0, np.asarray(rows, dtype=np.int64)[nearest.positions()], -1)
    queries_by_word = _texts_by_word(query_vectors.cpu())
    in_common = (queries_by_word.double() / len(queries)) @ (documents_by_word.double() / len(rows))
    return found, ActiveDimensions(
        of_queries=queries_by_word.sum().item() / len(queries),
        of_documents=documents_by_word.sum().item() / len(rows),
        in_common=in_common.item(),
    )


def _texts_by_word(encoded: torch.Tensor) -> torch.Tensor:
    """How many of the texts give each word a weight."""
    return torch.bincount(encoded.indices()[1], minlength=encoded.shape[1])
