"""Judges what the rankers returned with a model that had no part in training, so that other good documents count.

A held-out query comes with one relevant document, the one it was made from; a ranker that returns another that answers
it as well gets nothing for it. Here the best documents of all rankers are pooled and scored by the judge, and whatever
it holds about as relevant as the source document becomes relevant too.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..artifacts.documents import DocumentStore
from ..ranking.ranking_metrics import NDCG_DEPTH
from ..scoring.teachers.base import Teacher
from .evaluation_queries import TestQuery
from .rankers import QueryRankings

POOL_DEPTH = NDCG_DEPTH
"""Documents of each ranker that are judged: all that nDCG@10 looks at."""

BACKGROUND_DOCUMENTS = 10
"""Random documents scored for each query; their mean is what an irrelevant document scores."""

MAX_JUDGED_QUERIES = 300
"""Queries judged at most, a random sample: some 35 pairs each, so about 10,000 pairs, minutes on a GPU."""

FULLY_RELEVANT_SHARE = 0.95
"""Share of the way from an irrelevant document's score to the source's from which on a document is as relevant as the
source: the positive-aware threshold with which NV-Retriever (arXiv 2407.15831) tells negatives from positives."""

PARTLY_RELEVANT_SHARE = 0.8
"""Share from which on a document is partly relevant."""

FULLY_RELEVANT = 2
PARTLY_RELEVANT = 1


@dataclass(frozen=True)
class PooledQuery:
    """A query with the judge's relevance instead of the source label, and its position in the rankings."""

    position: int
    query: TestQuery


def pooled_judgements(
    queries: Sequence[TestQuery],
    rankings: QueryRankings,
    store: DocumentStore,
    rows: Sequence[int],
    judge: Teacher,
    *,
    seed: int,
) -> list[PooledQuery]:
    """Judges a sample of the held-out queries, which are the first ones of the rankings.

    A query is left out when the judge scores its source no higher than a random document: then it either is no query
    that this document answers, or the judge cannot tell.

    Args:
        rows: of the documents that were ranked.
    """
    generator = random.Random(seed)
    sample = sorted(generator.sample(range(len(queries)), min(len(queries), MAX_JUDGED_QUERIES)))
    pooled = []
    for number, position in enumerate(sample, start=1):
        query = queries[position]
        (source,) = query.relevance
        lists = rankings.of(position)
        pool = dict.fromkeys(row for ranking in lists.values() for row in ranking[:POOL_DEPTH])
        pool.pop(source, None)
        background = [
            row
            for row in generator.sample(rows, min(len(rows), BACKGROUND_DOCUMENTS))
            if row != source and row not in query.excluded and row not in pool
        ]
        documents = [source, *pool, *background]
        scores = dict(zip(documents, judge.score([(query.text, store.text(row)) for row in documents]), strict=True))
        irrelevant = sum(scores[row] for row in background) / len(background) if background else min(scores.values())
        if scores[source] > irrelevant:
            grades = graded({row: scores[row] for row in pool}, scores[source], irrelevant)
            relevance = {source: FULLY_RELEVANT, **grades}
            pooled.append(PooledQuery(position, replace(query, relevance=relevance)))
        if number % 50 == 0:
            print(f"Judged {number} of {len(sample)} queries", flush=True)
    print(f"The judge can tell the source document from others for {len(pooled)} of {len(sample)} queries", flush=True)
    return pooled


def graded(scores: dict[int, float], source: float, irrelevant: float) -> dict[int, int]:
    """Relevance of the documents that are at least partly relevant.

    Args:
        scores: the judge's, by row.
        source: its score of the source document.
        irrelevant: what it gives an irrelevant document, less than `source`.
    """
    grades = {}
    for row, score in scores.items():
        share = (score - irrelevant) / (source - irrelevant)
        if share >= FULLY_RELEVANT_SHARE:
            grades[row] = FULLY_RELEVANT
        elif share >= PARTLY_RELEVANT_SHARE:
            grades[row] = PARTLY_RELEVANT
    return grades
