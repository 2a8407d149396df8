"""Stage 3: turns the model's answers into training queries with hard negatives, and held-out test queries."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..artifacts.arguments import MiningArguments
from ..artifacts.documents import DocumentStore
from ..artifacts.environment import JobError
from ..artifacts.jsonl import ContractError, read_jsonl, write_json, write_jsonl
from ..artifacts.records import HeldOutQuery, MinedQuery, MiningManifest, QueryRecord, Split
from ..ranking.bm25 import Bm25Index, is_of_use
from .candidates import CANDIDATE_DEPTH, NegativeChooser, fuse
from .generated_queries import (
    GeneratedQuery,
    UnreadableLine,
    parse_queries,
    read_answers,
    style_of,
    unusable_text,
)
from .query_filters import same_query, unusable

MINIMUM_TRAIN_QUERIES = 10
"""With fewer, something upstream is broken and training would only hide it."""

NEGATIVE_MARGIN = 5
"""Candidates fetched beyond num_hard_negatives, to make up for the source and its duplicates (as in the original)."""

LEAST_KEPT_SHARE = 0.1
"""Share of the queries that must pass the retrieval filter; if fewer do, the queries or the corpus are the problem."""

QUERIES_PER_MESSAGE = 1024

_SPLITS_BY_PRECEDENCE: tuple[Split, ...] = ("test", "dev", "train")


@dataclass(frozen=True)
class MiningInputs:
    """Folders of the mining stage's channels."""

    corpus: Path
    records: Path
    generated: Path


@dataclass(frozen=True)
class _Query:
    query_id: str
    text: str
    style: str
    doc_id: str
    row: int


@dataclass(frozen=True)
class _Answers:
    queries: dict[str, list[GeneratedQuery]]
    answered: int
    failed: int
    unparsable: int
    unknown: int
    unreadable: int


def mine(inputs: MiningInputs, output: Path, arguments: MiningArguments) -> MiningManifest:
    """Writes train.jsonl, dev.jsonl, test.jsonl, documents.jsonl and manifest.json to `output`.

    A held-out (dev or test) document's query never gets into train, nor does a query of the same text, nor a query of a
    document whose text equals that of a held-out one. Test queries are never filtered by retrieval: that would choose
    those that the base model or BM25 find easy. The order of the corpus and of the records changes nothing.

    Raises:
        JobError: when hardly any query is usable.
        ContractError: on input that breaks the contract.
    """
    records = _read_records(inputs.records)
    answers = _read_answers(inputs.generated, records)
    print(f"{answers.answered} of {len(records)} records answered, {answers.failed} failed", flush=True)
    store = DocumentStore.of_folder(inputs.corpus, max_documents=arguments.max_corpus_documents)
    print(f"{len(store)} documents in the corpus", flush=True)

    dropped: Counter[str] = Counter()
    dropped["unknown_record"] += answers.unknown
    dropped["unreadable_line"] += answers.unreadable
    queries = _select(records, answers.queries, store, dropped)
    if len(queries["train"]) < MINIMUM_TRAIN_QUERIES:
        raise JobError(_too_few_message(len(queries["train"]), len(records), answers, dropped))

    rankings = _rankings([*queries["train"], *queries["dev"]], store, arguments)
    found = np.any(rankings[0] >= 0, axis=1)
    bm25_used = is_of_use(found)
    print(_bm25_message(found, bm25_used, arguments), flush=True)
    if not bm25_used:
        rankings = rankings[1:]
    count = len(queries["train"])
    mined = {
        "train": _with_negatives(queries["train"], [r[:count] for r in rankings], store, arguments, dropped),
        "dev": _with_negatives(queries["dev"], [r[count:] for r in rankings], store, arguments, dropped),
    }
    _check_retrieval_filter(count, len(mined["train"]), arguments.max_source_rank)
    used_rows = {row for pairs in mined.values() for query, rows in pairs for row in (query.row, *rows.tolist())}
    for split, pairs in mined.items():
        write_jsonl(
            output / f"{split}.jsonl",
            (
                MinedQuery(
                    query_id=query.query_id,
                    query=query.text,
                    style=query.style,
                    doc_id=query.doc_id,
                    negative_ids=[store.document(r).id for r in rows],
                )
                for query, rows in pairs
            ),
        )
    write_jsonl(
        output / "test.jsonl",
        (
            HeldOutQuery(query_id=query.query_id, query=query.text, style=query.style, doc_id=query.doc_id)
            for query in queries["test"]
        ),
    )
    used = sorted(used_rows, key=lambda row: store.places[row])
    write_jsonl(output / "documents.jsonl", (store.document(row) for row in used))

    kept = {"test": queries["test"], **{split: [query for query, _ in pairs] for split, pairs in mined.items()}}
    manifest = MiningManifest(
        records_read=answers.answered,
        records_failed=answers.failed,
        records_unparsable=answers.unparsable,
        queries_parsed=sum(len(parsed) for parsed in answers.queries.values()),
        queries_dropped={reason: count for reason, count in sorted(dropped.items()) if count > 0},
        train_queries=len(kept["train"]),
        dev_queries=len(kept["dev"]),
        test_queries=len(kept["test"]),
        queries_by_style=dict(sorted(Counter(query.style for split in kept.values() for query in split).items())),
        negatives=sum(len(rows) for pairs in mined.values() for _, rows in pairs),
        corpus_documents=len(store),
        bm25_found_nothing=int(np.count_nonzero(~found)),
        bm25_used=bm25_used,
    )
    write_json(output / "manifest.json", manifest)
    print(manifest, flush=True)
    return manifest


