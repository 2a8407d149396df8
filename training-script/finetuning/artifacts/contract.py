"""The contract between the pipeline's stages, Python side; `lambdas/shared/contract.ts` is the TypeScript side.

Every record is a dataclass whose fields and types are those of the zod schema of the same name. Reading validates and
ignores unknown fields, as zod does; errors name the file and the line.
"""

from __future__ import annotations

import json
import math
import re
import types
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import IO, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

Split = Literal["train", "dev", "test"]
QueryStyle = Literal["question", "claim", "keywords", "title"]
ModelType = Literal["dense", "sparse"]

_RECORD_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class ContractError(ValueError):
    """Data that does not follow the contract; the message names the file and the line."""


@dataclass(frozen=True)
class CorpusDocument:
    """One document of the normalised corpus. `id` is unique in the run."""

    id: str
    text: str

    def __post_init__(self) -> None:
        _require(self.id != "", "id must not be empty")
        _require(self.text != "", "text must not be empty")


@dataclass(frozen=True)
class QueryRecord:
    """Joins a Bedrock record to the document it was made from."""

    record_id: str
    doc_id: str
    split: Split
    styles: list[QueryStyle]

    def __post_init__(self) -> None:
        _require(_RECORD_ID.fullmatch(self.record_id) is not None, "record_id must match [A-Za-z0-9_-]{1,64}")
        _require(self.doc_id != "", "doc_id must not be empty")
        _require(len(self.styles) > 0, "styles must not be empty")


@dataclass(frozen=True)
class MinedQuery:
    """A query of the train or dev split with its source document and its hard negatives, best first."""

    query_id: str
    query: str
    style: str
    doc_id: str
    negative_ids: list[str]

    def __post_init__(self) -> None:
        _require(self.query != "", "query must not be empty")


@dataclass(frozen=True)
class HeldOutQuery:
    """A query of the test split: only ever used to evaluate."""

    query_id: str
    query: str
    style: str
    doc_id: str

    def __post_init__(self) -> None:
        _require(self.query != "", "query must not be empty")


@dataclass(frozen=True)
class MiningManifest:
    """`training-data/manifest.json`: what the mining stage read, dropped and wrote."""

    records_read: int
    """Records that Bedrock answered, with success or with an error."""
    records_failed: int
    """Records that no attempt succeeded for, those without any answer included."""
    records_unparsable: int
    """Records that were answered, but with nothing that reads as queries."""
    queries_parsed: int
    queries_dropped: dict[str, int]
    train_queries: int
    dev_queries: int
    test_queries: int
    queries_by_style: dict[str, int]
    negatives: int
    corpus_documents: int


@dataclass(frozen=True)
class ScoredQuery:
    """A query with teacher scores for its documents; `doc_ids[0]` is the source document."""

    query_id: str
    query: str
    style: str
    doc_ids: list[str]
    scores: list[float]

    def __post_init__(self) -> None:
        _require(self.query != "", "query must not be empty")
        _require(len(self.doc_ids) >= 2, "doc_ids must hold the source document and at least one negative")
        _require(len(self.doc_ids) == len(self.scores), "doc_ids and scores must be of equal length")
        _require(all(math.isfinite(score) for score in self.scores), "scores must be finite")


@dataclass(frozen=True)
class ScoringManifest:
    """`scores/manifest.json`."""

    teacher_model_id: str
    queries: int
    pairs: int
    pairs_resumed: int
    seconds: float


@dataclass(frozen=True)
class RankingMetrics:
    """Metrics of one ranker over one set of queries, each in 0..1."""

    ndcg_at_10: float
    recall_at_100: float
    mrr_at_10: float


@dataclass(frozen=True)
class Rankers:
    """The rankers that an evaluation compares; the hybrids fuse BM25 with the dense ranking of one of the models."""

    bm25: RankingMetrics
    base: RankingMetrics
    tuned: RankingMetrics
    base_hybrid: RankingMetrics
    tuned_hybrid: RankingMetrics


@dataclass(frozen=True)
class Interval:
    """A 95 % interval."""

    low: float
    high: float


@dataclass(frozen=True)
class RankerIntervals:
    """Bootstrap 95 % interval of each ranker's nDCG@10."""

    bm25: Interval
    base: Interval
    tuned: Interval
    base_hybrid: Interval
    tuned_hybrid: Interval


