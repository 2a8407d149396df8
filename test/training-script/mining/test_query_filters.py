import pytest
from finetuning.mining.query_filters import is_near_copy, same_query, unusable
from finetuning.mining.shingles import shingles
from finetuning.ranking.words import words

JAPANESE = "忘れ物の{}は{}の窓口で三十日以内に受け取ることができます。名前の分かる書類を持ってきてください。"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("how to sort in C++", "how to sort in C#"),
        ("how to sort in C", "how to sort in C++?"),
        ("start a .NET project", "start a net project"),
        ("water at -5 degrees", "water at 5 degrees"),
        ("upgrade from 1.10", "upgrade from 110"),
        ("upgrade from 1.10", "upgrade from 1.1"),
        ("train from Oslo to Rome", "train from Rome to Oslo"),
        ("50% of $5", "50 of 5"),
        ("river bridge", "river bridges"),
        ("東京から大阪への電車", "大阪から東京への電車"),
        ("港で忘れた傘", "駅で忘れた傘"),
        ("หาร่มที่ท่าเรือ", "หาร่มที่ตลาด"),
        ("क्षेत्र का नक्शा", "क्षत्र का नक्शा"),
        ("😀", "😢"),
    ],
)
def test_different_queries(one, other):
    assert same_query(one) != same_query(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("How do I bridge the river?", "  how do I   BRIDGE the river"),
        ("What is C++?", "what is “C++”"),
        ("state-of-the-art model", "State of the art model."),
        ("the user's guide (short)", "The user’s guide: short"),
        ("¿Dónde está el puente?", "dónde está el puente"),
        ("ﾃﾞｰﾀﾍﾞｰｽの接続", "データベースの接続"),
        ("港で忘れた傘は、どこですか？", "港で忘れた傘はどこですか"),
        ("cafe\u0301 Oslo", "CAFÉ Oslo"),
    ],
)
def test_the_same_query_written_otherwise(one, other):
    assert same_query(one) == same_query(other)


def test_a_query_of_signs_alone_is_itself():
    assert same_query("???") == "???" != same_query("!!!")


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("", "empty"),
        ("ab", "too_short"),
        ("abc", None),
        ("港", "too_short"),
        ("東京", None),
        ("항구", None),
        ("????", "too_short"),
        ("word " * 100, None),
        ("word " * 110, "too_long"),
        ("あ" * 257, "too_long"),
    ],
)
def test_length_is_in_columns(query, reason):
    assert unusable(query.strip(), "passage " * 300) == reason


def test_near_copies():
    passage = "The river rose. " + " ".join(f"word{n}" for n in range(60)) + ". It fell again."
    assert is_near_copy(" ".join(f"WORD{n}" for n in range(30)), passage)
    assert is_near_copy("so then " + " ".join(f"word{n}" for n in range(40)), passage)
    assert is_near_copy("short passage", "Short passage.")
    assert not is_near_copy("The river rose", passage)
    assert not is_near_copy(" ".join(f"word{n}" for n in range(0, 60, 2)), passage)


def test_near_copies_where_words_run_together():
    passage = JAPANESE.format("傘", "港") + "窓口は九時から五時まで開いています。"
    assert is_near_copy(passage, passage + JAPANESE.format("鍵", "城") * 3)
    assert is_near_copy("つまり、" + passage, passage)
    assert not is_near_copy("傘は港の窓口で三十日以内に受け取る", passage)
    assert not is_near_copy(passage[::-1], passage)


@pytest.mark.parametrize(
    ("one", "other", "another"),
    [
        (
            "A lost umbrella can be collected at the office of the harbour within thirty days. Bring a document.",
            "A lost umbrella can be collected at the office of the station within thirty days. Bring a document.",
            "A lost umbrella can be collected at the office of the harbour within thirty days! Bring a Document",
        ),
        (JAPANESE.format("傘", "港"), JAPANESE.format("傘", "駅"), JAPANESE.format("傘", "港").replace("。", "｡")),
    ],
)
def test_another_place_is_no_near_duplicate_and_other_punctuation_is(one, other, another):
    def similarity(first, second):
        a, b = shingles(words(first)), shingles(words(second))
        return len(a & b) / len(a | b)

    assert similarity(one, other) < 0.8
    assert similarity(one, another) == 1.0


def test_shingles_of_short_texts():
    assert shingles([]) == set()
    assert shingles(["river"]) == {("river",)}
    assert len(shingles(["a", "b", "c", "d", "e"])) == 2
    assert len(shingles(list("港駅城港駅城港駅城"))) == 2
