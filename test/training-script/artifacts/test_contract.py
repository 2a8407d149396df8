import json
import re
from dataclasses import fields
from pathlib import Path

import pytest
from finetuning.artifacts import contract
from finetuning.artifacts.contract import (
    ContractError,
    EvaluationReport,
    MinedQuery,
    QueryRecord,
    ScoredQuery,
    encode_record,
    parse_record,
    read_json,
    read_jsonl,
    write_json,
    write_jsonl,
)

MINED = MinedQuery("r1-0", "wing “lift” ☃", "question", "d1", ["d2", "d3"])
TYPESCRIPT = Path(__file__).parents[3] / "pipeline" / "artifacts.ts"


def test_records_survive_a_round_trip(tmp_path):
    records = [MINED, MinedQuery("r1-1", "two\nlines", "title", "d1", [])]
    assert write_jsonl(tmp_path / "train.jsonl", records) == 2
    assert list(read_jsonl(tmp_path / "train.jsonl", MinedQuery)) == records


def test_nested_records_survive_a_round_trip(tmp_path, evaluation_report):
    write_json(tmp_path / "report.json", evaluation_report)
    assert read_json(tmp_path / "report.json", EvaluationReport) == evaluation_report


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"query_id": "a"', "not JSON"),
        ("[]", "record must be an object"),
        ('{"query_id": "a"}', "query is missing"),
        (encode_record(MINED).replace('"d1"', "7"), "doc_id must be a string, not 7"),
        (encode_record(MINED).replace('"d3"', "null"), r"negative_ids\[1\] must be a string"),
        (encode_record(MINED).replace("wing “lift” ☃", ""), "query must not be empty"),
        ("\udcff", "not JSON in UTF-8"),
    ],
)
def test_errors_name_file_and_line(tmp_path, line, message):
    path = tmp_path / "train.jsonl"
    path.write_bytes(f"{encode_record(MINED)}\n\n{line}\n".encode("utf-8", "surrogateescape"))
    with pytest.raises(ContractError, match=re.escape(f"{path}:3: ") + message):
        list(read_jsonl(path, MinedQuery))


@pytest.mark.parametrize(
    ("record_type", "value", "message"),
    [
        (
            QueryRecord,
            {"record_id": "a/b", "doc_id": "d", "split": "train", "styles": ["title"]},
            "record_id must match",
        ),
        (QueryRecord, {"record_id": "a", "doc_id": "d", "split": "all", "styles": ["title"]}, "split must be one of"),
        (QueryRecord, {"record_id": "a", "doc_id": "d", "split": "train", "styles": []}, "styles must not be empty"),
        (
            ScoredQuery,
            {"query_id": "a", "query": "q", "style": "", "doc_ids": ["d", "e"], "scores": [1, float("nan")]},
            "scores must be finite",
        ),
        (
            ScoredQuery,
            {"query_id": "a", "query": "q", "style": "", "doc_ids": ["d", "e"], "scores": [True, 1]},
            r"scores\[0\] must be a number",
        ),
    ],
)
def test_values_that_break_the_contract(record_type, value, message):
    with pytest.raises(ContractError, match=message):
        parse_record(record_type, value)


def test_a_file_gets_its_name_only_when_complete(tmp_path):
    path = tmp_path / "train.jsonl"

    def killed():
        yield MINED
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_jsonl(path, killed())
    assert not path.exists()


def test_fields_are_those_of_the_typescript_side():
    """Every schema that both sides have, field by field: a rename on one side alone must fail here."""
    schemas = dict(
        re.findall(r"export const (\w+) = z\.object\(\{(.*?)\n?\}\);", TYPESCRIPT.read_text("utf-8"), re.DOTALL)
    )
    checked = 0
    for name, body in schemas.items():
        record_type = getattr(contract, name, None)
        if record_type is None:
            continue
        flat = re.sub(r"z\.object\(\{.*?\}\)", "", body)  # the fields of nested objects are not its own
        flat = re.sub(r"/\*\*.*?\*/", "", flat, flags=re.DOTALL)
        assert re.findall(r"(\w+):", flat) == [field.name for field in fields(record_type)], name
        checked += 1
    assert checked >= 10
    assert json.loads(encode_record(MINED))["negative_ids"] == ["d2", "d3"]
