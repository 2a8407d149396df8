"""BM25 with tantivy: an index on disk that all cores build and search, so that memory hardly grows with the corpus.

The scoring function is Lucene's, and so OpenSearch's: k1 1.2, b 0.75, lengths rounded to a byte. The terms are those of
words.py. docs/scaling.md compares it with bm25s, which the original pipeline uses (k1 1.5, exact lengths).
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import tantivy

from .words import terms

QUERIES_PER_TASK = 64
"""Searched by one core at a time."""

WRITER_BYTES_PER_THREAD = 64_000_000
"""Postings that a core gathers in memory before it writes them to disk."""

MOST_WRITERS = 8
"""More do not index faster, as one thread hands them the documents."""

MOST_TIED = 1024
"""Documents of equal score that are fetched to see which comes first in the corpus."""

SCORE_DECIMALS = 4
"""Scores that are equal to so many decimals are ties: the order in which a sum was made shows in the digits beyond."""

LONGEST_TERM = 255
"""Bytes; OpenSearch's `standard` analyzer cuts words there."""

MOST_WITHOUT_A_HIT = 0.2
"""Share of the queries that may have no term in common with any document, and BM25 still be used. Of the Debian
handbook's titles at most 4 % have none, in each language of which 50 sections are translated (bench/languages). Where a
fifth has none, queries and documents are of different languages or kinds, and what the others match is chance."""

_ANALYSER = "terms"
_TEXT = "text"
_POSITION = "position"


def is_of_use(found: np.ndarray) -> bool:
    """Whether BM25 found anything for enough of the queries; `found` has a truth value for each."""
    return bool(np.count_nonzero(~found) <= MOST_WITHOUT_A_HIT * len(found))


class Bm25Index:
    """A BM25 index over a stream of texts; documents are addressed by their position in it.

    It lies in a temporary folder that goes with the object.
    """

    def __init__(
        self, texts: Iterable[str], *, tie_order: np.ndarray | None = None, threads: int | None = None
    ) -> None:
        """Indexes the texts, which are read once and not kept.

        Args:
            tie_order: of equal scores, the document with the lower number here comes first; None: by position.
            threads: cores to use, here and by `top_k`; None for all.
        """
        self._threads = threads or len(os.sched_getaffinity(0))
        self._tie_order = tie_order
        self._folder = tempfile.TemporaryDirectory(prefix="bm25-")
        schema = tantivy.SchemaBuilder()
        schema.add_text_field(_TEXT, stored=False, tokenizer_name=_ANALYSER, index_option="freq")
        schema.add_integer_field(_POSITION, fast=True)
        self._schema = schema.build()
        index = tantivy.Index(self._schema, path=self._folder.name)
        between_spaces = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace())
        index.register_tokenizer(_ANALYSER, between_spaces.filter(tantivy.Filter.remove_long(LONGEST_TERM)).build())
        writers = min(self._threads, MOST_WRITERS)
        writer = index.writer(heap_size=writers * WRITER_BYTES_PER_THREAD, num_threads=writers)
        self.size = 0
        for text in texts:
            document = tantivy.Document()
            document.add_text(_TEXT, " ".join(terms(text)))
            document.add_integer(_POSITION, self.size)
            writer.add_document(document)
            self.size += 1
        writer.commit()
        writer.wait_merging_threads()
        index.reload()
        self._searcher = index.searcher()

    def top_k(self, queries: Sequence[str], k: int) -> tuple[np.ndarray, np.ndarray]:
        """The best documents of each query.

        Args:
            queries: texts; terms that no document has are ignored.
            k: list length, cut to the size of the index.

        Returns:
            Positions (int64) and scores (float32), both of shape (len(queries), k), best first, equal scores in the
            order for ties. A document that shares no term with the query has score 0.
        """
        k = min(k, self.size)
        rows = np.zeros((len(queries), k), dtype=np.int64)
        scores = np.zeros((len(queries), k), dtype=np.float32)

        def search(start: int) -> None:
            for number in range(start, min(start + QUERIES_PER_TASK, len(queries))):
                found = self._hits(queries[number], k)
                for place, (score, row) in enumerate(found):
                    rows[number, place], scores[number, place] = row, score
                if len(found) < k:
                    hits = {row for _, row in found}
                    others = (row for row in range(self.size) if row not in hits)
                    rows[number, len(found) :] = [next(others) for _ in range(k - len(found))]

        if k > 0:
            with ThreadPoolExecutor(self._threads) as pool:
                list(pool.map(search, range(0, len(queries), QUERIES_PER_TASK)))
        return rows, scores

    def _hits(self, query: str, k: int) -> list[tuple[float, int]]:
        """Score and position of the k best documents that share a term with the query."""
        wanted = [tantivy.Query.term_query(self._schema, _TEXT, term, "freq") for term in terms(query)]
        disjunction = tantivy.Query.boolean_query([(tantivy.Occur.Should, term) for term in wanted])
        limit = k + 1
        while True:
            hits = self._searcher.search(disjunction, limit, count=False).hits
            # tantivy breaks ties by place in the index, which depends on the threads' timing.
            tied = len(hits) == limit and round(hits[k - 1][0], SCORE_DECIMALS) == round(hits[-1][0], SCORE_DECIMALS)
            if not tied or limit >= k + MOST_TIED:
                break
            limit = min(4 * limit, k + MOST_TIED)
        rows = self._searcher.fast_field_values(_POSITION, [address for _, address in hits])
        found = [(score, int(row)) for (score, _), row in zip(hits, rows, strict=True) if row is not None]
        order = self._tie_order
        return sorted(
            found, key=lambda hit: (-round(hit[0], SCORE_DECIMALS), hit[1] if order is None else order[hit[1]])
        )[:k]
