"""Stage 3's search for lexical negatives, against the corpus in Python lists and bm25s as it comes.

Each works through the documents once and then answers the queries: with more queries than here the ratio grows.
"""

from __future__ import annotations

import json
import random
import sys
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "training-script"))

from finetuning.artifacts.documents import DocumentStore
from finetuning.ranking.bm25 import Bm25Index
from python_benchmark import Variant, Work, benchmark

QUERIES = 5_000
NEGATIVES = 20
MARGIN = 5
"""Candidates beyond NEGATIVES, to make up for the source (as in the original, see docs/quality.md)."""

LEAST_OVERLAP = 0.8
"""Of the lists; below it the two are no longer the same ranking function."""


@dataclass(frozen=True)
class Task:
    """A corpus, and queries with the ids of the documents that they were made from."""

    corpus: Path
    queries: list[str]
    source_ids: list[str]


def prepare(documents: int, corpus: Path) -> Task:
    """Makes queries of 3 to 9 words of documents spread over the corpus."""
    generator = random.Random(1)
    wanted = set(generator.sample(range(documents), min(QUERIES, documents)))
    queries, ids = [], []
    with corpus.open("rb") as lines:
        for number, line in enumerate(lines):
            if number in wanted:
                document = json.loads(line)
                words = document["text"].replace(".", "").split()
                queries.append(" ".join(generator.sample(words, min(len(words), generator.randint(3, 9)))))
                ids.append(document["id"])
    return Task(corpus, queries, ids)


def baseline(task: Task) -> Work:
    """All documents in lists, tokenised in Python, one score array of the corpus's length a query."""
    import bm25s

    with task.corpus.open(encoding="utf-8") as lines:
        documents = [json.loads(line) for line in lines]
    ids = [document["id"] for document in documents]
    index = bm25s.BM25()
    index.index(
        bm25s.tokenize([document["text"] for document in documents], stopwords="en", show_progress=False),
        show_progress=False,
    )
    tokens = bm25s.tokenize(task.queries, stopwords="en", show_progress=False)
    found, _ = index.retrieve(tokens, k=NEGATIVES + MARGIN, show_progress=False)
    negatives = [
        [ids[row] for row in rows if ids[row] != source][:NEGATIVES]
        for rows, source in zip(found.tolist(), task.source_ids, strict=True)
    ]
    return Work(len(documents), "documents", negatives)


def ours(task: Task) -> Work:
    """The store and the index of the mining stage."""
    store = DocumentStore([task.corpus])
    found, scores = Bm25Index(store.texts()).top_k(task.queries, NEGATIVES + MARGIN)
    negatives = []
    for rows, row_scores, source in zip(found.tolist(), scores.tolist(), task.source_ids, strict=True):
        hits = [store.document(row).id for row, score in zip(rows, row_scores, strict=True) if score > 0]
        negatives.append([id_ for id_ in hits if id_ != source][:NEGATIVES])
    return Work(len(store), "documents", negatives)


def compare(expected: list[list[str]], found: list[list[str]]) -> str:
    """How many of the baseline's negatives were found."""
    shared = [len(set(a) & set(b)) / len(a) for a, b in zip(expected, found, strict=True) if a]
    first = [a[0] == b[0] for a, b in zip(expected, found, strict=True) if a and b]
    overlap = sum(shared) / len(shared)
    if overlap < LEAST_OVERLAP:
        raise ValueError(f"only {overlap:.0%} of the baseline's negatives were found")
    return (
        f"{len(found):,} queries; {overlap:.1%} of bm25s' first {NEGATIVES}, the same first one for "
        f"{sum(first) / len(first):.1%}"
    )


if __name__ == "__main__":
    benchmark("mining", {"baseline": Variant(prepare, baseline), "ours": Variant(prepare, ours)}, compare)
