"""Stage 6: measures base, tuned and BM25 on queries that training never saw, and decides whether to deploy."""

from __future__ import annotations

import csv
import json
import random
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from .bm25 import Bm25Index
from .contract import (
    ContractError,
    EvaluationReport,
    EvaluationSet,
    GateDecision,
    HeldOutQuery,
    Rankers,
    read_jsonl,
    write_json,
)
from .documents import DocumentStore
from .embedding import default_device, load_embedding_model, rank_dense
from .environment import JobError, channel_file
from .ranking_metrics import RECALL_DEPTH, QueryMetrics, mean_metrics, ndcg_gain, query_metrics

HELD_OUT = "held_out"
JUDGED = "judged"

_MODEL_ARCHIVE = "model.tar.gz"


@dataclass(frozen=True)
class EvaluationInputs:
    """Folders of the evaluation stage's channels. `model` holds model.tar.gz or its unpacked content."""

    corpus: Path
    training_data: Path
    model: Path
    judgements: Path | None


@dataclass(frozen=True)
class EvaluationSettings:
    """Hyperparameters of an evaluation job."""

    base_model_id: str
    max_seq_length: int
    min_ndcg_gain: float
    force_deploy: bool
    max_evaluation_documents: int
    trust_remote_code: bool
    seed: int


@dataclass(frozen=True)
class TestQuery:
    """A query, its relevant documents (graded, by row of the corpus), and those to leave out of its ranking."""

    __test__ = False  # pytest would take the name for a test class

    text: str
    relevance: dict[int, int]
    excluded: frozenset[int] = field(default_factory=frozenset)


def evaluate(inputs: EvaluationInputs, output: Path, settings: EvaluationSettings) -> GateDecision:
    """Writes report.json, report.md and decision.json to `output`.

    Raises:
        JobError: when there is no query to evaluate on, or the model channel holds no model.
        ContractError: on input that breaks the contract.
    """
    store = DocumentStore.of_folder(inputs.corpus)
    query_sets = {HELD_OUT: held_out_queries(channel_file(inputs.training_data, "test.jsonl"), store)}
    if inputs.judgements is not None:
        query_sets[JUDGED] = judged_queries(inputs.judgements, store)
    queries = [query for query_set in query_sets.values() for query in query_set]
    rows = evaluation_rows(
        len(store),
        (row for query in queries for row in query.relevance),
        settings.max_evaluation_documents,
        settings.seed,
    )
    counts = ", ".join(f"{len(query_set)} {name} queries" for name, query_set in query_sets.items())
    print(f"Evaluating {counts} over {len(rows)} of {len(store)} documents", flush=True)

    with TemporaryDirectory() as temporary:
        rankings = rank_all(queries, store, rows, model_folder(inputs.model, Path(temporary)), settings)
    metrics = {
        ranker: [query_metrics(ranking, query.relevance) for ranking, query in zip(lists, queries, strict=True)]
        for ranker, lists in rankings.items()
    }
    sets, start = [], 0
    for name, query_set in query_sets.items():
        part = slice(start, start + len(query_set))
        sets.append(_evaluation_set(name, len(rows), {ranker: m[part] for ranker, m in metrics.items()}, settings.seed))
        start += len(query_set)
    report = EvaluationReport(settings.base_model_id, sets)
    decision = decide(sets, settings.min_ndcg_gain, force_deploy=settings.force_deploy)
    write_json(output / "report.json", report)
    write_json(output / "decision.json", decision)
    text = render_report(report, decision)
    (output / "report.md").write_text(text, encoding="utf-8")
    print(text, flush=True)
    return decision


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
        queries.append(TestQuery(query.query, {source: 1}, frozenset(map(int, same_text)) - {source}))
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
    texts = _beir_queries(channel_file(folder, "queries.jsonl"))
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


def evaluation_rows(documents: int, relevant: Iterable[int], limit: int, seed: int) -> list[int]:
    """The documents to rank, in order: all, or a random sample of `limit` that holds every relevant one.

    More than `limit` only where the relevant documents alone are more.
    """
    if documents <= limit:
        return list(range(documents))
    kept = set(relevant)
    others = [row for row in range(documents) if row not in kept]
    return sorted(kept.union(random.Random(seed).sample(others, max(0, limit - len(kept)))))


def rank_all(
    queries: Sequence[TestQuery], store: DocumentStore, rows: list[int], tuned_model: Path, settings: EvaluationSettings
) -> dict[str, list[list[int]]]:
    """Each ranker's list of document rows for each query, best first, without what the query excludes."""
    texts = [query.text for query in queries]
    depth = RECALL_DEPTH + max((len(query.excluded) for query in queries), default=0)

    positions, scores = Bm25Index(store.text(row) for row in rows).top_k(texts, depth)
    bm25 = [
        [rows[position] for position, score in zip(found, found_scores, strict=True) if score > 0]
        for found, found_scores in zip(positions.tolist(), scores.tolist(), strict=True)
    ]
    lists = {"bm25": bm25}
    for name, model_id in (("base", settings.base_model_id), ("tuned", str(tuned_model))):
        print(f"Ranking with the {name} model", flush=True)
        model = load_embedding_model(
            model_id,
            max_seq_length=settings.max_seq_length,
            device=default_device(),
            trust_remote_code=settings.trust_remote_code,
        )
        lists[name] = rank_dense(model, texts, store, rows, depth).tolist()
    return {
        name: [
            [row for row in ranking if row not in query.excluded]
            for ranking, query in zip(rankings, queries, strict=True)
        ]
        for name, rankings in lists.items()
    }


