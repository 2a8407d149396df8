"""Parses a job's hyperparameters, which SageMaker passes as `--name value`, into a record of `arguments`."""

from __future__ import annotations

import argparse
import ast
import inspect
import sys
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, TypeVar

import msgspec

from .environment import JobError

Arguments = TypeVar("Arguments", bound=msgspec.Struct)


class ArgumentsError(JobError):
    """Hyperparameters that a job cannot run with; the message names each one and what is wrong with it."""


def parse_arguments(
    arguments_type: type[Arguments], description: str | None, command_line: Sequence[str] | None = None
) -> Arguments:
    """Parses a flag for each field of a record, `--max-seq-length` for `max_seq_length`.

    Every flag is required but those of texts that may be empty, as SageMaker takes no empty hyperparameter.

    Args:
        description: of the job, for `--help`.
        command_line: strings after the program's name. @default - this process's

    Raises:
        ArgumentsError: with all that is wrong: flags that are missing or unknown, and values of another type.
    """
    fields = msgspec.structs.fields(arguments_type)
    descriptions = _descriptions(arguments_type)
    parser = argparse.ArgumentParser(description=description, allow_abbrev=False)
    for field in fields:
        # An empty value may come as a flag without one.
        parser.add_argument(_flag(field.name), dest=field.name, nargs="?", const="", help=descriptions.get(field.name))
    given, unknown = parser.parse_known_args(_joined(sys.argv[1:] if command_line is None else command_line))
    problems = [f"{text.split('=')[0]} is no argument of this job" for text in unknown]
    values: dict[str, Any] = {}
    for field in fields:
        text = getattr(given, field.name)
        if text is None:
            if field.required:
                problems.append(f"{_flag(field.name)} is missing")
            continue
        try:
            values[field.name] = msgspec.convert(text, field.type, strict=False)
        except msgspec.ValidationError as error:
            problems.append(f"{_flag(field.name)} {text!r}: {error}")
    if problems:
        raise ArgumentsError(f"Bad hyperparameters: {'; '.join(problems)}.")
    return arguments_type(**values)


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _joined(command_line: Sequence[str]) -> list[str]:
    """`--name=value` for `--name value`: argparse would take a value such as -1e-05 for a flag."""
    joined: list[str] = []
    for text in command_line:
        value_follows = bool(joined) and joined[-1].startswith("--") and "=" not in joined[-1]
        if value_follows and not text.startswith("--"):
            joined[-1] += f"={text}"
        else:
            joined.append(text)
    return joined


def _descriptions(arguments_type: type) -> dict[str, str]:
    """The texts below the record's fields, which only its source has."""
    (record,) = ast.parse(inspect.getsource(arguments_type)).body
    if not isinstance(record, ast.ClassDef):
        return {}
    descriptions = {}
    for field, text in pairwise(record.body):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(text, ast.Expr):
            # argparse formats help texts with %.
            descriptions[field.target.id] = inspect.cleandoc(ast.literal_eval(text.value)).replace("%", "%%")
    return descriptions
