"""Reads the files that people bring judgements in: queries.jsonl, and qrels.tsv in BEIR's, MTEB's or TREC's columns.

Lines end at a line feed and at nothing else: a text or an id may hold U+2028 and its like.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from ..artifacts.jsonl import ContractError, parse_record

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

_QUERY_NAMES = ("query-id", "query", "qid", "topic", "topic-id")
_DOCUMENT_NAMES = ("corpus-id", "doc-id", "docid", "document-id", "docno", "pid")
_SCORE_NAMES = ("score", "relevance", "rel", "label", "grade")
"""What the header of such a file calls its columns, in lower case and with hyphens."""

_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE]-?[0-9]+)?")


@dataclass(frozen=True)
class Judgement:
    """A line of qrels.tsv. Relevant is what has a grade above 0."""

    query_id: str
    document_id: str
    grade: int


@dataclass(frozen=True)
class _Columns:
    """Which cell of a row is what; `score` is None where the file has none."""

    width: int
    query: int
    document: int
    score: int | None


class _QueryLine(msgspec.Struct, frozen=True):
    """A line of queries.jsonl; of the text something must be more than a space."""

    id: msgspec.Raw = msgspec.field(name="_id")
    text: Annotated[str, Meta(pattern=r"\S")]


def read_queries(path: Path) -> dict[str, str]:
    """The texts of queries.jsonl by id. A number as id is taken by its digits, as the corpus takes one.

    Raises:
        ContractError: naming the file and line of a malformed record.
    """
    texts = {}
    for place, line in _lines(path):
        query = parse_record(line, _QueryLine, place)
        texts[_written_id(query.id, place)] = query.text
    return texts


def read_judgements(path: Path) -> Iterator[Judgement]:
    """The rows of qrels.tsv: BEIR's and MTEB's `query-id corpus-id score`, or TREC's `query 0 document relevance`.

    Columns are separated by tabs, or by spaces where a row has no tab. A header is optional and may name the columns
    in another order.

    Raises:
        ContractError: naming the file and line of a row whose columns do not fit, or whose score is no whole number.
    """
    for place, cells, columns in _rows(path, scored=True):
        yield Judgement(cells[columns.query], cells[columns.document], _grade(cells[columns.score or 0], place))


def read_pairs(path: Path) -> Iterator[tuple[str, str]]:
    """The rows of exclude.tsv: a query's id and a document's. The header is optional.

    Raises:
        ContractError: naming the file and line of a row that has other columns.
    """
    for _, cells, columns in _rows(path, scored=False):
        yield cells[columns.query], cells[columns.document]


def _lines(path: Path) -> Iterator[tuple[str, bytes]]:
    """The lines that are not blank, each with its place."""
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            content = (line.removeprefix(_BYTE_ORDER_MARK) if number == 1 else line).strip()
            if content:
                yield f"{path}:{number}", content


def _written_id(raw: msgspec.Raw, place: str) -> str:
    encoded = bytes(raw)
    if encoded.startswith(b'"'):
        return msgspec.json.decode(encoded, type=str)
    if encoded[:1] in b"-0123456789":
        return encoded.decode()
    raise ContractError(f"{place}: `_id` is {encoded[:20].decode(errors='replace')}, not a string or a number")


def _rows(path: Path, *, scored: bool) -> Iterator[tuple[str, list[str], _Columns]]:
    columns = None
    for index, (place, line) in enumerate(_lines(path)):
        try:
            text = line.decode()
        except UnicodeDecodeError as error:
            raise ContractError(f"{place}: not UTF-8: {error}") from error
        cells = [cell.strip(" ") for cell in text.split("\t")] if "\t" in text else re.split(" +", text)
        if index == 0 and _is_header(cells, scored=scored):
            columns = _named_columns(cells, scored=scored)
            continue
        columns = columns or _columns_of(len(cells), scored=scored)
        if columns is None or len(cells) != columns.width:
            expected = columns.width if columns else "3 (query-id, corpus-id, score) or 4 (TREC's)" if scored else 2
            raise ContractError(f"{place}: {expected} columns expected, separated by tabs; {len(cells)} found")
        yield place, cells, columns


def _is_header(cells: list[str], *, scored: bool) -> bool:
    """A first row that names columns, or that has no number where a score would be."""
    names = {_name(cell) for cell in cells}
    if names & {*_QUERY_NAMES} and names & {*_DOCUMENT_NAMES}:
        return True
    return scored and _NUMBER.fullmatch(cells[-1]) is None


def _named_columns(header: list[str], *, scored: bool) -> _Columns | None:
    """The columns by their names; None where the names are not known, so that their places tell."""
    positions: Mapping[str, int] = {_name(cell): position for position, cell in enumerate(header)}

    def position(names: tuple[str, ...]) -> int | None:
        return next((positions[name] for name in names if name in positions), None)

    query, document, score = position(_QUERY_NAMES), position(_DOCUMENT_NAMES), position(_SCORE_NAMES)
    if query is None or document is None or (scored and score is None):
        return None
    return _Columns(len(header), query, document, score if scored else None)


def _columns_of(width: int, *, scored: bool) -> _Columns | None:
    if scored:
        return {3: _Columns(3, 0, 1, 2), 4: _Columns(4, 0, 2, 3)}.get(width)
    return _Columns(2, 0, 1, None) if width == 2 else None


def _name(cell: str) -> str:
    return cell.lower().replace("_", "-")


def _grade(cell: str, place: str) -> int:
    if _NUMBER.fullmatch(cell) is None or not float(cell).is_integer():
        raise ContractError(f"{place}: the score is {cell!r}, not a whole number")
    return int(float(cell))