def decide(sets: Sequence[EvaluationSet], min_ndcg_gain: float, *, force_deploy: bool) -> GateDecision:
    """The gate: deploy only when the gain in nDCG@10 is above `min_ndcg_gain` with 97.5 % confidence, or when forced.

    Human judgements, where there are any, decide; else the held-out queries do.
    """
    chosen = next((part for part in sets if part.name == JUDGED), sets[0])
    gain = chosen.ndcg_gain
    enough = gain.low > min_ndcg_gain
    name = "judged" if chosen.name == JUDGED else "held-out"
    measured = (
        f"On {chosen.queries} {name} queries the tuned model's nDCG@10 is {chosen.rankers.tuned.ndcg_at_10:.3f}, "
        f"the base model's {chosen.rankers.base.ndcg_at_10:.3f}: a gain of {gain.mean:+.3f} "
        f"(95 % interval {gain.low:+.3f} to {gain.high:+.3f})."
    )
    if enough:
        verdict = f"The lower bound is above the required {min_ndcg_gain:g}, so the tuned model is deployed."
    elif force_deploy:
        verdict = (
            f"The lower bound is not above the required {min_ndcg_gain:g}, but force_deploy is set: deployed anyway."
        )
    else:
        verdict = (
            f"The lower bound is not above the required {min_ndcg_gain:g}, so the tuned model is not deployed. "
            "More queries or steps may help; force_deploy overrides this."
        )
    return GateDecision(
        deploy=enough or force_deploy,
        reason=f"{measured} {verdict}",
        ndcg_base=chosen.rankers.base.ndcg_at_10,
        ndcg_tuned=chosen.rankers.tuned.ndcg_at_10,
        ndcg_gain_low=gain.low,
    )


def render_report(report: EvaluationReport, decision: GateDecision) -> str:
    """The report as Markdown."""
    lines = [f"# Evaluation of the model tuned from {report.base_model_id}", "", decision.reason, ""]
    for part in report.sets:
        title = "Queries with human judgements" if part.name == JUDGED else "Held-out synthetic queries"
        gain = part.ndcg_gain
        lines += [
            f"## {title}",
            "",
            f"{part.queries} queries over {part.documents} documents.",
            "",
            "| ranker | nDCG@10 | Recall@100 | MRR@10 |",
            "|---|---|---|---|",
            *(
                f"| {name} | {metrics.ndcg_at_10:.3f} | {metrics.recall_at_100:.3f} | {metrics.mrr_at_10:.3f} |"
                for name, metrics in (
                    ("BM25", part.rankers.bm25),
                    ("base model", part.rankers.base),
                    ("tuned model", part.rankers.tuned),
                )
            ),
            "",
            f"nDCG@10, tuned minus base: {gain.mean:+.3f} (95 % interval {gain.low:+.3f} to {gain.high:+.3f}); "
            f"better on {gain.wins} queries, worse on {gain.losses}.",
            "",
        ]
    lines += [
        "Held-out queries come from the same generator as the training queries, so gains on them tend to be larger "
        "than on queries that people write.",
        "",
    ]
    return "\n".join(lines)


def model_folder(channel: Path, temporary: Path) -> Path:
    """The folder with the tuned model: the channel's model.tar.gz unpacked into `temporary`, or the channel itself.

    Raises:
        JobError: when the channel holds neither, or the archive is unsafe or broken.
    """
    archive = channel / _MODEL_ARCHIVE
    if not archive.is_file():
        channel_file(channel, "modules.json")
        return channel
    try:
        with tarfile.open(archive) as tar:
            tar.extractall(temporary, filter="data")
    except tarfile.TarError as error:
        raise JobError(f"{archive} cannot be unpacked: {error}") from error
    return temporary


def _evaluation_set(
    name: str, documents: int, metrics: Mapping[str, Sequence[QueryMetrics]], seed: int
) -> EvaluationSet:
    ndcg = {ranker: [query.ndcg_at_10 for query in per_query] for ranker, per_query in metrics.items()}
    return EvaluationSet(
        name=name,
        queries=len(metrics["base"]),
        documents=documents,
        rankers=Rankers(
            bm25=mean_metrics(metrics["bm25"]), base=mean_metrics(metrics["base"]), tuned=mean_metrics(metrics["tuned"])
        ),
        ndcg_gain=ndcg_gain(ndcg["base"], ndcg["tuned"], seed),
    )


def _beir_queries(path: Path) -> dict[str, str]:
    queries: dict[str, str] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
            identifier, text = record["_id"], record["text"]
        except (ValueError, TypeError, KeyError) as error:
            raise ContractError(
                f"{path}:{number}: each line must be an object with _id and text ({error!r})"
            ) from error
        if not isinstance(identifier, str) or not isinstance(text, str) or not text.strip():
            raise ContractError(f"{path}:{number}: _id and text must be strings, and text not empty")
        queries[identifier] = text
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
