"""Stage 5: fine-tunes the base model by listwise distillation of the teacher's scores."""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, cast

import torch
from datasets import Dataset
from sentence_transformers import (
    SentenceTransformerTrainer,
    SentenceTransformerTrainingArguments,
    SparseEncoder,
    SparseEncoderTrainer,
    SparseEncoderTrainingArguments,
)
from transformers import (
    EarlyStoppingCallback,
    PrinterCallback,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from ..artifacts.contract import ModelType, ScoredQuery, read_jsonl
from ..artifacts.documents import DocumentStore
from ..artifacts.environment import Host, JobError, channel_file, host_names, this_host
from ..artifacts.score_files import score_files
from ..models.embedding import default_device, inference_mode, supports_bf16
from ..models.retrieval_model import RetrievalModel, load_retrieval_model
from .calibration import measured_spread, score_range
from .dev_ranking import DevRanking
from .distillation import (
    DistillationCollator,
    DistillationRow,
    ListwiseDistillationLoss,
    LossSettings,
    distillation_rows,
)
from .merging import copied_state, merge_with_base
from .serving_artifact import write_serving_artifact
from .teacher_filter import filter_by_teacher

WARMUP_SHARE = 0.1
"""Share of the steps in which the learning rate rises; as in the original. It falls linearly afterwards."""

TYPICAL_COSINE_SPREAD = 0.15
"""Standard deviation of a dense model's cosines with a query's documents, about their mean: paraphrase-MiniLM-L3-v2's
with the negatives mined for it on Django's documentation is 0.14 to 0.15. A sparse encoder's dot products are brought
to it once for the run, so that temperatures and weights mean the same for both types of model."""

STEPS_PER_CHECKPOINT = 50
STEPS_PER_LOG = 10

EVALUATIONS = 4
"""Evaluations on dev over the whole training, each with a checkpoint, where the best one is to be kept."""

DEV_ROWS = 512
"""Rows of the dev split that the dev loss is computed on: enough for a mean, cheap on a CPU."""

MASTER_PORT = 29_500
"""torchrun's default; SageMaker leaves every port open between a job's instances."""

_MASTER = "0"


@dataclass(frozen=True)
class TrainingSettings:
    """Hyperparameters of a training job. The batch sizes count rows of `distillation_rows`."""

    base_model_id: str
    base_model_revision: str
    model_type: ModelType
    max_steps: int
    train_batch_size: int
    total_batch_size: int
    learning_rate: float
    max_seq_length: int
    num_negatives: int
    temperature: float
    teacher_score_scale_factor: float
    """Used where teacher_spread is 0."""
    teacher_spread: float
    """How many times as wide as the base model's own similarities the taught ones spread; 0: the scale factor as
    given."""
    teacher_max_source_rank: int
    teacher_drop_lowest_share: float
    contrastive_weight: float
    hard_negative_margin: float
    """Share of the teacher's score range; 0 leaves a query's own negatives out of the contrastive term."""
    early_stopping_patience: int
    """Evaluations on dev without a gain that end training, with the best checkpoint kept; 0: train to the end."""
    merge_with_base: bool
    flops_weight: float
    """Of the regulariser that keeps a sparse encoder's vectors sparse; of no effect on a dense model."""
    seed: int
    trust_remote_code: bool


class TrainingInterrupted(SystemExit):
    """The job was asked to stop (SIGTERM: a spot interruption, or StopTrainingJob) and has written a checkpoint."""

    def __init__(self) -> None:
        super().__init__(128 + signal.SIGTERM)


@dataclass(frozen=True)
class TrainingResult:
    """What `training.json` in the artifact says."""

    settings: TrainingSettings
    train_queries: int
    queries_dropped: dict[str, int]
    train_rows: int
    teacher_score_scale_factor: float
    """That the loss used: given, or calibrated."""
    similarity_scale: float
    """What a sparse encoder's dot products were multiplied with; 1 for a dense model's cosines."""
    steps: int
    resumed_from_step: int
    dev_loss_before: float | None
    dev_loss_after: float | None
    dev_ndcg_before: float | None
    dev_ndcg_after: float | None
    merge: dict[str, float]
    """Dev nDCG@10 by the tuned model's share in the merge; empty without a merge."""


def relaunch_on_all_gpus() -> None:
    """With several GPUs or instances, replaces this process by one a GPU (torchrun), unless it is one of these."""
    launcher = torchrun_arguments(torch.cuda.device_count(), this_host(), host_names())
    if launcher and "LOCAL_RANK" not in os.environ:
        os.execv(sys.executable, [sys.executable, *launcher, *sys.argv])


def torchrun_arguments(gpus: int, host: Host, hosts: Sequence[str]) -> list[str]:
    """How Python starts one process a GPU on this and the other instances; empty when one process is enough.

    Args:
        gpus: of this instance; every instance has the same.
        hosts: names of the instances by rank; the first is where the processes meet.
    """
    processes = f"--nproc-per-node={max(1, gpus)}"
    if host.count > 1:
        nodes = [f"--nnodes={host.count}", f"--node-rank={host.rank}"]
        meeting = [f"--master-addr={hosts[0]}", f"--master-port={MASTER_PORT}"]
        return ["-m", "torch.distributed.run", *nodes, *meeting, processes]
    return ["-m", "torch.distributed.run", "--standalone", processes] if gpus > 1 else []


def train(scores: Path, output: Path, checkpoints: Path, settings: TrainingSettings) -> TrainingResult:
    """Fine-tunes the base model and writes the artifact that Text Embeddings Inference serves to `output`.

    Continues from the newest checkpoint that a run with the same settings and data left below `checkpoints`. In a
    distributed run every process calls this, and the first one writes the artifact.

    Args:
        scores: output folder of the scoring stage.

    Raises:
        JobError: when there is nothing to train on.
        TrainingInterrupted: after SIGTERM, once the checkpoint is written.
    """
    store = DocumentStore([channel_file(scores, "documents.jsonl")])
    scored = [query for path in score_files(scores, "train") for query in read_jsonl(path, ScoredQuery)]
    if not scored:
        raise JobError(f"The train split in {scores} holds no query: the scoring stage had nothing to score.")
    queries, dropped = filter_by_teacher(
        scored,
        max_source_rank=settings.teacher_max_source_rank,
        drop_lowest_share=settings.teacher_drop_lowest_share,
    )
    dev_queries = [query for path in score_files(scores, "dev") for query in read_jsonl(path, ScoredQuery)]
    rows = _rows(queries, store, settings.num_negatives)
    dev_rows = _rows(dev_queries, store, settings.num_negatives)[:DEV_ROWS]
    first_process = os.environ.get("RANK", _MASTER) == _MASTER
    if first_process:
        print(f"The teacher filter keeps {len(queries)} of {len(scored)} queries; dropped: {dropped}", flush=True)
    model = load_retrieval_model(
        settings.base_model_id,
        settings.model_type,
        max_seq_length=settings.max_seq_length,
        device=default_device(),
        revision=settings.base_model_revision,
        trust_remote_code=settings.trust_remote_code,
    )
    loss = ListwiseDistillationLoss(model, _loss_settings(model, store, rows, settings))
    collator = DistillationCollator(model, store)
    folder = checkpoints / "training" / _fingerprint(scores, settings)
    folder.mkdir(parents=True, exist_ok=True)
    loss_file = folder / "loss.jsonl"

    ranking = DevRanking(dev_queries, store)
    selects = settings.early_stopping_patience > 0 and len(ranking) > 0
    merges = settings.merge_with_base and len(ranking) > 0
    base_state = copied_state(model) if merges and first_process else None
    dev_before = _mean_loss(model, loss, collator, dev_rows) if first_process else None
    ndcg_before = ranking.ndcg(model) if first_process and len(ranking) > 0 else None
    checkpoint = latest_checkpoint(folder)
    recorder = _CurveRecorder(loss_file, folder / "dev_ndcg.jsonl", enabled=first_process)
    interruption = _CheckpointOnSigterm()
    callbacks: list[TrainerCallback] = [recorder, interruption]
    if selects:
        callbacks.append(EarlyStoppingCallback(settings.early_stopping_patience))
    trainer = _trainer(model, loss, collator, rows, folder, settings, callbacks, ranking if selects else None)
    if first_process:
        source = f"checkpoint {checkpoint.name}" if checkpoint else settings.base_model_id
        print(f"Training on {len(rows)} rows, starting from {source}", flush=True)
    with interruption:
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    if interruption.asked_to_stop:
        print(f"Interrupted after step {trainer.state.global_step}; the checkpoint is in {folder}", flush=True)
        raise TrainingInterrupted
    # Where checkpoints are ranked, the trainer has loaded the best one, and this is what it ranked.
    ndcg_after = trainer.state.best_metric
    merge: dict[str, float] = {}
    if base_state is not None:
        merge = merge_with_base(model, base_state, ranking.ndcg, tuned_quality=ndcg_after)
        ndcg_after = max(merge.values())
    if ndcg_after is None and first_process and len(ranking) > 0:
        ndcg_after = ranking.ndcg(model)
    result = TrainingResult(
        settings=settings,
        train_queries=len(queries),
        queries_dropped=dropped,
        train_rows=len(rows),
        teacher_score_scale_factor=loss.settings.teacher_score_scale_factor,
        similarity_scale=loss.settings.similarity_scale,
        steps=trainer.state.global_step,
        resumed_from_step=_step_of(checkpoint) if checkpoint else 0,
        dev_loss_before=dev_before,
        dev_loss_after=_mean_loss(model, loss, collator, dev_rows) if first_process else None,
        dev_ndcg_before=ndcg_before,
        dev_ndcg_after=ndcg_after,
        merge=merge,
    )
    if first_process:
        print(
            f"dev_loss_before={result.dev_loss_before} dev_loss_after={result.dev_loss_after} "
            f"dev_ndcg_before={result.dev_ndcg_before} dev_ndcg_after={result.dev_ndcg_after} merge={merge}",
            flush=True,
        )
        write_serving_artifact(model, output)
        (output / "training.json").write_text(json.dumps(asdict(result), indent=2) + "\n", encoding="utf-8")
        for curve in (recorder.loss_file, recorder.dev_file):
            if curve.is_file():
                shutil.copyfile(curve, output / curve.name)
    return result


def latest_checkpoint(folder: Path) -> Path | None:
    """The newest complete checkpoint in a folder; one that a killed job left half written is passed over."""
    complete = [
        path
        for path in folder.glob("checkpoint-*")
        if all((path / name).is_file() for name in ("trainer_state.json", "optimizer.pt", "scheduler.pt"))
        and any(path.rglob("*.safetensors"))
        and _is_json(path / "trainer_state.json")
    ]
    return max(complete, key=_step_of, default=None)


def _trainer(
    model: RetrievalModel,
    loss: ListwiseDistillationLoss,
    collator: DistillationCollator,
    rows: Sequence[DistillationRow],
    folder: Path,
    settings: TrainingSettings,
    callbacks: list[TrainerCallback],
    ranking: DevRanking | None,
) -> SentenceTransformerTrainer | SparseEncoderTrainer:
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    accumulation = max(1, round(settings.total_batch_size / (settings.train_batch_size * processes)))
    device = default_device()
    per_step = settings.train_batch_size * processes * accumulation
    steps = settings.max_steps if settings.max_steps > 0 else math.ceil(len(rows) / per_step)
    interval = max(1, math.ceil(steps / EVALUATIONS)) if ranking else STEPS_PER_CHECKPOINT
    arguments_type = (
        SparseEncoderTrainingArguments if isinstance(model, SparseEncoder) else SentenceTransformerTrainingArguments
    )
    arguments = arguments_type(
        output_dir=str(folder),
        max_steps=settings.max_steps,
        num_train_epochs=1,
        per_device_train_batch_size=settings.train_batch_size,
        gradient_accumulation_steps=accumulation,
        learning_rate=settings.learning_rate,
        warmup_steps=WARMUP_SHARE,
        lr_scheduler_type="linear",
        seed=settings.seed,
        bf16=supports_bf16(device),
        fp16=device == "cuda" and not supports_bf16(device),
        use_cpu=device == "cpu",
        logging_steps=STEPS_PER_LOG,
        logging_first_step=True,
        logging_nan_inf_filter=False,
        save_steps=interval,
        save_total_limit=2,
        eval_strategy="steps" if ranking else "no",
        eval_steps=interval,
        load_best_model_at_end=ranking is not None,
        metric_for_best_model=f"eval_{ranking.primary_metric}" if ranking else None,
        greater_is_better=True,
        dataloader_drop_last=False,
        dataloader_pin_memory=device == "cuda",
        disable_tqdm=True,
        report_to="none",
    )
    dataset = Dataset.from_dict(
        {
            "query": [row.query for row in rows],
            "documents": [row.documents for row in rows],
            "label": [row.scores for row in rows],
        }
    )
    trainer_type: Any = SparseEncoderTrainer if isinstance(model, SparseEncoder) else SentenceTransformerTrainer
    trainer = trainer_type(
        model=model,
        args=arguments,
        train_dataset=dataset,
        loss=loss,
        data_collator=collator,
        evaluator=ranking,
        callbacks=callbacks,
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


class _CurveRecorder(TrainerCallback):
    """Prints the curves of loss and dev nDCG so that SageMaker's metric definitions can match; keeps them as JSONL."""

    def __init__(self, loss_file: Path, dev_file: Path, *, enabled: bool) -> None:
        self.loss_file = loss_file
        self.dev_file = dev_file
        self._enabled = enabled

    def on_train_begin(
        self,
        args: TrainingArguments,  # noqa: ARG002 (the trainer's signature)
        state: TrainerState,
        control: TrainerControl,  # noqa: ARG002
        **kwargs: object,  # noqa: ARG002
    ) -> None:
        """Drops the entries after the checkpoint that training resumes from."""
        if not self._enabled:
            return
        for path in (self.loss_file, self.dev_file):
            if path.exists():
                lines = path.read_text(encoding="utf-8").splitlines()
                kept = [line for line in lines if json.loads(line)["step"] <= state.global_step]
                path.write_text("".join(line + "\n" for line in kept), encoding="utf-8")

    def on_log(
        self,
        args: TrainingArguments,  # noqa: ARG002
        state: TrainerState,
        control: TrainerControl,  # noqa: ARG002
        **kwargs: object,
    ) -> None:
        """Records a training loss."""
        logs = cast("dict[str, float]", kwargs["logs"])
        if not self._enabled or "loss" not in logs:
            return
        entry = {"step": state.global_step, "loss": logs["loss"], "learning_rate": logs["learning_rate"]}
        _append(self.loss_file, entry)
        print(
            f"loss={entry['loss']:.6g} step={entry['step']} of={state.max_steps} "
            f"learning_rate={entry['learning_rate']:.3g} epoch={state.epoch:.3f}",
            flush=True,
        )
        if not math.isfinite(entry["loss"]):
            raise JobError(f"The loss became {entry['loss']} at step {entry['step']}: choose a lower learning_rate.")

    def on_evaluate(
        self,
        args: TrainingArguments,  # noqa: ARG002
        state: TrainerState,
        control: TrainerControl,  # noqa: ARG002
        **kwargs: object,
    ) -> None:
        """Records the dev nDCG."""
        metrics = cast("dict[str, float]", kwargs["metrics"])
        if self._enabled:
            entry = {"step": state.global_step, "dev_ndcg_at_10": metrics["eval_dev_ndcg_at_10"]}
            _append(self.dev_file, entry)
            print(f"dev_ndcg_at_10={entry['dev_ndcg_at_10']:.4f} step={entry['step']}", flush=True)


def _append(path: Path, entry: Mapping[str, float]) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(entry) + "\n")


class _CheckpointOnSigterm(TrainerCallback):
    """While entered, SIGTERM ends training after the current step, with a checkpoint."""

    def __init__(self) -> None:
        self.asked_to_stop = False
        self._previous: Any = None

    def __enter__(self) -> None:
        self._previous = signal.signal(signal.SIGTERM, self._stop)

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGTERM, self._previous)

    def on_step_end(
        self,
        args: TrainingArguments,  # noqa: ARG002
        state: TrainerState,  # noqa: ARG002
        control: TrainerControl,
        **kwargs: object,  # noqa: ARG002
    ) -> None:
        """Asks the trainer to save and stop."""
        if self.asked_to_stop:
            control.should_save = True
            control.should_training_stop = True

    def _stop(self, *_: object) -> None:
        self.asked_to_stop = True