def _read_records(folder: Path) -> dict[str, QueryRecord]:
    records: dict[str, QueryRecord] = {}
    splits: dict[str, Split] = {}
    for path in sorted(folder.rglob("*.jsonl")):
        for record in read_jsonl(path, QueryRecord):
            if record.record_id in records:
                raise ContractError(f"{path}: record_id {record.record_id!r} occurs twice")
            if splits.setdefault(record.doc_id, record.split) != record.split:
                raise ContractError(f"{path}: document {record.doc_id!r} is in two splits")
            records[record.record_id] = record
    if not records:
        raise JobError(f"No query record in {folder}: it must hold queries/records/*.jsonl of the run.")
    return dict(sorted(records.items()))


def _read_answers(folder: Path, records: dict[str, QueryRecord]) -> _Answers:
    queries: dict[str, list[GeneratedQuery]] = {}
    answered: set[str] = set()
    succeeded: set[str] = set()
    unknown = unreadable = 0
    for answer in read_answers(folder):
        if isinstance(answer, UnreadableLine):
            unreadable += 1
            print(f"{answer.place} is skipped: {answer.reason}", flush=True)
            continue
        if answer.record_id not in records:
            unknown += 1
            continue
        answered.add(answer.record_id)
        if answer.text is None:
            continue
        succeeded.add(answer.record_id)
        parsed = parse_queries(answer.text, len(records[answer.record_id].styles))
        if parsed and answer.record_id not in queries:
            queries[answer.record_id] = parsed
    return _Answers(
        queries=queries,
        answered=len(answered),
        failed=len(records) - len(succeeded),
        unparsable=len(succeeded) - len(queries),
        unknown=unknown,
        unreadable=unreadable,
    )


def _select(
    records: dict[str, QueryRecord],
    answers: dict[str, list[GeneratedQuery]],
    store: DocumentStore,
    dropped: Counter[str],
) -> dict[Split, list[_Query]]:
    """Keeps the usable queries of each split; held-out splits choose first, so nothing of theirs remains for train."""
    selected: dict[Split, list[_Query]] = {split: [] for split in _SPLITS_BY_PRECEDENCE}
    taken_queries: dict[str, Split] = {}
    taken_documents: dict[int, Split] = {}
    for split in _SPLITS_BY_PRECEDENCE:
        for record in records.values():
            if record.split != split:
                continue
            row = store.row(record.doc_id)
            parsed = answers.get(record.record_id, [])
            if row is None:
                dropped["document_missing"] += len(parsed)
                continue
            if taken_documents.setdefault(int(store.text_hashes[row]), split) != split:
                dropped["held_out_document"] += len(parsed)
                continue
            passage = store.text(row)
            for position, query in enumerate(parsed):
                text = re.sub(r"\s+", " ", query.text).strip()
                key = same_query(text)
                reason = unusable(text, passage) or unusable_text(text) or _repeated(taken_queries.get(key), split)
                if reason is not None:
                    dropped[reason] += 1
                    continue
                taken_queries[key] = split
                query_id = f"{record.record_id}-{position}"
                selected[split].append(_Query(query_id, text, style_of(query, position, record), record.doc_id, row))
    return selected


