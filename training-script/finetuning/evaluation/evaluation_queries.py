"""The queries of an evaluation: held-out synthetic ones, and judged ones that the user brings."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..artifacts.documents import DocumentStore
from ..artifacts.environment import JobError, channel_file
from ..artifacts.jsonl import read_jsonl
from ..artifacts.records import HeldOutQuery
from .judgement_files import read_judgements, read_pairs, read_queries


@dataclass(frozen=True)
class TestQuery:
    """A query, its relevant documents (graded, by row of the corpus), and those to leave out of its ranking."""

    __test__ = False  # pytest would take the name for a test class

    text: str
    relevance: dict[int, int]
    excluded: frozenset[int] = field(default_factory=frozenset)
    style: str = ""


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
    """Queries with human judgements: queries.jsonl, qrels.tsv and optionally exclude.tsv, as BEIR names them.

    Judgements of documents that the corpus lacks are ignored and counted; so are queries left without a relevant one.

    Raises:
        JobError: when no query has a relevant document in the corpus.
        ContractError: naming the file and line of a malformed record.
    """
    texts = read_queries(channel_file(folder, "queries.jsonl"))
    relevance: dict[str, dict[int, int]] = {}
    unknown = 0
    for judgement in read_judgements(channel_file(folder, "qrels.tsv")):
        row = store.row(judgement.document_id)
        if row is None:
            unknown += 1
        else:
            relevance.setdefault(judgement.query_id, {})[row] = judgement.grade
    excluded: dict[str, set[int]] = {}
    if (folder / "exclude.tsv").is_file():
        for query_id, document_id in read_pairs(folder / "exclude.tsv"):
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
            "the ids of the corpus, its query-id column those of queries.jsonl."
        )
    return queries
