"""Stage 3: turns the model's answers into training queries with BM25 hard negatives, and held-out test queries."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from .bm25 import Bm25Index
from .contract import (
    ContractError,
    HeldOutQuery,
    MinedQuery,
    MiningManifest,
    QueryRecord,
    Split,
    jsonl_writer,
    read_jsonl,
    write_json,
    write_jsonl,
)
from .documents import DocumentStore
from .environment import JobError
from .generated_queries import GeneratedQuery, parse_queries, read_answers, style_of

MINIMUM_TRAIN_QUERIES = 10
"""With fewer, something upstream is broken and training would only hide it."""

NEGATIVE_MARGIN = 5
"""Candidates fetched beyond num_negatives, to make up for the source and its duplicates (as in the original)."""

SHORTEST_QUERY = 3
"""Characters; counted in characters because not every language puts spaces between words."""

LONGEST_QUERY = 512
"""Characters; longer answers are passages, not queries."""

COPY_LENGTH = 120
"""Characters from which on a query found word for word in its passage is a copy: shorter ones are titles and terms."""

COPY_SHARE = 0.9
"""Share of a query's word 4-grams in the passage from which on it is a copy of it."""

COPY_WORDS = 20
"""Words from which on the share of 4-grams is looked at."""

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


def mine(
    inputs: MiningInputs, output: Path, *, num_negatives: int, max_corpus_documents: int | None, seed: int
) -> MiningManifest:
    """Writes train.jsonl, dev.jsonl, test.jsonl, documents.jsonl and manifest.json to `output`.

    A held-out (dev or test) document's query never gets into train, nor does a query of the same text, nor a query of a
    document whose text equals that of a held-out one.

    Args:
        num_negatives: hard negatives a query: BM25's best, without the source and whatever has the source's text. Where
            fewer documents share a word with the query, random documents (by `seed`) fill the list up.
        max_corpus_documents: only the first so many documents of the corpus are used; None for all.

    Raises:
        JobError: when hardly any query is usable.
        ContractError: on input that breaks the contract.
    """
    records = _read_records(inputs.records)
    answers = _read_answers(inputs.generated, records)
    print(f"{answers.answered} of {len(records)} records answered, {answers.failed} failed", flush=True)
    store = DocumentStore.of_folder(inputs.corpus, max_documents=max_corpus_documents)
    print(f"{len(store)} documents in the corpus", flush=True)

    dropped: Counter[str] = Counter()
    dropped["unknown_record"] += answers.unknown
    queries = _select(records, answers.queries, store, dropped)
    if len(queries["train"]) < MINIMUM_TRAIN_QUERIES:
        raise JobError(_too_few_message(len(queries["train"]), len(records), answers, dropped))

    print("Building the BM25 index", flush=True)
    index = Bm25Index(store.texts())
    negatives = 0
    used_rows: set[int] = set()
    for split in ("train", "dev"):
        with jsonl_writer(output / f"{split}.jsonl") as writer:
            for query, rows in _with_negatives(queries[split], index, store, num_negatives, seed):
                used_rows.update((query.row, *rows))
                negatives += len(rows)
                ids = [store.document(row).id for row in rows]
                writer.write(MinedQuery(query.query_id, query.text, query.style, query.doc_id, ids))
    write_jsonl(
        output / "test.jsonl",
        (HeldOutQuery(query.query_id, query.text, query.style, query.doc_id) for query in queries["test"]),
    )
    write_jsonl(output / "documents.jsonl", (store.document(row) for row in sorted(used_rows)))

    styles = Counter(query.style for split in _SPLITS_BY_PRECEDENCE for query in queries[split])
    manifest = MiningManifest(
        records_read=answers.answered,
        records_failed=answers.failed,
        records_unparsable=answers.unparsable,
        queries_parsed=sum(len(parsed) for parsed in answers.queries.values()),
        queries_dropped={reason: count for reason, count in sorted(dropped.items()) if count > 0},
        train_queries=len(queries["train"]),
        dev_queries=len(queries["dev"]),
        test_queries=len(queries["test"]),
        queries_by_style=dict(sorted(styles.items())),
        negatives=negatives,
        corpus_documents=len(store),
    )
    write_json(output / "manifest.json", manifest)
    print(manifest, flush=True)
    return manifest


def normalised(text: str) -> str:
    """Lower case with single spaces: two queries of equal normalised text count as the same query."""
    return re.sub(r"\s+", " ", text).strip().lower()


