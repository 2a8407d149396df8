"""Stage 6: measures the tuned model on queries that training never saw, and decides whether to deploy it."""

from __future__ import annotations

import tarfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from ..artifacts.contract import EvaluationReport, EvaluationSet, GateDecision, ModelType, write_json
from ..artifacts.documents import DocumentStore
from ..artifacts.environment import JobError, channel_file
from ..models.embedding import TOKENS_PER_BATCH, default_device
from ..models.prompts import saved_prompts
from ..scoring.teacher import load_teacher, teacher_kind
from .evaluation_queries import TestQuery, held_out_queries, judged_queries
from .evaluation_set import measure
from .gate import GENERAL, HELD_OUT, JUDGED, POOLED, decide
from .general_collection import general_store
from .pooled_judgement import PooledQuery, pooled_judgements
from .rankers import QueryRankings, evaluation_rows, rank_all
from .report.markdown import render_markdown
from .report.page import render_page
from .training_curves import as_text, training_curves, training_settings

_MODEL_ARCHIVE = "model.tar.gz"


@dataclass(frozen=True)
class EvaluationInputs:
    """Folders of the evaluation stage's channels. `model` holds model.tar.gz or its unpacked content."""

    corpus: Path
    training_data: Path
    model: Path
    judgements: Path | None
    general: Path | None


@dataclass(frozen=True)
class EvaluationSettings:
    """Hyperparameters of an evaluation job. Without a `judge_model_id` there is no pooled judgement."""

    base_model_id: str
    base_model_revision: str
    model_type: ModelType
    teacher_model_id: str
    judge_model_id: str
    max_seq_length: int
    min_ndcg_gain: float
    max_general_drop: float
    force_deploy: bool
    max_evaluation_documents: int
    trust_remote_code: bool
    seed: int


def evaluate(inputs: EvaluationInputs, output: Path, settings: EvaluationSettings) -> GateDecision:
    """Writes report.json, report.html, report.md and decision.json to `output`.

    Raises:
        JobError: when there is no query to evaluate on, the model channel holds no model, or the judge is the teacher.
        ContractError: on input that breaks the contract.
    """
    if settings.judge_model_id and settings.judge_model_id == settings.teacher_model_id:
        raise JobError(
            f"judge_model_id must not be the teacher, {settings.teacher_model_id}: a student resembles its teacher, so "
            "this teacher would find it better than it is. Choose another model, or leave judge_model_id out."
        )
    store = DocumentStore.of_folder(inputs.corpus)
    held_out = held_out_queries(channel_file(inputs.training_data, "test.jsonl"), store)
    judged = judged_queries(inputs.judgements, store) if inputs.judgements is not None else []
    queries = [*held_out, *judged]
    rows = _ranked_rows(queries, store, settings)
    print(
        f"Evaluating {len(held_out)} held-out and {len(judged)} judged queries "
        f"over {len(rows)} of {len(store)} documents",
        flush=True,
    )
    with TemporaryDirectory() as temporary:
        model = model_folder(inputs.model, Path(temporary))
        rankings = _rank(queries, store, rows, model, settings)
        curves, trained_with = training_curves(model), training_settings(model)
        query_prompt, document_prompt = saved_prompts(model)
        general = [] if inputs.general is None else [_general(inputs.general, model, Path(temporary), settings)]

    def measured(name: str, part: list[TestQuery], positions: list[int]) -> EvaluationSet:
        return measure(name, part, positions, rankings, store, documents=len(rows), seed=settings.seed)

    sets = [measured(HELD_OUT, held_out, list(range(len(held_out))))]
    if settings.judge_model_id:
        pooled = _pooled(held_out, rankings, store, rows, settings)
        sets.append(measured(POOLED, [each.query for each in pooled], [each.position for each in pooled]))
    if judged:
        sets.append(measured(JUDGED, judged, list(range(len(held_out), len(queries)))))
    sets += general
    report = EvaluationReport(
        base_model_id=settings.base_model_id,
        teacher_model_id=settings.teacher_model_id,
        judge_model_id=settings.judge_model_id,
        sets=sets,
        sparsity=list(rankings.sparsity),
        training=curves,
        settings={**trained_with, **{name: as_text(value) for name, value in asdict(settings).items()}},
    )
    decision = replace(
        decide(sets, settings.min_ndcg_gain, settings.max_general_drop, force_deploy=settings.force_deploy),
        query_prompt=query_prompt,
        document_prompt=document_prompt,
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
    try:
        with tarfile.open(archive) as tar:
            tar.extractall(temporary, filter="data")
    except tarfile.TarError as error:
        raise JobError(f"{archive} cannot be unpacked: {error}") from error
    return temporary


def _ranked_rows(queries: list[TestQuery], store: DocumentStore, settings: EvaluationSettings) -> list[int]:
    relevant = (row for query in queries for row in query.relevance)
    return evaluation_rows(store, relevant, settings.max_evaluation_documents, settings.seed)


def _rank(
    queries: list[TestQuery], store: DocumentStore, rows: list[int], model: Path, settings: EvaluationSettings
) -> QueryRankings:
    return rank_all(
        queries,
        store,
        rows,
        {"base": settings.base_model_id, "tuned": str(model)},
        model_type=settings.model_type,
        base_revision=settings.base_model_revision,
        max_seq_length=settings.max_seq_length,
        trust_remote_code=settings.trust_remote_code,
    )


def _general(folder: Path, model: Path, temporary: Path, settings: EvaluationSettings) -> EvaluationSet:
    store = general_store(folder, temporary)
    queries = judged_queries(folder, store)
    rows = _ranked_rows(queries, store, settings)
    print(f"Evaluating {len(queries)} queries of the general collection over {len(rows)} documents", flush=True)
    rankings = _rank(queries, store, rows, model, settings)
    positions = list(range(len(queries)))
    return measure(GENERAL, queries, positions, rankings, store, documents=len(rows), seed=settings.seed)


def _pooled(
    held_out: list[TestQuery],
    rankings: QueryRankings,
    store: DocumentStore,
    rows: list[int],
    settings: EvaluationSettings,
) -> list[PooledQuery]:
    kind = teacher_kind(settings.judge_model_id)
    print(f"Judging pooled documents with {settings.judge_model_id} ({kind})", flush=True)
    judge = load_teacher(
        settings.judge_model_id,
        kind,
        revision=None,
        max_length=settings.max_seq_length,
        tokens_per_batch=TOKENS_PER_BATCH,
        device=default_device(),
    )
    pooled = pooled_judgements(held_out, rankings, store, rows, judge, seed=settings.seed)
    if not pooled:
        raise JobError(
            f"The judge {settings.judge_model_id} scores no query's own document above random ones: it is no model of "
            "relevance for this corpus. Choose another judge_model_id, or leave it out."
        )
    return pooled
