"""The queries of an evaluation: held-out synthetic ones, and judged ones that the user brings in BEIR's format."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta

from ..artifacts.documents import DocumentStore
from ..artifacts.environment import JobError, channel_file
from ..artifacts.jsonl import ContractError, read_jsonl
from ..artifacts.records import HeldOutQuery


@dataclass(frozen=True)
class TestQuery:
    """A query, its relevant documents (graded, by row of the corpus), and those to leave out of its ranking."""

    __test__ = False  # pytest would take the name for a test class

    text: str
    relevance: dict[int, int]
    excluded: frozenset[int] = field(default_factory=frozenset)
    style: str = ""


class BeirQuery(msgspec.Struct, frozen=True):
    """A line of BEIR's queries.jsonl; of the text something must be more than a space."""

    id: str = msgspec.field(name="_id")
    text: Annotated[str, Meta(pattern=r"\S")]


def held_out_queries(path: Path, store: DocumentStore) -> list[TestQuery]:
    """The test split: relevant is the document a query was made from; others of the same text are left out.

    Raises:
        JobError: when there is none.
        ContractError: when a source document is not in the corpus.
    """
    queries = []
    for query in read_jsonl(path, HeldOutQuery):
        source = store.required_row(query.doc_id)
        same_text = np.flatnonzero(store.text_hashes == store.text_hashes[source])
        queries.append(TestQuery(query.query, {source: 1}, frozenset(map(int, same_text)) - {source}, query.style))
    if not queries:
        raise JobError(
            f"{path} holds no query: the corpus is too small for a test split, or none of its queries was usable."
        )
    return queries


def judged_queries(folder: Path, store: DocumentStore) -> list[TestQuery]:
    """Queries with human judgements in BEIR's files: queries.jsonl, qrels.tsv and optionally exclude.tsv.

    Judgements of documents that the corpus lacks are ignored and counted; so are queries left without a relevant one.

    Raises:
        JobError: when no query has a relevant document in the corpus.
        ContractError: naming the file and line of a malformed record.
    """
    texts = {query.id: query.text for query in read_jsonl(channel_file(folder, "queries.jsonl"), BeirQuery)}
    relevance: dict[str, dict[int, int]] = {}
    unknown = 0
    for query_id, document_id, (score,) in _tsv(channel_file(folder, "qrels.tsv"), columns=3):
        row = store.row(document_id)
        if row is None:
            unknown += 1
        else:
            relevance.setdefault(query_id, {})[row] = score
    excluded: dict[str, set[int]] = {}
    if (folder / "exclude.tsv").is_file():
        for query_id, document_id, _ in _tsv(folder / "exclude.tsv", columns=2):
            row = store.row(document_id)
            if row is not None:
                excluded.setdefault(query_id, set()).add(row)
    queries = []
    for query_id, text in texts.items():
        left_out = frozenset(excluded.get(query_id, ()))
        judged = {row: score for row, score in relevance.get(query_id, {}).items() if row not in left_out}
        if any(score > 0 for score in judged.values()):
            queries.append(TestQuery(text, judged, left_out))
    print(
        f"{len(queries)} of {len(texts)} judged queries have a relevant document in the corpus; "
        f"{unknown} judgements are of other documents",
        flush=True,
    )
    if not queries:
        raise JobError(
            f"No query in {folder} has a relevant document in the corpus: the corpus-id column of qrels.tsv must hold "
            "the ids of the corpus."
        )
    return queries


def _tsv(path: Path, columns: int) -> Iterable[tuple[str, str, list[int]]]:
    """Rows of a file with the header `query-id corpus-id [score]`: two ids and the numbers after them."""
    with path.open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE), start=1):
            if number == 1 or not row:
                continue
            try:
                if len(row) != columns:
                    raise ValueError(f"{columns} tab-separated columns expected, {len(row)} found")
                yield row[0], row[1], [int(value) for value in row[2:]]
            except ValueError as error:
                raise ContractError(f"{path}:{number}: {error}") from error
