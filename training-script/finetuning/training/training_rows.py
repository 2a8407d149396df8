"""Reads what the scoring stage left: the rows to train on, and the queries that tell how training goes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ..artifacts.arguments import TrainingArguments
from ..artifacts.documents import DocumentStore
from ..artifacts.environment import JobError, channel_file
from ..artifacts.jsonl import ContractError, read_jsonl
from ..artifacts.records import ScoredQuery
from ..artifacts.score_files import score_files
from .distillation import DistillationRow, distillation_rows
from .teacher_filter import filter_by_teacher

DEV_ROWS = 512
"""Rows of the dev split that the dev loss is computed on: enough for a mean, cheap on a CPU."""


@dataclass(frozen=True)
class TrainingRows:
    """Training rows and dev queries, over the documents that both are about."""

    store: DocumentStore
    queries: int
    """Train queries that the teacher filter keeps."""
    dropped: dict[str, int]
    """Train queries that it drops, by reason."""
    train: list[DistillationRow]
    dev: list[DistillationRow]
    dev_queries: list[ScoredQuery]


def read_rows(scores: Path, arguments: TrainingArguments) -> TrainingRows:
    """Reads the scores, of one instance or of several, and cuts the queries that the teacher filter keeps into rows.

    Raises:
        JobError: when there is nothing to train on.
        ContractError: on input that breaks the contract.
    """
    store = DocumentStore([channel_file(scores, "documents.jsonl")])
    scored = _scored_queries(scores, "train")
    if not scored:
        raise JobError(f"The train split in {scores} holds no query: the scoring stage had nothing to score.")
    kept, dropped = filter_by_teacher(
        scored,
        max_source_rank=arguments.teacher_max_source_rank,
        drop_lowest_share=arguments.teacher_drop_lowest_share,
    )
    dev_queries = _scored_queries(scores, "dev")

    def rows(queries: Iterable[ScoredQuery]) -> list[DistillationRow]:
        return [row for query in queries for row in distillation_rows(query, store, arguments.num_negatives)]

    return TrainingRows(
        store=store,
        queries=len(kept),
        dropped=dropped,
        train=rows(kept),
        dev=rows(dev_queries)[:DEV_ROWS],
        dev_queries=dev_queries,
    )


def _scored_queries(scores: Path, split: str) -> list[ScoredQuery]:
    queries = []
    for path in score_files(scores, split):
        for query in read_jsonl(path, ScoredQuery):
            if len(query.doc_ids) != len(query.scores):
                raise ContractError(f"{path}: doc_ids and scores of query {query.query_id!r} differ in length")
            queries.append(query)
    return queries
