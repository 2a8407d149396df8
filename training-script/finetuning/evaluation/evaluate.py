"""Stage 6: measures the tuned model on queries that training never saw, and decides whether to deploy it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import msgspec

from ..artifacts.archives import unpack
from ..artifacts.arguments import EvaluationArguments
from ..artifacts.documents import DocumentStore
from ..artifacts.environment import JobError, channel_file
from ..artifacts.jsonl import write_json
from ..artifacts.records import EvaluationReport, EvaluationSet, GateDecision
from ..models.devices import default_device
from ..models.loading import ModelSource
from ..models.prompts import saved_prompts
from ..scoring.teachers.base import ScoringLimits
from ..scoring.teachers.registry import JUDGE_KINDS, load_teacher
from .evaluation_queries import TestQuery, held_out_queries, judged_queries
from .evaluation_set import measure
from .gate import GENERAL, HELD_OUT, JUDGED, POOLED, decide
from .general_collection import general_store
from .pooled_judgement import PooledQuery, pooled_judgements
from .rankers import QueryRankings, evaluation_rows, rank_all
from .report.markdown import render_markdown
from .report.page import render_page
from .training_curves import as_text, training_curves, training_settings

JUDGE_TOKENS_PER_BATCH = 16_384
"""Padded tokens of one forward pass of the judge."""

_MODEL_ARCHIVE = "model.tar.gz"


@dataclass(frozen=True)
class EvaluationInputs:
    """Folders of the evaluation stage's channels. `model` holds model.tar.gz or its unpacked content."""

    corpus: Path
    training_data: Path
    model: Path
    judgements: Path | None
    general: Path | None


def evaluate(inputs: EvaluationInputs, output: Path, arguments: EvaluationArguments) -> GateDecision:
    """Writes report.json, report.html, report.md and decision.json to `output`.

    Raises:
        JobError: when there is no query to evaluate on, the model channel holds no model, or the judge is the teacher.
        ContractError: on input that breaks the contract.
    """
    if arguments.judge_model_id and arguments.judge_model_id == arguments.teacher_model_id:
        raise JobError(
            f"judge_model_id must not be the teacher, {arguments.teacher_model_id}: a student resembles its teacher, "
            "so this teacher would find it better than it is. Choose another model, or leave judge_model_id out."
        )
    store = DocumentStore.of_folder(inputs.corpus)
    held_out = held_out_queries(channel_file(inputs.training_data, "test.jsonl"), store)
    judged = judged_queries(inputs.judgements, store) if inputs.judgements is not None else []
    queries = [*held_out, *judged]
    rows = _ranked_rows(queries, store, arguments)
    print(
        f"Evaluating {len(held_out)} held-out and {len(judged)} judged queries "
        f"over {len(rows)} of {len(store)} documents",
        flush=True,
    )
    with TemporaryDirectory() as temporary:
        model = model_folder(inputs.model, Path(temporary))
        rankings = _rank(queries, store, rows, model, arguments)
        curves, trained_with = training_curves(model), training_settings(model)
        prompts = saved_prompts(model)
        general = [] if inputs.general is None else [_general(inputs.general, model, Path(temporary), arguments)]

    def measured(name: str, part: list[TestQuery], positions: list[int]) -> EvaluationSet:
        return measure(name, part, positions, rankings, store, documents=len(rows), seed=arguments.seed)

    sets = [measured(HELD_OUT, held_out, list(range(len(held_out))))]
    if arguments.judge_model_id:
        pooled = _pooled(held_out, rankings, store, rows, arguments)
        sets.append(measured(POOLED, [each.query for each in pooled], [each.position for each in pooled]))
    if judged:
        sets.append(measured(JUDGED, judged, list(range(len(held_out), len(queries)))))
    sets += general
    report = EvaluationReport(
        base_model_id=arguments.base_model_id,
        teacher_model_id=arguments.teacher_model_id,
        judge_model_id=arguments.judge_model_id,
        sets=sets,
        sparsity=list(rankings.sparsity),
        training=curves,
        settings={
            **trained_with,
            **{name: as_text(value) for name, value in msgspec.structs.asdict(arguments).items()},
        },
    )
    decision = decide(
        sets,
        arguments.min_ndcg_gain,
        arguments.max_general_drop,
        force_deploy=arguments.force_deploy,
        prompts=prompts,
    )
    write_json(output / "report.json", report)
    write_json(output / "decision.json", decision)
    text = render_markdown(report, decision)
    (output / "report.md").write_text(text, encoding="utf-8")
    (output / "report.html").write_text(render_page(report, decision), encoding="utf-8")
    print(text, flush=True)
    print(decision, flush=True)
    return decision


def model_folder(channel: Path, temporary: Path) -> Path:
    """The folder with the tuned model: the channel's model.tar.gz unpacked into `temporary`, or the channel itself.

    Raises:
        JobError: when the channel holds neither, or the archive is unsafe or broken.
    """
    archive = channel / _MODEL_ARCHIVE
    if not archive.is_file():
        channel_file(channel, "modules.json")
        return channel
    unpack(archive, temporary)
    return temporary


def _ranked_rows(queries: list[TestQuery], store: DocumentStore, arguments: EvaluationArguments) -> list[int]:
    relevant = (row for query in queries for row in query.relevance)
    return evaluation_rows(store, relevant, arguments.max_evaluation_documents, arguments.seed)


def _rank(
    queries: list[TestQuery], store: DocumentStore, rows: list[int], model: Path, arguments: EvaluationArguments
) -> QueryRankings:
    sources: dict[Literal["base", "tuned"], ModelSource] = {
        "base": ModelSource(
            arguments.base_model_id, "base_model_id", arguments.base_model_revision, arguments.trust_remote_code
        ),
        "tuned": ModelSource(str(model), "base_model_id", None, arguments.trust_remote_code),
    }
    return rank_all(queries, store, rows, sources, arguments.model_type, arguments.max_seq_length)


def _general(folder: Path, model: Path, temporary: Path, arguments: EvaluationArguments) -> EvaluationSet:
    store = general_store(folder, temporary)
    queries = judged_queries(folder, store)
    rows = _ranked_rows(queries, store, arguments)
    print(f"Evaluating {len(queries)} queries of the general collection over {len(rows)} documents", flush=True)
    rankings = _rank(queries, store, rows, model, arguments)
    positions = list(range(len(queries)))
    return measure(GENERAL, queries, positions, rankings, store, documents=len(rows), seed=arguments.seed)


def _pooled(
    held_out: list[TestQuery],
    rankings: QueryRankings,
    store: DocumentStore,
    rows: list[int],
    arguments: EvaluationArguments,
) -> list[PooledQuery]:
    print(f"Judging pooled documents with {arguments.judge_model_id}", flush=True)
    judge = load_teacher(
        ModelSource(arguments.judge_model_id, "judge_model_id"),
        ScoringLimits(arguments.max_seq_length, JUDGE_TOKENS_PER_BATCH),
        default_device(),
        JUDGE_KINDS,
    )
    pooled = pooled_judgements(held_out, rankings, store, rows, judge, seed=arguments.seed)
    if not pooled:
        raise JobError(
            f"The judge {arguments.judge_model_id} scores no query's own document above random ones: it is no model of "
            "relevance for this corpus. Choose another judge_model_id, or leave it out."
        )
    return pooled