def _rows(queries: Sequence[ScoredQuery], store: DocumentStore, num_negatives: int) -> list[DistillationRow]:
    return [row for query in queries for row in distillation_rows(query, store, num_negatives)]


def _loss_settings(
    model: RetrievalModel, store: DocumentStore, rows: Sequence[DistillationRow], settings: TrainingSettings
) -> LossSettings:
    factor, scale = settings.teacher_score_scale_factor, 1.0
    if settings.teacher_spread > 0 or isinstance(model, SparseEncoder):
        spread = measured_spread(model, store, rows)
        if spread.similarity_per_score == 0:
            raise JobError(
                "The teacher or the base model gives all documents of a query the same score, so there is nothing to "
                "learn from it: choose another teacher_model_id or base_model_id."
            )
        if isinstance(model, SparseEncoder):
            scale = TYPICAL_COSINE_SPREAD / spread.similarity
        own = scale * spread.similarity_per_score
        if settings.teacher_spread > 0:
            factor = settings.teacher_spread * own / settings.temperature
        print(
            f"The base model's similarity differs by {own:.4f} per unit of teacher score: scale {factor:.4f}"
            + (f"; dot products are scaled by {scale:.4g}" if scale != 1 else ""),
            flush=True,
        )
    margin = settings.hard_negative_margin
    return LossSettings(
        temperature=settings.temperature,
        teacher_score_scale_factor=factor,
        contrastive_weight=settings.contrastive_weight,
        hard_negative_margin=margin * score_range(rows) if margin > 0 else None,
        similarity_scale=scale,
        flops_weight=settings.flops_weight if isinstance(model, SparseEncoder) else 0.0,
    )