@dataclass(frozen=True)
class MetricGain:
    """Tuned minus base in one metric with a paired bootstrap 95 % interval; wins and losses count queries."""

    mean: float
    low: float
    high: float
    wins: int
    losses: int


@dataclass(frozen=True)
class StyleResult:
    """Base and tuned on the queries of one style."""

    style: str
    queries: int
    base: RankingMetrics
    tuned: RankingMetrics
    ndcg_gain: MetricGain


@dataclass(frozen=True)
class ReturnedDocument:
    """A document that a model returned; `relevance` is its grade, 0 where it is not relevant or not judged."""

    doc_id: str
    snippet: str
    relevance: int


@dataclass(frozen=True)
class QueryChange:
    """What tuning did to one query. A rank of 0 means: not among the first 100."""

    query: str
    style: str
    ndcg_base: float
    ndcg_tuned: float
    relevant_doc_id: str
    """The most relevant document; `relevant_snippet` and the two ranks are of it."""
    relevant_snippet: str
    base_rank: int
    tuned_rank: int
    base_results: list[ReturnedDocument]
    tuned_results: list[ReturnedDocument]


@dataclass(frozen=True)
class EvaluationSet:
    """One set of queries evaluated with each ranker."""

    name: str
    queries: int
    documents: int
    rankers: Rankers
    ndcg_intervals: RankerIntervals
    ndcg_gain: MetricGain
    recall_gain: MetricGain
    mrr_gain: MetricGain
    hybrid_ndcg_gain: MetricGain
    """The hybrid of the tuned model minus the hybrid of the base model."""
    hybrid_recall_gain: MetricGain
    hybrid_mrr_gain: MetricGain
    styles: list[StyleResult]
    """Empty for queries without a style."""
    query_gains: list[float]
    """Tuned minus base in nDCG@10 of each query, best first; of very many queries, evenly chosen ones."""
    gained: list[QueryChange]
    """The ten queries that gained most, most first."""
    lost: list[QueryChange]
    """The ten queries that lost most, most first."""


@dataclass(frozen=True)
class Sparsity:
    """What a sparse encoder's vectors cost an inverted index."""

    model: Literal["base", "tuned"]
    query_active_dims: float
    """Words with a weight, mean over queries: postings lists that a search reads."""
    document_active_dims: float
    """The same of documents: size of the index."""
    flops: float
    """Words that a query and a document have in common, mean over all pairs."""


@dataclass(frozen=True)
class CurvePoint:
    """One value of a training curve."""

    step: int
    value: float


@dataclass(frozen=True)
class TrainingCurves:
    """What the model's artifact says of its training; empty where it says nothing."""

    train_loss: list[CurvePoint]
    dev_loss: list[CurvePoint]
    dev_ndcg: list[CurvePoint]


@dataclass(frozen=True)
class EvaluationReport:
    """`evaluation/report.json`."""

    base_model_id: str
    teacher_model_id: str
    judge_model_id: str
    """Empty without a pooled judgement."""
    sets: list[EvaluationSet]
    """`held_out` is always there; `pooled` with a judge; `judged` and `general` when the user gave
    judged queries and a general collection."""
    sparsity: list[Sparsity]
    """Of the base and the tuned model on the corpus; empty for dense models."""
    training: TrainingCurves
    settings: dict[str, str]
    """Of the training and of the evaluation, for people to read."""

    def __post_init__(self) -> None:
        _require(len(self.sets) > 0, "sets must not be empty")


@dataclass(frozen=True)
class GateDecision:
    """`evaluation/decision.json`: small enough for the state machine to read."""

    deploy: bool
    reason: str
    ndcg_base: float
    ndcg_tuned: float
    ndcg_gain_low: float
    query_prompt: str = ""
    """What the tuned model expects before a query; empty for nothing."""
    document_prompt: str = ""
    """What the tuned model expects before a document; empty for nothing."""


Record = TypeVar("Record")


def parse_record(record_type: type[Record], value: object) -> Record:
    """Validates a decoded JSON value against a contract dataclass.

    Raises:
        ContractError: naming the field that is absent or of the wrong type.
    """
    return _parsed(record_type, value, "record")


