from typing import Literal

import msgspec
import pytest
from finetuning.artifacts.arguments import EvaluationArguments, MiningArguments, ScoringArguments, TrainingArguments
from finetuning.artifacts.command_line import ArgumentsError, parse_arguments


class Arguments(msgspec.Struct, frozen=True):
    """One field of each type."""

    model_type: Literal["dense", "sparse"]
    judge_model_id: str
    max_seq_length: int
    """Tokens: 100 % of them."""
    min_ndcg_gain: float
    force_deploy: bool
    general_collection_uri: str = ""


GOOD = {
    "--model-type": "sparse",
    "--judge-model-id": "some/judge",
    "--max-seq-length": "512",
    "--min-ndcg-gain": "-1e-05",
    "--force-deploy": "true",
}


def command_line(**changes):
    flags = {**GOOD, **{f"--{name.replace('_', '-')}": value for name, value in changes.items()}}
    return [text for pair in flags.items() for text in pair if text is not None]


def test_strings_become_the_fields_types():
    assert parse_arguments(Arguments, None, command_line()) == Arguments("sparse", "some/judge", 512, -1e-05, True, "")


@pytest.mark.parametrize("empty", ["", None])
def test_an_empty_value_may_come_as_a_flag_alone(empty):
    assert parse_arguments(Arguments, None, command_line(judge_model_id=empty)).judge_model_id == ""


def test_all_that_is_wrong_is_said_at_once():
    line = command_line(max_seq_length="many", force_deploy="yes", model_type="colbert", teacher_kind="auto")
    line = [text for text in line if text not in ("--min-ndcg-gain", GOOD["--min-ndcg-gain"])]
    with pytest.raises(ArgumentsError) as error:
        parse_arguments(Arguments, None, line)
    message = str(error.value)
    for wrong in (
        "--max-seq-length 'many': Expected `int`",
        "--force-deploy 'yes': Expected `bool`",
        "--model-type 'colbert': Invalid enum value",
        "--min-ndcg-gain is missing",
        "--teacher-kind is no argument",
    ):
        assert wrong in message
    assert "judge-model-id" not in message


def test_an_empty_number_is_an_error():
    with pytest.raises(ArgumentsError, match="--max-seq-length '': Expected `int`"):
        parse_arguments(Arguments, None, command_line(max_seq_length=None))


@pytest.mark.parametrize("arguments", [MiningArguments, ScoringArguments, TrainingArguments, EvaluationArguments])
def test_no_argument_of_a_job_has_a_default_but_texts_that_may_be_empty(arguments):
    fields = msgspec.structs.fields(arguments)
    assert {field.default for field in fields if not field.required} <= {""}
    with pytest.raises(ArgumentsError) as error:
        parse_arguments(arguments, None, [])
    assert str(error.value).count("is missing") == sum(field.required for field in fields) >= 4


def test_the_help_says_what_each_argument_is(capsys):
    with pytest.raises(SystemExit):
        parse_arguments(Arguments, "Does something.", ["--help"])
    text = capsys.readouterr().out
    assert "Does something." in text
    assert "Tokens: 100 % of them." in text
