"""Instructions that an embedding model expects before a text: other ones before queries than before documents."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Literal

from sentence_transformers import SentenceTransformer, SparseEncoder

QUERY = "query"
DOCUMENT = "document"
Side = Literal["query", "document"]
"""What a text is to the model."""

_DOCUMENT_NAMES = (DOCUMENT, "passage", "corpus")

_PROMPTS_BY_MODEL = (
    (re.compile(r"bge-(small|base|large)-en"), "Represent this sentence for searching relevant passages: ", ""),
    (re.compile(r"bge-(small|base|large)-zh"), "为这个句子生成表示以用于检索相关文章：", ""),  # noqa: RUF001 (the model's own colon)
    (re.compile(r"(^|/)(multilingual-)?e5-(small|base|large)"), "query: ", "passage: "),
    (re.compile(r"nomic-embed-text"), "search_query: ", "search_document: "),
)
"""Prompts of model families that expect them without naming them in their configuration (from their model cards)."""


def set_family_prompts(model: SentenceTransformer | SparseEncoder, model_id: str) -> None:
    """Gives a model its family's prompts, unless its own configuration names some; they are saved with the model.

    No prompt remains the default one: Text Embeddings Inference knows none, so that what is embedded without naming a
    prompt has none anywhere.
    """
    query, document = query_prompt(model), document_prompt(model)
    if not query and not document:
        for family, family_query, family_document in _PROMPTS_BY_MODEL:
            if family.search(model_id):
                query, document = family_query, family_document
                break
    model.prompts = {**model.prompts, QUERY: query, DOCUMENT: document}
    model.default_prompt_name = None


def query_prompt(model: SentenceTransformer | SparseEncoder) -> str:
    """What is put before a query; empty for nothing."""
    return model.prompts.get(QUERY) or ""


def document_prompt(model: SentenceTransformer | SparseEncoder) -> str:
    """What is put before a document; empty for nothing."""
    return next((prompt for name in _DOCUMENT_NAMES if (prompt := model.prompts.get(name))), "")


def prompt_of(model: SentenceTransformer | SparseEncoder, side: Side) -> str:
    """What is put before a text of this side; empty for nothing."""
    return query_prompt(model) if side == QUERY else document_prompt(model)


def saved_prompts(folder: Path) -> tuple[str, str]:
    """The prompts of a saved model before queries and before documents, by the names that serving calls them."""
    file = folder / "config_sentence_transformers.json"
    prompts = json.loads(file.read_bytes()).get("prompts", {}) if file.is_file() else {}
    return prompts.get(QUERY) or "", prompts.get(DOCUMENT) or ""