def read_jsonl(path: Path, record_type: type[Record]) -> Iterator[Record]:
    """Streams the records of a JSONL file; blank lines are skipped.

    Raises:
        ContractError: naming the file and the line that is no JSON or breaks the contract.
    """
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                yield parse_line(line, record_type, f"{path}:{number}")


def parse_line(line: bytes, record_type: type[Record], place: str) -> Record:
    """Parses one line of a JSONL file. `place` (file and line) begins the message of the ContractError raised."""
    try:
        return parse_record(record_type, json.loads(line))
    except ContractError as error:
        raise ContractError(f"{place}: {error}") from error
    except ValueError as error:
        raise ContractError(f"{place}: not JSON in UTF-8: {error}") from error


def read_json(path: Path, record_type: type[Record]) -> Record:
    """Reads a JSON file that holds one record. Raises ContractError, naming the file."""
    return parse_line(path.read_bytes(), record_type, str(path))


def encode_record(record: object) -> str:
    """One record as a line of JSON, without the newline."""
    if not is_dataclass(record) or isinstance(record, type):
        raise TypeError(f"{record!r} is no record of the contract")
    return json.dumps(asdict(record), ensure_ascii=False, allow_nan=False)


class JsonlWriter:
    """Writes records to an open text file and counts them."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self.count = 0

    def write(self, record: object) -> None:
        """Appends one record of the contract."""
        self._file.write(encode_record(record) + "\n")
        self.count += 1


@contextmanager
def jsonl_writer(path: Path) -> Iterator[JsonlWriter]:
    """Opens a JSONL file for writing. It gets its name only when complete, so a killed job leaves no half file."""
    partial = path.with_name(path.name + ".partial")
    with partial.open("w", encoding="utf-8") as file:
        yield JsonlWriter(file)
    partial.replace(path)


def write_jsonl(path: Path, records: Iterable[object]) -> int:
    """Writes all records to a JSONL file; returns how many."""
    with jsonl_writer(path) as writer:
        for record in records:
            writer.write(record)
        return writer.count


def write_json(path: Path, record: object) -> None:
    """Writes one record as an indented JSON file."""
    text = json.dumps(json.loads(encode_record(record)), ensure_ascii=False, indent=2)
    path.write_text(text + "\n", encoding="utf-8")


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ContractError(message)


@cache
def _field_types(record_type: type) -> dict[str, Any]:
    hints = get_type_hints(record_type)
    return {field.name: hints[field.name] for field in fields(record_type)}


def _parsed(expected: Any, value: object, name: str) -> Any:  # noqa: ANN401 (type hints and JSON)
    if is_dataclass(expected) and isinstance(expected, type):
        if not isinstance(value, dict):
            raise ContractError(f"{name} must be an object")
        arguments: dict[str, Any] = {}
        for field, field_type in _field_types(expected).items():
            if field not in value:
                raise ContractError(f"{field} is missing")
            arguments[field] = _parsed(field_type, value[field], field)
        return expected(**arguments)
    origin = get_origin(expected)
    if origin is Literal:
        if value not in get_args(expected):
            raise ContractError(f"{name} must be one of {', '.join(map(str, get_args(expected)))}, not {value!r}")
        return value
    if origin is list:
        if not isinstance(value, list):
            raise ContractError(f"{name} must be an array")
        (item_type,) = get_args(expected)
        return [_parsed(item_type, item, f"{name}[{index}]") for index, item in enumerate(value)]
    if origin is dict:
        if not isinstance(value, dict):
            raise ContractError(f"{name} must be an object")
        _, item_type = get_args(expected)
        return {key: _parsed(item_type, item, f"{name}.{key}") for key, item in value.items()}
    if origin in (Union, types.UnionType):
        raise TypeError(f"{name}: unions are no part of the contract")
    return _scalar(expected, value, name)


def _scalar(expected: Any, value: object, name: str) -> Any:  # noqa: ANN401 (type hints and JSON)
    if expected is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, expected) or (isinstance(value, bool) and expected is not bool):
        words = {str: "a string", int: "a whole number", float: "a number", bool: "true or false"}
        raise ContractError(f"{name} must be {words[expected]}, not {value!r}")
    return value