def _mean_loss(
    model: RetrievalModel,
    loss: ListwiseDistillationLoss,
    collator: DistillationCollator,
    rows: Sequence[DistillationRow],
) -> float | None:
    """Mean KL loss of rows, or None without rows. The other terms are left out, as they depend on the batch size."""
    if not rows:
        return None
    kl = ListwiseDistillationLoss(model, replace(loss.settings, contrastive_weight=0.0, flops_weight=0.0))
    was_training = model.training
    model.eval()
    total = 0.0
    step = 16
    with inference_mode(model.device.type):
        for start in range(0, len(rows), step):
            batch = rows[start : start + step]
            inputs = collator([{"query": r.query, "documents": r.documents, "label": r.scores} for r in batch])
            moved = {
                key: value.to(model.device) if isinstance(value, torch.Tensor) else value
                for key, value in inputs.items()
            }
            features = [
                {key.removeprefix(side): value for key, value in moved.items() if key.startswith(side)}
                for side in ("query_", "document_")
            ]
            total += kl(features, moved["label"]).item() * len(batch)
    model.train(was_training)
    return total / len(rows)


def _fingerprint(scores: Path, settings: TrainingSettings) -> str:
    digest = hashlib.sha256(json.dumps(asdict(settings), sort_keys=True).encode())
    for path in (*score_files(scores, "train"), scores / "documents.jsonl"):
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
        digest.update(b"\0")
    return digest.hexdigest()[:16]


def _step_of(checkpoint: Path) -> int:
    return int(checkpoint.name.removeprefix("checkpoint-"))


def _is_json(path: Path) -> bool:
    try:
        json.loads(path.read_bytes())
    except ValueError:
        return False
    return True
