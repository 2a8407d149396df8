"""Candidate negatives of a query: several rankings fused, thinned out over the ranks, without copies of the source."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..artifacts.documents import DocumentStore
from ..ranking.rank_fusion import reciprocal_rank_fusion
from ..ranking.words import words
from .shingles import shingles

CANDIDATE_DEPTH = 50
"""Documents of each ranker's list that take part; hybrid mining in CADET's recipe has as many."""

HARD_SHARE = 0.5
"""Share of a query's negatives that are its best-ranked candidates; the others are spread over the remaining ranks."""

RANDOM_SHARE = 0.1
"""Share of a query's negatives drawn from the whole corpus, so that the list's bottom is like most of it."""

NEAR_DUPLICATE_SHARE = 0.8
"""Jaccard similarity of two texts' word sequences from which on one is a near-duplicate of the other."""


@dataclass(frozen=True)
class Candidates:
    """A query's candidates as rows, best first, and the 0-based rank of its source (None: not among them)."""

    rows: list[int]
    source_rank: int | None


def fuse(rankings: Sequence[Sequence[int]], source: int) -> Candidates:
    """Fuses several lists of rows, each best first. The source is taken out and its rank kept."""
    fused = reciprocal_rank_fusion(rankings)
    if source not in fused:
        return Candidates(fused, None)
    rank = fused.index(source)
    return Candidates(fused[:rank] + fused[rank + 1 :], rank)


class NegativeChooser:
    """Chooses each query's negatives among its candidates and the whole corpus."""

    def __init__(self, store: DocumentStore, num_negatives: int, *, spread: bool, seed: int) -> None:
        """
        Args:
            num_negatives: negatives a query.
            spread: half of them best-ranked, most others spread over the deeper candidates, some random; else all
                best-ranked, as in the original.
            seed: of the random documents.
        """
        self._store = store
        self._count = num_negatives
        self._spread = spread
        self._random = random.Random(seed)

    def choose(self, source: int, candidates: Sequence[int]) -> list[int]:
        """Rows of negatives: hard ones best first, then random ones.

        No two have the same text, and none is a near-duplicate of the source. Fewer than asked for only when the corpus
        has no more texts.
        """
        kept = self._without_copies(source, candidates)
        if self._spread:
            kept = spread_over_ranks(kept, self._count - round(self._count * RANDOM_SHARE))
        chosen = kept[: self._count]
        texts = {int(self._store.text_hashes[row]) for row in (source, *chosen)}
        size = len(self._store)
        for place in self._random.sample(range(size), min(size, 2 * self._count)):
            row = self._store.row_at(place)
            text = int(self._store.text_hashes[row])
            if len(chosen) < self._count and text not in texts:
                chosen.append(row)
                texts.add(text)
        return chosen

    def _without_copies(self, source: int, candidates: Sequence[int]) -> list[int]:
        texts = {int(self._store.text_hashes[source])}
        kept = []
        for row in candidates:
            text = int(self._store.text_hashes[row])
            if text not in texts and not self._near_duplicates(source, row):
                texts.add(text)
                kept.append(row)
        return kept

    def _near_duplicates(self, first: int, second: int) -> bool:
        one, other = _shingles(self._store.text(first)), _shingles(self._store.text(second))
        smaller, larger = sorted((len(one), len(other)))
        if smaller < NEAR_DUPLICATE_SHARE * larger or smaller == 0:
            return False
        shared = len(np.intersect1d(one, other, assume_unique=True))
        return shared >= NEAR_DUPLICATE_SHARE * (len(one) + len(other) - shared)


def spread_over_ranks(rows: Sequence[int], count: int) -> list[int]:
    """`count` of a ranked list: the best ones make up HARD_SHARE, the others lie evenly over the ranks that follow."""
    if len(rows) <= count:
        return list(rows)
    hard = round(count * HARD_SHARE)
    deeper = rows[hard:]
    step = len(deeper) / (count - hard)
    return [*rows[:hard], *(deeper[int((position + 0.5) * step)] for position in range(count - hard))]


@lru_cache(maxsize=65_536)
def _shingles(text: str) -> np.ndarray:
    hashes = {hash(sequence) for sequence in shingles(words(text))}
    return np.fromiter(sorted(hashes), dtype=np.int64, count=len(hashes))
