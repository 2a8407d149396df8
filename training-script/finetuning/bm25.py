"""BM25 with bm25s: its defaults, as in the original pipeline (Lucene's variant, k1 1.5, b 0.75, English stop words)."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Sequence
from typing import cast

import bm25s
import numpy as np
from bm25s.tokenization import Tokenizer

QUERIES_PER_CALL = 1024
"""Bounds the memory of one retrieval call."""


class Bm25Index:
    """A BM25 index over a stream of texts; documents are addressed by their position in it."""

    def __init__(self, texts: Iterable[str]) -> None:
        """Tokenises and indexes the texts; only their token ids are held in memory."""
        self._tokenizer = Tokenizer(stopwords="en")
        # Any iterable is streamed, whatever bm25s declares.
        token_ids = list(self._tokenizer.streaming_tokenize(cast("list[str]", texts)))
        self.size = len(token_ids)
        # numba makes retrieval several times faster; bm25s falls back to numpy without it.
        self._index = bm25s.BM25(backend="numba" if importlib.util.find_spec("numba") else "numpy")
        self._index.index((token_ids, self._tokenizer.get_vocab_dict()), show_progress=False)

    def top_k(self, queries: Sequence[str], k: int) -> tuple[np.ndarray, np.ndarray]:
        """The best documents of each query.

        Args:
            queries: texts; words that no document has are ignored.
            k: list length, cut to the size of the index.

        Returns:
            Positions (int64) and scores (float32), both of shape (len(queries), k), best first. A document that shares
            no word with the query has score 0.
        """
        k = min(k, self.size)
        rows = np.zeros((len(queries), k), dtype=np.int64)
        scores = np.zeros((len(queries), k), dtype=np.float32)
        for start in range(0, len(queries), QUERIES_PER_CALL):
            batch = queries[start : start + QUERIES_PER_CALL]
            token_ids = list(self._tokenizer.streaming_tokenize(list(batch), update_vocab="never"))
            found, found_scores = self._index.retrieve(token_ids, k=k, show_progress=False)
            rows[start : start + len(batch)] = found
            scores[start : start + len(batch)] = found_scores
        return rows, scores
