"""Seeded corpora with the statistics that retrieval costs depend on: lengths, word frequencies, growth of the vocabulary.

Words are drawn from a Zipf-Mandelbrot distribution, lengths from a log-normal one (mean 130 words), and a third of each
document's words belong to one of its topics, so that queries have better and worse matches.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

VOCABULARY = 1_000_000
TOPICS = 2_000
WORDS_PER_TOPIC = 150
TOPICAL_SHARE = 1 / 3
MEDIAN_LENGTH, LENGTH_SIGMA, SHORTEST, LONGEST = 108, 0.6, 8, 2_000
ZIPF_EXPONENT, ZIPF_OFFSET = 1.07, 2.7
"""Usual fits for English (Mandelbrot's parameters)."""

DOCUMENTS_PER_DRAW = 10_000

FUNCTION_WORDS = "the of and to in a is that for it as was with be by on not he his but at are this have from".split()
_SYLLABLES = [c + v for c in "b d f g k l m n p r s t v z ch st tr".split() for v in "a e i o u".split()]


def word(rank: int) -> str:
    """The word of a frequency rank (0 the most frequent): frequent words are short, and no two are the same."""
    if rank < len(FUNCTION_WORDS):
        return FUNCTION_WORDS[rank]
    syllables, rest = [], rank - len(FUNCTION_WORDS)
    while True:
        rest, syllable = divmod(rest, len(_SYLLABLES))
        syllables.append(_SYLLABLES[syllable])
        if rest == 0:
            return "".join(syllables) + "n"
        rest -= 1


class SyntheticCorpus:
    """A corpus of any size; the first n documents do not depend on how many follow."""

    def __init__(self, seed: int = 1) -> None:
        self._seed = seed
        weights = 1 / (np.arange(VOCABULARY) + ZIPF_OFFSET) ** ZIPF_EXPONENT
        self._cumulative = np.cumsum(weights / weights.sum())
        self._words = np.array([word(rank) for rank in range(VOCABULARY)], dtype=object)
        generator = np.random.default_rng([seed, 0])
        # Topical words are neither function words nor so rare that no other document has them.
        self._topics = generator.integers(100, 60_000, size=(TOPICS, WORDS_PER_TOPIC))

    def texts(self, documents: int) -> Iterator[str]:
        """The first so many documents."""
        for block, start in enumerate(range(0, documents, DOCUMENTS_PER_DRAW)):
            for words in self._draw(block)[: documents - start]:
                yield " ".join(words)

    def queries(self, documents: int, queries: int) -> Iterator[tuple[int, str]]:
        """Queries of 3 to 9 words that occur in one of the first so many documents; with that document's number."""
        generator = np.random.default_rng([self._seed, 2])
        sources = np.sort(generator.integers(0, documents, size=queries))
        block, drawn = -1, []
        for source in sources.tolist():
            if source // DOCUMENTS_PER_DRAW != block:
                block = source // DOCUMENTS_PER_DRAW
                drawn = self._draw(block)
            words = drawn[source % DOCUMENTS_PER_DRAW]
            yield source, " ".join(generator.choice(words, size=min(len(words), int(generator.integers(3, 10)))))

    def write(self, path: Path, documents: int) -> None:
        """Writes the first so many documents as JSONL of the pipeline's contract."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8") as file:
            for number, text in enumerate(self.texts(documents)):
                file.write(json.dumps({"id": f"document-{number:08d}", "text": text}, ensure_ascii=False) + "\n")

    def _draw(self, block: int) -> list[np.ndarray]:
        generator = np.random.default_rng([self._seed, 1, block])
        lengths = generator.lognormal(np.log(MEDIAN_LENGTH), LENGTH_SIGMA, size=DOCUMENTS_PER_DRAW)
        lengths = np.clip(lengths, SHORTEST, LONGEST).astype(np.int64)
        total = int(lengths.sum())
        ranks = np.searchsorted(self._cumulative, generator.random(total))
        topics = np.repeat(generator.integers(0, TOPICS, size=DOCUMENTS_PER_DRAW), lengths)
        # Squaring makes the first words of a topic its commonest ones.
        positions = (generator.random(total) ** 2 * WORDS_PER_TOPIC).astype(np.int64)
        topical = generator.random(total) < TOPICAL_SHARE
        ranks[topical] = self._topics[topics[topical], positions[topical]]
        return np.split(self._words[np.minimum(ranks, VOCABULARY - 1)], np.cumsum(lengths)[:-1])
