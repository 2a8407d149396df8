import re
from typing import Any

import msgspec
import pytest
from finetuning.artifacts.jsonl import ContractError, encode_record, read_json, read_jsonl, write_json, write_jsonl
from finetuning.artifacts.records import CorpusDocument, EvaluationReport, MinedQuery, ScoredQuery

MINED = MinedQuery(query_id="r1-0", query="wing “lift” ☃", style="question", doc_id="d1", negative_ids=["d2", "d3"])
LINE = encode_record(MINED).decode()


def test_records_survive_a_round_trip(tmp_path):
    records = [MINED, MinedQuery(query_id="r1-1", query="two\nlines", style="title", doc_id="d1", negative_ids=[])]
    assert write_jsonl(tmp_path / "train.jsonl", records) == 2
    assert list(read_jsonl(tmp_path / "train.jsonl", MinedQuery)) == records


def test_nested_records_survive_a_round_trip(tmp_path, evaluation_report):
    write_json(tmp_path / "report.json", evaluation_report)
    assert read_json(tmp_path / "report.json", EvaluationReport) == evaluation_report


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"query_id": "a"', "not JSON"),
        ("[]", "Expected `object`, got `array`"),
        (LINE.replace('"d1"', "7"), r"Expected `str`, got `int` - at `\$\.doc_id`"),
        (LINE.replace("wing “lift” ☃", ""), r"Expected `str` of length >= 1 - at `\$\.query`"),
        ("\udcff", "not JSON in UTF-8"),
        (LINE.replace("wing", "\udcff"), "not JSON in UTF-8"),
        (LINE.replace("wing", "\\ud83d"), "not JSON in UTF-8"),
    ],
)
def test_errors_name_file_and_line(tmp_path, line, message):
    path = tmp_path / "train.jsonl"
    path.write_bytes(f"{LINE}\n\n{line}\n".encode("utf-8", "surrogateescape"))
    with pytest.raises(ContractError, match=re.escape(f"{path}:3: ") + message):
        list(read_jsonl(path, MinedQuery))


def test_unknown_fields_are_ignored(tmp_path):
    (tmp_path / "a.jsonl").write_text(f'{LINE[:-1]}, "later": 1}}\n', encoding="utf-8")
    assert list(read_jsonl(tmp_path / "a.jsonl", MinedQuery)) == [MINED]


class Nested(msgspec.Struct, frozen=True):
    """Numbers in every place that a record has for them."""

    value: float | None = None
    values: list[float] = []
    by_name: dict[str, float] = {}
    record: Any = None


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_what_is_no_finite_number_is_never_written(tmp_path, number):
    inner = ScoredQuery(query_id="q", query="null", style="", doc_ids=["d", "e"], scores=[1.0, number])
    for record in (inner, Nested(number), Nested(values=[number]), Nested(by_name={"a": number}), Nested(record=inner)):
        with pytest.raises(ContractError, match="not finite"):
            encode_record(record)
        with pytest.raises(ContractError, match="not finite"):
            write_json(tmp_path / "a.json", record)
    assert not (tmp_path / "a.json").exists()
    assert encode_record(Nested()) == b'{"value":null,"values":[],"by_name":{},"record":null}'
    assert b"null" in encode_record(CorpusDocument(id="null", text="null"))


def test_a_file_gets_its_name_only_when_complete(tmp_path):
    path = tmp_path / "train.jsonl"

    def killed():
        yield MINED
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_jsonl(path, killed())
    assert not path.exists()
