import json
import math
import random
from pathlib import Path

import bm25s
import pytest
from finetuning.ranking.bm25 import Bm25Index

FACTS = json.loads((Path(__file__).parent / "facts.json").read_text(encoding="utf-8"))
"""Of each language a text and a query with a thing and a place in them: a hundred documents, each with its query."""


def corpus(words, size, seed=0):
    """Texts over 2,000 words of very different frequency, as in a language."""
    generator = random.Random(seed)
    vocabulary = [f"{first}{second}" for first in words for second in words][:2000]
    weights = [1 / (rank + 3) for rank in range(len(vocabulary))]
    return [" ".join(generator.choices(vocabulary, weights, k=generator.randint(10, 150))) for _ in range(size)]


def test_scores_are_lucenes():
    # 40 words and fewer are lengths that the rounding to a byte keeps.
    texts = ["copper bridge", "copper copper river " + "market " * 7, "garden", "bridge " * 12 + "river"]
    words = [text.split() for text in texts]
    mean = sum(map(len, words)) / len(words)

    def score(query, document):
        total = 0.0
        for word in query:
            holding = sum(word in other for other in words)
            idf = math.log(1 + (len(words) - holding + 0.5) / (holding + 0.5))
            frequency = document.count(word)
            total += idf * frequency * 2.2 / (frequency + 1.2 * (0.25 + 0.75 * len(document) / mean))
        return total

    for query in ("river", "the copper bridge", "bridge bridge river"):
        rows, scores = Bm25Index(texts).top_k([query], 4)
        expected = [score(query.split(), document) for document in words]
        assert scores[0].tolist() == pytest.approx(sorted(expected, reverse=True), rel=1e-4)
        assert [expected[row] for row in rows[0]] == pytest.approx(sorted(expected, reverse=True), rel=1e-4)


def test_it_finds_what_bm25s_finds(words):
    texts = corpus(words, 3000)
    generator = random.Random(1)
    queries = [" ".join(generator.sample(generator.choice(texts).split(), 5)) for _ in range(60)]
    reference = bm25s.BM25()
    reference.index(bm25s.tokenize(texts, stopwords=[], show_progress=False), show_progress=False)
    tokens = bm25s.tokenize(queries, stopwords=[], show_progress=False)
    expected, _ = reference.retrieve(tokens, k=20, show_progress=False)
    found, _ = Bm25Index(texts).top_k(queries, 20)
    shared = [len(set(a) & set(b)) / 20 for a, b in zip(expected.tolist(), found.tolist(), strict=True)]
    assert sum(shared) / len(shared) > 0.85
    assert sum(a[0] == b[0] for a, b in zip(expected.tolist(), found.tolist(), strict=True)) > 0.8 * len(queries)


def test_threads_do_not_change_the_lists(words):
    texts = [*corpus(words, 500), *(["copper bridge"] * 300)]
    queries = [*corpus(words, 20, seed=1), "copper bridge"]
    one_rows, one_scores = Bm25Index(texts, threads=1).top_k(queries, 30)
    for _ in range(3):
        rows, scores = Bm25Index(texts, threads=4).top_k(queries, 30)
        assert rows.tolist() == one_rows.tolist()
        assert scores.ravel().tolist() == pytest.approx(one_scores.ravel().tolist())
    assert one_rows[-1].tolist() == list(range(500, 530))


def test_lists_are_filled_up_with_documents_of_score_zero():
    index = Bm25Index(["river bridge", "copper", "river", "garden"])
    rows, scores = index.top_k(["river", "", "absent words"], 10)
    assert rows.tolist() == [[2, 0, 1, 3], [0, 1, 2, 3], [0, 1, 2, 3]]
    assert (scores > 0).tolist() == [[True, True, False, False], [False] * 4, [False] * 4]


def test_words_of_any_script_and_case():
    index = Bm25Index(["Größe der Straße", "東京 タワー", "ΟΔΟΣ", "x" * 5000])
    for query, row in (("STRASSE größe", 0), ("タワー", 1), ("οδοσ", 2)):
        assert index.top_k([query], 1)[0].tolist() == [[row]]


@pytest.mark.parametrize("language", FACTS)
def test_a_querys_source_comes_first_whatever_the_language(language):
    facts = FACTS[language]
    pairs = [{"thing": thing, "place": place} for thing in facts["things"] for place in facts["places"]]
    texts = [facts["text"].format(**pair) for pair in pairs]
    queries = [facts["query"].format(**pair) for pair in pairs]
    rows, scores = Bm25Index(texts).top_k(queries, 19)
    assert rows[:, 0].tolist() == list(range(100))
    assert (scores[:, 0] > scores[:, 1]).all()
    # What follows shares the thing or the place, or a character of them: these are the hard negatives.
    related = [
        row // 10 == source // 10 or row % 10 == source % 10
        for source, others in enumerate(rows[:, 1:].tolist())
        for row in others
    ]
    assert sum(related) >= 0.95 * len(related)


def test_an_empty_index_finds_nothing():
    rows, scores = Bm25Index([]).top_k(["river"], 5)
    assert rows.shape == scores.shape == (1, 0)
