"""Which generated queries are of no use: too short or long, copies of their passage, and the same query again."""

from __future__ import annotations

import regex

from ..ranking.words import folded, is_part_of_a_clause, width, words
from .shingles import shingles

SHORTEST_QUERY = 3
"""Columns: three letters or two ideographs."""

LONGEST_QUERY = 512
"""Columns; longer answers are passages, not queries."""

COPY_LENGTH = 120
"""Columns from which on a query that its passage holds is a copy: shorter ones are titles and terms."""

COPY_SHARE = 0.9
"""Share of a query's word sequences in the passage from which on it is a copy of it."""

_APOSTROPHE = regex.compile(r"[\u2018\u2019\u02BC]")
_QUOTES_AND_BRACKETS = regex.compile(r"[\p{Ps}\p{Pe}\p{Pi}\p{Pf}\"`¿¡]|(?<!\w)'|'(?!\w)")
_ENDS = regex.compile(r"[\p{Terminal_Punctuation}…·・]++(?![\p{L}\p{N}&&[^\p{Han}\p{Hiragana}\p{Katakana}]])", regex.V1)
"""Punctuation that ends something. Before a letter or a digit it is part of a word: `.NET`, `1.10`."""

_HYPHENS = regex.compile(r"(?<=\p{L})\p{Pd}+(?=\p{L})|(?<!\S)\p{Pd}+(?!\S)|(?<=\S)\p{Pd}+(?!\S)")
"""Between letters, or alone. Before a digit or an option's name it is a sign: `-5`."""


def same_query(text: str) -> str:
    """Equal for texts that ask the same: of the same words and signs in the same order.

    Case, spaces, quotes, brackets, hyphens and the punctuation between clauses do not count; signs do, as in `C++` and
    `C#`, `-5` and `5`, `.NET` and `net`.
    """
    key = _APOSTROPHE.sub("'", folded(text))
    for ignored in (_QUOTES_AND_BRACKETS, _ENDS, _HYPHENS):
        key = ignored.sub(" ", key)
    parts = key.split()
    if not parts:
        return "".join(text.split())
    joined = parts[0]
    for part in parts[1:]:
        # A space between two ideographs or kana is punctuation.
        joined += part if is_part_of_a_clause(joined[-1]) and is_part_of_a_clause(part) else f" {part}"
    return joined


def unusable(query: str, passage: str) -> str | None:
    """Why a query is of no use for its passage, as a name that is counted; None when it is."""
    if not query:
        return "empty"
    if width(query) < SHORTEST_QUERY or not words(query):
        return "too_short"
    if width(query) > LONGEST_QUERY:
        return "too_long"
    return "copy_of_passage" if is_near_copy(query, passage) else None


def is_near_copy(query: str, passage: str) -> bool:
    """Whether a query merely repeats its passage, so that finding it needs no understanding.

    Short quotations such as a title or a term are queries that people do type, and are no copies.
    """
    asked, said = words(query), words(passage)
    if width(query) >= min(COPY_LENGTH, int(COPY_SHARE * width(passage))) and _holds(said, asked):
        return True
    if width(query) < COPY_LENGTH:
        return False
    in_query = shingles(asked)
    return len(in_query & shingles(said)) >= COPY_SHARE * len(in_query)


def _holds(said: list[str], asked: list[str]) -> bool:
    return f" {' '.join(asked)} " in f" {' '.join(said)} "
