import json
import random
import time

import pytest
from finetuning.artifacts.records import QueryRecord
from finetuning.mining.generated_queries import (
    BatchAnswer,
    GeneratedQuery,
    UnreadableLine,
    message_text,
    parse_queries,
    read_answers,
    style_of,
    unusable_text,
)


def plain(*texts):
    return [GeneratedQuery(text, "") for text in texts]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ('{"queries": ["a one", "b two"]}', plain("a one", "b two")),
        ('["a one", "b two"]', plain("a one", "b two")),
        ('{"queries": [{"style": "title", "text": "a one"}]}', [GeneratedQuery("a one", "title")]),
        ('[{"query": "a one"}, {"question": "b two", "style": 3}]', plain("a one", "b two")),
        ('```json\n{"queries": ["a one"]}\n```', plain("a one")),
        ('Here you are [as asked]:\n\n{"queries": ["a {b}", "c [d]"]}\nDone.', plain("a {b}", "c [d]")),
        ('Sure!\n```\n["a one",\n "b two",]\n```\nAnything else?', plain("a one", "b two")),
        ('{"queries": ["a one", "b two",],}', plain("a one", "b two")),
        ('{"queries": ["a one", "say \\"hi\\"", "cut sho', plain("a one", 'say "hi"')),
        ('```json\n["a one", "b tw', plain("a one")),
        (
            '{"queries": [{"style": "title", "text": "a one"}, {"style": "claim", "text": "b two"}, {"style": "cl',
            [GeneratedQuery("a one", "title"), GeneratedQuery("b two", "claim")],
        ),
        ('{"queries": ["line\nbreak"]}', plain("line\nbreak")),
        ('{"queries": ["a one", 5, null, ""]}', plain("a one", "")),
        ('{"queries": [{"text": "arm for 24" monitor"}, {"text": "a 27""}]}', plain('arm for 24" monitor', 'a 27"')),
        ('{"queries": ["was heißt „Kulanz" hier", "say "hi" now"]}', plain('was heißt „Kulanz" hier', 'say "hi" now')),
        ('{"text": "a one"}\n{"text": "b two"}\n', plain("a one", "b two")),
        (
            '{"queries": {"question": "a one", "title": ["b two", "c three"]}}',
            [GeneratedQuery("a one", "question"), GeneratedQuery("b two", "title"), GeneratedQuery("c three", "title")],
        ),
        (
            '[{"claim": "a one"}, {"title": "b two"}]',
            [GeneratedQuery("a one", "claim"), GeneratedQuery("b two", "title")],
        ),
        ("{'queries': [{'style': 'title', 'text': 'it\\'s one'}]}", [GeneratedQuery("it's one", "title")]),
        ("{“queries”: [“a one”, “b two”]}", plain("a one", "b two")),
        ('{"result": {"data": {"queries": ["a one"]}}}', plain("a one")),
        ('<thinking>Maybe {"queries": ["draft"]}?</thinking>{"queries": ["a one"]}', plain("a one")),
        ('First: {"queries": ["draft one"]}. Better:\n{"queries": ["a one"]}', plain("a one")),
        ('Format: {"queries": ["<query>"]}\n{"queries": ["a one"]}\nas {"queries": ["<query>"]}', plain("a one")),
        ('It lists ["mon", "tue"].\n{"queries": ["a one"]} Styles: ["title"]', plain("a one")),
        ('{"queries": ["smile \\ud83d", "\\ud83d\\ude00 \ud83d"]}', plain("smile \ufffd", "\U0001f600 \ufffd")),
        ("I cannot help with that.", []),
        ('{"queries": []}', []),
        ('{"answer": "none"}', []),
        ("", []),
    ],
)
def test_parse_queries(answer, expected):
    assert parse_queries(answer) == expected


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ({"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "stop_reason": "end_turn"}, "ab"),
        ({"output": {"message": {"role": "assistant", "content": [{"text": "a"}]}}, "stopReason": "end_turn"}, "a"),
        ({"content": []}, None),
        ({"output": "a"}, None),
        (None, None),
    ],
)
def test_message_text(output, expected):
    assert message_text(output) == expected


def test_answers_of_nested_files_in_order(tmp_path, write_lines):
    message = {"content": [{"text": "[]"}]}
    write_lines(tmp_path / "b" / "x.jsonl.out", [{"recordId": "r2", "error": {"errorCode": 400}}])
    write_lines(tmp_path / "a" / "deep" / "x.jsonl.out", [{"recordId": "r1", "modelOutput": message}])
    write_lines(tmp_path / "a" / "manifest.json.out", [{"totalRecordCount": 1}])
    assert list(read_answers(tmp_path)) == [BatchAnswer("r1", "[]"), BatchAnswer("r2", None)]


