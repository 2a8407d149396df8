"""Embeds texts with a model by sentence-transformers alone, as a reference for what the endpoint and OpenSearch answer.

Usage: embed_texts.py MODEL [MODEL ...] < texts.json > embeddings.json

Reads a JSON array of texts, writes a JSON object from each MODEL (a folder or a hub id) to its array of embeddings.
"""

import json
import sys

from sentence_transformers import SentenceTransformer


def main() -> None:
    texts: list[str] = json.load(sys.stdin)
    embeddings = {
        model: SentenceTransformer(model, device="cpu").encode(texts, show_progress_bar=False).tolist()
        for model in sys.argv[1:]
    }
    json.dump(embeddings, sys.stdout)


if __name__ == "__main__":
    main()
