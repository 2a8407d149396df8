"""Words of a text in any script, and the terms that BM25 looks for.

Words are those of OpenSearch's `standard` analyzer: boundaries by Unicode text segmentation (UAX #29), ideographs and
hiragana one by one, runs of katakana whole, combining marks with their letter, lower case letter by letter, no stop
words, as no language is known. Deliberate differences:

| text | here | `standard` | why |
|---|---|---|---|
| other widths, ligatures, circled digits | NFKC first | as it stands | queries are typed in one width |
| Thai, Lao, Khmer, Burmese and their kin | letter by letter | the run up to a space | a run is a clause |
| the same and Korean, as terms | letters or syllables, alone and in pairs | the run | particles hang on Korean nouns |
| more than 255 bytes | not in the index | cut after every 255 characters | it is no word |
"""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise

import regex
from unicode_segmentation_rs import text_width, unicode_words

_CLAUSE_SCRIPTS = r"\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tai_Le}\p{New_Tai_Lue}\p{Tai_Tham}\p{Tai_Viet}\p{Ahom}"
"""Alphabets that are written without spaces between words: UAX #14's class SA."""

_RUN_OF_PAIRS = regex.compile(rf"[[\p{{Hangul}}{_CLAUSE_SCRIPTS}]&&[\p{{L}}\p{{M}}]]+", regex.V1)
_CHARACTER = regex.compile(r"\X")

_WITHOUT_SPACES = regex.compile(rf"[\p{{Han}}\p{{Hiragana}}{_CLAUSE_SCRIPTS}]", regex.V1)

_CAN_HOLD_RUNS = re.compile(
    "[\u0e00-\u0eff\u1000-\u11ff\u1780-\u17ff\u1950-\u1aaf\ua960-\uaaff\uac00-\ud7ff\U00011700-\U0001174f]"
)
"""The blocks of these scripts: looking for blocks takes a tenth of the time."""

_PICTOGRAPH = r"\p{Extended_Pictographic}[\p{Emoji_Modifier}\p{M}]*"
_EMOJI = regex.compile(
    rf"\p{{Regional_Indicator}}{{2}}|[#*0-9]\uFE0F?\u20E3|{_PICTOGRAPH}(?:\u200D{_PICTOGRAPH})*", regex.V1
)

_CAN_HOLD_EMOJI = re.compile(
    "[\u00a9\u00ae\u203c\u2049\u20e3\u2139\u2194-\u21aa\u231a-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]"
)


def words(text: str) -> list[str]:
    """The words of a text, in order."""
    return _words(folded(text))


def terms(text: str) -> list[str]:
    """What BM25 counts in a text: its words, but pairs of letters or syllables where a word is not to be told."""
    text = folded(text)
    if text.isascii() or _CAN_HOLD_RUNS.search(text) is None:
        return _words(text)
    found: list[str] = []
    end = 0
    for run in _RUN_OF_PAIRS.finditer(text):
        found += _words(text[end : run.start()])
        characters = _CHARACTER.findall(run.group())
        found += characters
        found += [first + second for first, second in pairwise(characters)]
        end = run.end()
    found += _words(text[end:])
    return found


def folded(text: str) -> str:
    """The text in compatibility normalisation (NFKC) and lower case, letter by letter as Lucene does it."""
    if text.isascii():
        return text.lower()
    # Python's own lower case of these two depends on the letters around, or is two characters long.
    return unicodedata.normalize("NFKC", text).replace("\u03a3", "\u03c3").replace("İ", "i").lower()


def is_part_of_a_clause(word: str) -> bool:
    """Whether a word is a single character of a script that has no spaces, and so less than a word of others."""
    return _WITHOUT_SPACES.match(word) is not None


def width(text: str) -> int:
    """Columns that a text takes in a terminal: ideographs, kana and syllables, which say more, count twice."""
    return text_width(text)


def _words(text: str) -> list[str]:
    if text.isascii():
        return unicode_words(text)
    if _CAN_HOLD_EMOJI.search(text) is None:
        return _without_spaces(text)
    found: list[str] = []
    end = 0
    # UAX #29 has boundaries around emoji; that they are words is the analyzer's addition.
    for emoji in _EMOJI.finditer(text):
        found += _without_spaces(text[end : emoji.start()])
        found.append(emoji.group())
        end = emoji.end()
    found += _without_spaces(text[end:])
    return found


def _without_spaces(text: str) -> list[str]:
    """Stray combining marks stay with the space before them."""
    return list(map(str.strip, unicode_words(text)))
