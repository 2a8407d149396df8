"""Sequences of words, by which texts are compared."""

from __future__ import annotations

from collections.abc import Sequence

from ..ranking.words import is_part_of_a_clause

WORDS = 4
"""Length of a sequence."""

CHARACTERS = 8
"""The same where words run together: two ideographs or kana say about as much as a word. With four, a text that differs
from another in one of its things would already be a near-duplicate."""


def shingles(words: Sequence[str]) -> set[tuple[str, ...]]:
    """All sequences of WORDS words, or of CHARACTERS where most words are single characters; a shorter text is one."""
    if not words:
        return set()
    characters = sum(map(is_part_of_a_clause, words))
    length = CHARACTERS if 2 * characters > len(words) else WORDS
    return {tuple(words[start : start + length]) for start in range(max(1, len(words) - length + 1))}
