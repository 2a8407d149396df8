import json
import random
import unicodedata
from pathlib import Path

import pytest
from finetuning.ranking.words import folded, is_part_of_a_clause, terms, width, words

RECORDED = [
    json.loads(line)
    for line in (Path(__file__).parent / "standard-analyzer.jsonl").read_text(encoding="utf-8").splitlines()
]
"""Answers of OpenSearch's `standard` analyzer; standard-analyzer.emulated.test.ts keeps them."""

LETTER_BY_LETTER = {
    "Thai": "ภ า ษ า ไ ท ย ไ ม่ มี ช่ อ ง ว่ า ง ค รั บ ๑๒",
    "Lao": "ພ າ ສ າ ລ າ ວ",
    "Khmer": "ភា សា ខ្ មែ រ",
    "Burmese": "မြ န် မာ ဘာ သာ",
}
"""Deliberate: the analyzer has whole runs, which are clauses."""

NORMALISED = {
    "Armenian": "հայերեն լեզու երեւան",
    "combining marks": "caf\u00e9 \u00f1 \u1ecd\u0308",
    "compatibility forms": "データベース abc12 fine x2 tm",
}
"""Deliberate: NFKC comes first."""

DELIBERATE = {**LETTER_BY_LETTER, **NORMALISED}


@pytest.mark.parametrize("recorded", RECORDED, ids=[entry["script"] for entry in RECORDED])
def test_words_are_those_of_the_standard_analyzer(recorded):
    expected = DELIBERATE.get(recorded["script"])
    assert words(recorded["text"]) == (recorded["tokens"] if expected is None else expected.split())


def test_every_deliberate_difference_is_one():
    differing = {entry["script"] for entry in RECORDED if words(entry["text"]) != entry["tokens"]}
    assert differing == DELIBERATE.keys()
    for entry in RECORDED:
        if entry["script"] in LETTER_BY_LETTER:
            assert "".join(words(entry["text"])) == "".join(entry["tokens"])


def test_another_form_of_the_same_character_is_the_same_word():
    for one, other in (
        ("ﾃﾞｰﾀﾍﾞｰｽ", "データベース"),
        ("ＯｐｅｎＳｅａｒｃｈ２", "opensearch2"),
        ("cafe\u0301", "CAFÉ"),
        ("か\u3099", "が"),
        ("각", "\u1100\u1161\u11a8"),
        ("ΟΔΟΣ", "οδοσ"),
        ("İzmir", "izmir"),
        ("ﬁne", "fine"),
        ("ﻻ", "لا"),
    ):
        assert words(one) == words(other)


def test_terms_are_words_but_pairs_where_words_run_together():
    assert terms("The ΟΔΟΣ: 東京タワー 5") == words("The ΟΔΟΣ: 東京タワー 5")
    assert terms("ABC도서관에서 역") == ["abc", "도", "서", "관", "에", "서", "도서", "서관", "관에", "에서", "역"]
    assert terms("ไม่มี 😀 ok") == ["ไ", "ม่", "มี", "ไม่", "ม่มี", "😀", "ok"]


def test_no_text_and_no_word():
    for text in ("", " \n\t\u3000", "?! … --", "\u200b\u00ad"):
        assert words(text) == terms(text) == []


def test_words_of_any_text_hold_no_space_and_are_their_own_words():
    generator = random.Random(17)
    blocks = [range(0x20, 0x250), range(0x370, 0x800), range(0x900, 0x1100), range(0x1780, 0x1800)]
    blocks += [range(0x2000, 0x2C00), range(0x3000, 0x3400), range(0x4E00, 0x4F00), range(0xAC00, 0xAD00)]
    blocks += [range(0xFB00, 0xFB50), range(0xFE00, 0x10000), range(0x1F000, 0x1FB00), range(0xE0100, 0xE0120)]
    for _ in range(500):
        text = "".join(chr(generator.choice(generator.choice(blocks))) for _ in range(40))
        found = words(text)
        assert not any(character.isspace() for word in [*found, *terms(text)] for character in word)
        # Nothing that is a letter or a digit gets lost, and none is found twice.
        letters = [c for c in folded(text) if unicodedata.category(c)[0] == "L" or unicodedata.category(c) == "Nd"]
        kept = [c for word in found for c in word]
        assert [c for c in kept if unicodedata.category(c)[0] == "L" or unicodedata.category(c) == "Nd"] == letters


def test_a_character_of_a_clause_is_less_than_a_word():
    assert all(map(is_part_of_a_clause, ("港", "の", "ม่", "ខ្")))
    assert not any(map(is_part_of_a_clause, ("harbour", "カタカナ", "도서관", "5", "😀")))


def test_columns():
    assert [width(text) for text in ("port", "港", "항구", "ท่า", "e\u0301")] == [4, 2, 4, 2, 1]
