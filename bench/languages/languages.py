"""BM25 by the words of tantivy's `simple` tokenizer and by ours, on the same book in many languages.

A section's text is a document and its title, which the text does not hold, the query that should find it.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from html import unescape
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "training-script"))

import numpy as np
import tantivy
from finetuning.ranking import bm25
from finetuning.ranking.ranking_metrics import RECALL_DEPTH, mean_metrics, query_metrics

ENGLISH = "en-US"

LEAST_CHARACTERS = 80
"""Of a section; shorter ones only introduce those below them."""

TRANSLATED_LETTERS = 0.5
"""Share of a section's first 200 characters that must differ from the English section's: much of the book is not
translated, and stands there in English."""

LEAST_SECTIONS = 10
"""Translated ones of a language; of fewer a mean says nothing."""

_TITLE = re.compile(r'<h[2-5][^>]*class="title"[^>]*>(.*?)</h[2-5]>', re.DOTALL)
_NAVIGATION = re.compile(r'<(?:div|ul) class="docnav".*', re.DOTALL)


@dataclass(frozen=True)
class Section:
    """A section of the book."""

    title: str
    text: str


def sections(book: Path) -> dict[tuple[str, str], Section]:
    """The sections of the book's pages by page and anchor, which are the same in all languages."""
    found = {}
    for page in sorted(book.glob("*.html")):
        parts = _TITLE.split(page.read_text(encoding="utf-8"))
        for heading, body in zip(parts[1::2], parts[2::2], strict=True):
            anchor = re.search(r'id="([^"]+)"', heading)
            if anchor is not None:
                title = re.sub(r"^[\d.]+\s*", "", plain(heading))
                found[page.name, anchor.group(1)] = Section(title, plain(_NAVIGATION.sub("", body)))
    return found


def plain(html: str) -> str:
    """The text of an HTML fragment."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", "", html))).strip()


def translated(book: dict[tuple[str, str], Section], english: dict[tuple[str, str], Section]) -> list[Section]:
    """The sections that are long enough and, in a translation, of which title and beginning are translated."""
    chosen = []
    for place, section in book.items():
        original = english.get(place)
        if len(section.text) < LEAST_CHARACTERS or not section.title:
            continue
        if book is not english:
            if original is None or original.title == section.title:
                continue
            pairs = list(zip(section.text[:200], original.text[:200], strict=False))
            if sum(one != other for one, other in pairs) < TRANSLATED_LETTERS * len(pairs):
                continue
        chosen.append(section)
    return chosen


def simple_terms() -> Callable[[str], list[str]]:
    """What the index had before: runs of letters and digits in lower case, without English stop words."""
    analyser = (
        tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
        .filter(tantivy.Filter.remove_long(bm25.LONGEST_TERM))
        .filter(tantivy.Filter.lowercase())
        .filter(tantivy.Filter.stopword("english"))
        .build()
    )
    return analyser.analyze


def measured(documents: list[Section], terms: Callable[[str], list[str]]) -> str:
    """Table cells: nDCG@10, recall@100, share of sources at the first rank, share of queries without a hit."""
    ours, bm25.terms = bm25.terms, terms
    try:
        rows, scores = bm25.Bm25Index(section.text for section in documents).top_k(
            [section.title for section in documents], RECALL_DEPTH
        )
    finally:
        bm25.terms = ours
    lists = [row[score > 0].tolist() for row, score in zip(rows, scores, strict=True)]
    metrics = mean_metrics([query_metrics(ranking, {source: 1}) for source, ranking in enumerate(lists)])
    first = np.mean([ranking[:1] == [source] for source, ranking in enumerate(lists)])
    without = np.mean([not ranking for ranking in lists])
    return f"{metrics.ndcg_at_10:.3f} | {metrics.recall_at_100:.3f} | {first:.3f} | {without:.3f}"


def main() -> None:
    """Prints a row a language and kind of words."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("handbook", type=Path, help="folder with a folder of HTML pages a language")
    parser.add_argument("languages", nargs="+")
    arguments = parser.parse_args()
    english = sections(arguments.handbook / ENGLISH)
    print("| language | sections | words | nDCG@10 | Recall@100 | first rank | no hit |")
    print("|---|---:|---|---:|---:|---:|---:|")
    for language in arguments.languages:
        book = english if language == ENGLISH else sections(arguments.handbook / language)
        documents = translated(book, english)
        if len(documents) < LEAST_SECTIONS:
            print(f"{language} is left out: {len(documents)} sections are translated", file=sys.stderr, flush=True)
            continue
        for name, terms in (("simple", simple_terms()), ("ours", bm25.terms)):
            print(f"| {language} | {len(documents)} | {name} | {measured(documents, terms)} |", flush=True)


if __name__ == "__main__":
    main()