def test_of_several_values_the_last_with_as_many_queries_as_asked_for_counts():
    answer = '{"queries": ["a one", "b two"]} {"queries": ["c three", "d four"]} {"queries": ["e five"]}'
    assert parse_queries(answer, 2) == plain("c three", "d four")
    assert parse_queries(answer, 3) == plain("e five")
    assert parse_queries('{"queries": ["a one", "b two"]} Styles: ["x y", "z w"]', 2) == plain("a one", "b two")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("N/A", "placeholder"),
        ("<query>", "placeholder"),
        ("...", "placeholder"),
        ("Your question here", "placeholder"),
        ("keywords", "placeholder"),
        ("I cannot write queries for this passage.", "refusal"),
        ("I\u2019m sorry, but I am unable to create a question from this text.", "refusal"),
        ("how do I cannot-login errors", None),
        ("I cannot log in to my account", None),
        ("why can't I generate a report", None),
        ("none of the lights work", None),
        ("question mark key stuck", None),
    ],
)
def test_what_is_no_query_whatever_its_passage(text, reason):
    assert unusable_text(text) == reason


@pytest.mark.parametrize("answer", ["[" * 1500, "{" * 1500, '{"a":' * 1500, '["a", ' * 1500, "[" * 100_000, '"' * 5000])
def test_no_answer_ends_the_stage(answer):
    start = time.process_time()
    parse_queries(answer)
    assert parse_queries(answer + '{"queries": ["a one"]}') == plain("a one")
    assert time.process_time() - start < 20


WRAPPERS = [
    "{}",
    "```json\n{}\n```",
    "Here you are [as asked]:\n{}\nDone.",
    'The passage lists ["mon", "tue"].\n{}',
    'Draft: {{"queries": [{{"text": "draft"}}]}}\n{}',
    '{{"result": {}}}',
]


def rendered(queries, generator):
    """An answer with the queries, in one of the ways that models have."""
    items = [{"style": query.style, "text": query.text} for query in queries]
    texts = [query.text for query in queries]
    raw = ", ".join(f'{{"style": "{query.style}", "text": "{query.text}"}}' for query in queries)
    body, styled, may_be_cut = generator.choice(
        [
            (json.dumps({"queries": items}), True, True),
            (json.dumps(items, ensure_ascii=False), True, True),
            (json.dumps({"queries": texts}), False, True),
            (repr({"queries": items}), True, False),
            (f'{{"queries": [{raw}]}}', True, True),
            (f'{{"queries": [{raw},],}}', True, False),
        ]
    )
    if may_be_cut and generator.random() < 0.3:
        return body + ', {"style": "title", "te' if generator.random() < 0.5 else body[: body.rindex("]")], styled
    return generator.choice(WRAPPERS).format(body), styled


def test_queries_come_back_however_they_are_wrapped():
    generator = random.Random(7)
    words = ["river", '24" arm', "naïve", "東京", "cost: low", "a {b}", "c [d]", "x, y", "it is", '„Wort"', "50 %"]
    for _ in range(400):
        queries = [
            GeneratedQuery(
                f"{generator.choice(words)} {generator.choice(words)} end", generator.choice(["title", "claim"])
            )
            for _ in range(generator.randint(2, 4))
        ]
        answer, styled = rendered(queries, generator)
        expected = queries if styled else plain(*(query.text for query in queries))
        assert parse_queries(answer, len(queries)) == expected, answer


def test_garbage_is_read_without_an_error_and_what_comes_of_it_can_be_written():
    generator = random.Random(11)
    pieces = [
        '{"queries": [',
        '"text": ',
        '"',
        "'",
        "“",
        "\\",
        "\\u",
        "d83d",
        "\ud83d",
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        "\n",
    ]
    pieces += [
        "```json",
        "<thinking>",
        "</thinking>",
        "null",
        "1e999",
        "a b",
        "\x00",
        '"a one"',
        "//",
        "/*",
        "#",
        "...",
    ]
    for _ in range(400):
        answer = "".join(generator.choices(pieces, k=generator.randint(1, 40)))
        for query in parse_queries(answer, generator.randint(1, 4)):
            assert not any("\ud800" <= letter <= "\udfff" for letter in query.text + query.style)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"record', "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("\udcff{}", "not JSON"),
        ("[]", "recordId is missing"),
        ('{"recordId": 7}', "recordId is missing"),
    ],
)
def test_a_line_that_is_no_answer_is_skipped_with_its_place(tmp_path, line, reason):
    path = tmp_path / "x.jsonl.out"
    path.write_bytes(f'{line}\n{{"recordId": "r1"}}\n'.encode("utf-8", "surrogateescape"))
    unreadable, answer = read_answers(tmp_path)
    assert isinstance(unreadable, UnreadableLine)
    assert unreadable.place == f"{path}:1"
    assert reason in unreadable.reason
    assert answer == BatchAnswer("r1", None)


def test_style_is_the_models_word_then_the_order_asked_for():
    record = QueryRecord(record_id="r", doc_id="d", split="train", styles=["title", "claim"])
    assert style_of(GeneratedQuery("a", "keywords"), 0, record) == "keywords"
    assert style_of(GeneratedQuery("a", "poem"), 1, record) == "claim"
    assert style_of(GeneratedQuery("a", ""), 2, record) == "unknown"
    assert json.dumps(record.styles) == '["title", "claim"]'
