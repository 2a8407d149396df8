"""Reads and writes the records that one stage leaves for the next: JSON and JSONL files, checked as they are read.

The records' types are in `records`. Unknown fields are ignored, as zod does on the TypeScript side.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import msgspec

Record = TypeVar("Record", bound=msgspec.Struct)


class ContractError(ValueError):
    """Data that does not follow the contract between the stages; the message names the file and the line."""


def parse_record(encoded: bytes, record_type: type[Record], place: str) -> Record:
    """Parses one record of JSON.

    Args:
        place: file and line, which begin the message of an error.

    Raises:
        ContractError: naming the place, and the field that is absent or of the wrong type.
    """
    try:
        return _decoder(record_type).decode(encoded)
    except msgspec.ValidationError as error:
        raise ContractError(f"{place}: {error}") from error
    except ValueError as error:
        raise ContractError(f"{place}: not JSON in UTF-8: {error}") from error


def read_jsonl(path: Path, record_type: type[Record]) -> Iterator[Record]:
    """Streams the records of a JSONL file; blank lines are skipped.

    Raises:
        ContractError: naming the file and the line that is no JSON or breaks the contract.
    """
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                yield parse_record(line, record_type, f"{path}:{number}")


def read_json(path: Path, record_type: type[Record]) -> Record:
    """Reads a JSON file that holds one record. Raises ContractError, naming the file."""
    return parse_record(path.read_bytes(), record_type, str(path))


def encode_record(record: msgspec.Struct) -> bytes:
    """One record as a line of JSON, without the newline.

    Raises:
        ContractError: when it holds NaN or an infinity, which JSON cannot say and msgspec would write as null.
    """
    encoded = msgspec.json.encode(record)
    if b"null" in encoded and not _is_finite(msgspec.to_builtins(record)):
        raise ContractError(f"{type(record).__name__} holds a number that is not finite: {record}")
    return encoded


class JsonlWriter:
    """Writes records to an open file and counts them."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.count = 0

    def write(self, record: msgspec.Struct) -> None:
        """Appends one record."""
        self._file.write(encode_record(record) + b"\n")
        self.count += 1


@contextmanager
def jsonl_writer(path: Path) -> Iterator[JsonlWriter]:
    """Opens a JSONL file for writing. It gets its name only when complete, so a killed job leaves no half file."""
    partial = path.with_name(path.name + ".partial")
    with partial.open("wb") as file:
        yield JsonlWriter(file)
    partial.replace(path)


def write_jsonl(path: Path, records: Iterable[msgspec.Struct]) -> int:
    """Writes all records to a JSONL file; returns how many."""
    with jsonl_writer(path) as writer:
        for record in records:
            writer.write(record)
        return writer.count


def write_json(path: Path, record: msgspec.Struct) -> None:
    """Writes one record as an indented JSON file."""
    path.write_bytes(msgspec.json.format(encode_record(record), indent=2) + b"\n")


@cache
def _decoder(record_type: type[Record]) -> msgspec.json.Decoder[Record]:
    return msgspec.json.Decoder(record_type)


def _is_finite(value: Any) -> bool:  # noqa: ANN401 (JSON)
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, dict):
        return all(map(_is_finite, value.values()))
    return not isinstance(value, list) or all(map(_is_finite, value))
