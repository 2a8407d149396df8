import json

import pytest
from finetuning.artifacts.jsonl import ContractError
from finetuning.artifacts.records import QueryRecord
from finetuning.mining.generated_queries import GeneratedQuery, message_text, parse_queries, read_answers, style_of


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
    assert [(answer.record_id, answer.text) for answer in read_answers(tmp_path)] == [("r1", "[]"), ("r2", None)]


def test_a_line_that_is_no_answer_is_an_error_with_its_place(tmp_path):
    (tmp_path / "x.jsonl.out").write_text('{"recordId": "r1"}\n{"record', encoding="utf-8")
    with pytest.raises(ContractError, match=r"x\.jsonl\.out:2: not JSON"):
        list(read_answers(tmp_path))


def test_style_is_the_models_word_then_the_order_asked_for():
    record = QueryRecord(record_id="r", doc_id="d", split="train", styles=["title", "claim"])
    assert style_of(GeneratedQuery("a", "keywords"), 0, record) == "keywords"
    assert style_of(GeneratedQuery("a", "poem"), 1, record) == "claim"
    assert style_of(GeneratedQuery("a", ""), 2, record) == "unknown"
    assert json.dumps(record.styles) == '["title", "claim"]'