def is_near_copy(query: str, passage: str) -> bool:
    """Whether a query merely repeats its passage, so that finding it needs no understanding.

    Short quotations such as a title or a term are queries that people do type, and are no copies.
    """
    query, passage = normalised(query), normalised(passage)
    if len(query) >= min(COPY_LENGTH, int(COPY_SHARE * len(passage))) and query.rstrip(".?!") in passage:
        return True
    words = re.findall(r"\w+", query)
    if len(words) < COPY_WORDS:
        return False
    in_passage = _four_grams(re.findall(r"\w+", passage))
    in_query = _four_grams(words)
    return len(in_query & in_passage) >= COPY_SHARE * len(in_query)


def _four_grams(words: list[str]) -> set[tuple[str, ...]]:
    return {tuple(words[start : start + 4]) for start in range(len(words) - 3)}


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
    return records


def _read_answers(folder: Path, records: dict[str, QueryRecord]) -> _Answers:
    queries: dict[str, list[GeneratedQuery]] = {}
    answered: set[str] = set()
    succeeded: set[str] = set()
    unknown = 0
    for answer in read_answers(folder):
        if answer.record_id not in records:
            unknown += 1
            continue
        answered.add(answer.record_id)
        if answer.text is None:
            continue
        succeeded.add(answer.record_id)
        parsed = parse_queries(answer.text)
        if parsed and answer.record_id not in queries:
            queries[answer.record_id] = parsed
    return _Answers(
        queries=queries,
        answered=len(answered),
        failed=len(records) - len(succeeded),
        unparsable=len(succeeded) - len(queries),
        unknown=unknown,
    )


def _select(
    records: dict[str, QueryRecord],
    answers: dict[str, list[GeneratedQuery]],
    store: DocumentStore,
    dropped: Counter[str],
) -> dict[Split, list[_Query]]:
    """Keeps the usable queries of each split; held-out splits choose first, so nothing of theirs remains for train."""
    selected: dict[Split, list[_Query]] = {split: [] for split in _SPLITS_BY_PRECEDENCE}
    taken_texts: dict[str, Split] = {}
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
                reason = _unusable(text, passage) or _repeated(taken_texts.get(normalised(text)), split)
                if reason is not None:
                    dropped[reason] += 1
                    continue
                taken_texts[normalised(text)] = split
                query_id = f"{record.record_id}-{position}"
                selected[split].append(_Query(query_id, text, style_of(query, position, record), record.doc_id, row))
    return selected


def _unusable(text: str, passage: str) -> str | None:
    if not text:
        return "empty"
    if len(text) < SHORTEST_QUERY:
        return "too_short"
    if len(text) > LONGEST_QUERY:
        return "too_long"
    return "copy_of_passage" if is_near_copy(text, passage) else None


def _repeated(owner: Split | None, split: Split) -> str | None:
    if owner is None:
        return None
    return "duplicate" if owner == split else "held_out_query"


def _with_negatives(
    queries: list[_Query], index: Bm25Index, store: DocumentStore, num_negatives: int, seed: int
) -> Iterator[tuple[_Query, list[int]]]:
    generator = random.Random(seed)
    step = 1024
    for start in range(0, len(queries), step):
        batch = queries[start : start + step]
        ranked, scores = index.top_k([query.text for query in batch], num_negatives + NEGATIVE_MARGIN)
        for query, rows, row_scores in zip(batch, ranked.tolist(), scores.tolist(), strict=True):
            hits = [row for row, score in zip(rows, row_scores, strict=True) if score > 0]
            yield query, _negatives(query, hits, store, num_negatives, generator)
        print(f"Mined {start + len(batch)} of {len(queries)} queries", flush=True)


def _negatives(
    query: _Query, hits: Iterable[int], store: DocumentStore, num_negatives: int, generator: random.Random
) -> list[int]:
    """The best hits and then random documents, no two of the same text and none of the source's."""
    chosen: list[int] = []
    texts = {int(store.text_hashes[query.row])}

    def offer(row: int) -> None:
        text = int(store.text_hashes[row])
        if len(chosen) < num_negatives and text not in texts:
            chosen.append(row)
            texts.add(text)

    for row in hits:
        offer(row)
    for row in generator.sample(range(len(store)), min(len(store), 2 * num_negatives)):
        offer(row)
    return chosen


def _too_few_message(count: int, records: int, answers: _Answers, dropped: Counter[str]) -> str:
    reasons = ", ".join(f"{reason} {number}" for reason, number in dropped.most_common() if number > 0) or "none"
    return (
        f"Only {count} usable training queries (at least {MINIMUM_TRAIN_QUERIES} are needed). Of {records} records, "
        f"{answers.answered} were answered, {answers.failed} failed and {answers.unparsable} were unparsable; "
        f"queries dropped: {reasons}. Check the Bedrock job's output under queries/output (the errorMessage of its "
        "records, and whether the answers hold the JSON asked for), and that the queries were made from this corpus."
    )