def _repeated(owner: Split | None, split: Split) -> str | None:
    if owner is None:
        return None
    return "duplicate" if owner == split else "held_out_query"


def _rankings(queries: Sequence[_Query], store: DocumentStore, arguments: MiningArguments) -> list[np.ndarray]:
    """BM25's and, where asked for, the base model's best documents of each query.

    Returns:
        One array of rows a ranker, of shape (queries, depth), best first; -1 where BM25 finds no more.
    """
    texts = [query.text for query in queries]
    # Without the spread only the best candidates are of use.
    depth = max(
        arguments.num_hard_negatives + NEGATIVE_MARGIN,
        arguments.max_source_rank,
        CANDIDATE_DEPTH if arguments.dense_candidates else 0,
    )
    print("Ranking with BM25", flush=True)
    rows, scores = Bm25Index(store.texts(), tie_order=store.places).top_k(texts, depth)
    rankings = [np.where(scores > 0, rows, -1)]
    if arguments.dense_candidates:
        # Imported here because mining with BM25 alone needs no torch, which takes seconds to load.
        from ..models.devices import default_device
        from ..models.loading import ModelSource
        from ..models.model_types import load_retrieval_model

        print(f"Ranking with {arguments.base_model_id}", flush=True)
        source = ModelSource(
            arguments.base_model_id, "base_model_id", arguments.base_model_revision, arguments.trust_remote_code
        )
        model = load_retrieval_model(
            source, arguments.model_type, max_seq_length=arguments.max_seq_length, device=default_device()
        )
        rankings.append(model.rank(texts, store, range(len(store)), depth).rows)
    return rankings


def _with_negatives(
    queries: Sequence[_Query],
    rankings: Sequence[np.ndarray],
    store: DocumentStore,
    arguments: MiningArguments,
    dropped: Counter[str],
) -> list[tuple[_Query, np.ndarray]]:
    """Each query that passes the retrieval filter, with the rows of its negatives."""
    chooser = NegativeChooser(
        store, arguments.num_hard_negatives, spread=arguments.dense_candidates, seed=arguments.seed
    )
    mined = []
    for number, query in enumerate(queries):
        lists = [ranking[number] for ranking in rankings]
        candidates = fuse([ranked[ranked >= 0].tolist() for ranked in lists], query.row)
        rank = candidates.source_rank
        if arguments.max_source_rank > 0 and (rank is None or rank >= arguments.max_source_rank):
            dropped["source_not_retrieved"] += 1
            continue
        mined.append((query, np.array(chooser.choose(query.row, candidates.rows), dtype=np.int64)))
        if len(mined) % QUERIES_PER_MESSAGE == 0:
            print(f"Chose the negatives of {len(mined)} of {len(queries)} queries", flush=True)
    return mined


def _check_retrieval_filter(before: int, after: int, max_source_rank: int) -> None:
    if after < max(MINIMUM_TRAIN_QUERIES, LEAST_KEPT_SHARE * before):
        raise JobError(
            f"Of {before} training queries only {after} have their source document among the best {max_source_rank} of "
            "BM25 and the base model. Read some of the queries under queries/output: they are probably not about their "
            "documents. Set max_source_rank to 0 to train on them all the same."
        )


def _bm25_message(found: np.ndarray, used: bool, arguments: MiningArguments) -> str:
    message = f"BM25 found no document for {np.count_nonzero(~found)} of {len(found)} queries"
    if used:
        return message
    if arguments.dense_candidates:
        return f"{message}: it is not used, and the negatives are those of the base model alone"
    return f"{message}: it is not used, and the negatives are random; set dense_candidates to true for hard ones"


def _too_few_message(count: int, records: int, answers: _Answers, dropped: Counter[str]) -> str:
    reasons = ", ".join(f"{reason} {number}" for reason, number in dropped.most_common() if number > 0) or "none"
    return (
        f"Only {count} usable training queries (at least {MINIMUM_TRAIN_QUERIES} are needed). Of {records} records, "
        f"{answers.answered} were answered, {answers.failed} failed and {answers.unparsable} were unparsable; "
        f"queries dropped: {reasons}. Check the Bedrock job's output under queries/output (the errorMessage of its "
        "records, and whether the answers hold the JSON asked for), and that the queries were made from this corpus."
    )
