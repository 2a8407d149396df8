"""Embeds texts with a model by sentence-transformers alone, as a reference for what the endpoint and OpenSearch answer.

Usage: embed_texts.py MODEL [MODEL ...] < texts.json > embeddings.json

Reads a JSON array of texts, writes one of objects, one for each MODEL (a folder or a hub id): the texts' embeddings as
they are (`plain`), as `query` and as `document`, the latter two with the model's prompts.
"""

import json
import sys

from sentence_transformers import SentenceTransformer


def embeddings(model_id: str, texts: list[str]) -> dict[str, list[list[float]]]:
    model = SentenceTransformer(model_id, device="cpu")
    return {
        "plain": model.encode(texts, show_progress_bar=False).tolist(),
        "query": model.encode_query(texts, show_progress_bar=False).tolist(),
        "document": model.encode_document(texts, show_progress_bar=False).tolist(),
    }


def main() -> None:
    texts: list[str] = json.load(sys.stdin)
    json.dump([embeddings(model, texts) for model in sys.argv[1:]], sys.stdout)


if __name__ == "__main__":
    main()
