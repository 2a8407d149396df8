"""Embeds texts with a model by sentence-transformers alone, as a reference for what the endpoint and OpenSearch answer.

Usage: embed_texts.py dense|sparse MODEL [MODEL ...] < texts.json > embeddings.json

Reads a JSON array of texts, writes one of objects, one for each MODEL (a folder or a hub id): the texts' embeddings as
they are (`plain`), as `query` and as `document`, the latter two with the model's prompts. A sparse encoder's embedding
is an object of words and their weights; without a prompt it takes a text for a document.
"""

import json
import sys
from typing import Any, cast

from sentence_transformers import SentenceTransformer, SparseEncoder


def embeddings(model_id: str, texts: list[str]) -> dict[str, Any]:
    model = SentenceTransformer(model_id, device="cpu")
    return {
        "plain": model.encode(texts, show_progress_bar=False).tolist(),
        "query": model.encode_query(texts, show_progress_bar=False).tolist(),
        "document": model.encode_document(texts, show_progress_bar=False).tolist(),
    }


def word_weights(model_id: str, texts: list[str]) -> dict[str, Any]:
    model = SparseEncoder(model_id, device="cpu")
    encoded = {
        "plain": model.encode(texts, prompt="", task="document", show_progress_bar=False),
        "query": model.encode_query(texts, show_progress_bar=False),
        "document": model.encode_document(texts, show_progress_bar=False),
    }
    decoded = {use: cast("list[list[tuple[str, float]]]", model.decode(each)) for use, each in encoded.items()}
    return {use: [dict(words) for words in of_texts] for use, of_texts in decoded.items()}


def main() -> None:
    texts: list[str] = json.load(sys.stdin)
    model_type, *models = sys.argv[1:]
    embed = word_weights if model_type == "sparse" else embeddings
    json.dump([embed(model, texts) for model in models], sys.stdout)


if __name__ == "__main__":
    main()
