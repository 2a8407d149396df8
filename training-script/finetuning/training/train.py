"""Stage 5: fine-tunes the base model by listwise distillation of the teacher's scores."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec

from ..artifacts.arguments import TrainingArguments
from ..artifacts.jsonl import write_json
from ..artifacts.training_files import DEV_FILE, LOSS_FILE, TRAINING_FILE, TrainingResult
from ..models.devices import default_device
from ..models.loading import ModelSource
from ..models.model_types import load_retrieval_model
from ..models.retrieval_model import RetrievalModel
from .calibration import calibrated_loss
from .callbacks import CurveRecorder
from .checkpoints import checkpoint_folder
from .dev_split import DevSplit
from .distillation import ListwiseDistillationLoss
from .launch import is_first_process, process_count
from .merging import copied_state, merge_with_base
from .serving_artifact import write_serving_artifact
from .trainer import fit, optimiser_steps
from .training_rows import read_rows


def train(scores: Path, output: Path, checkpoints: Path, arguments: TrainingArguments) -> TrainingResult:
    """Fine-tunes the base model and writes the artifact that serving loads to `output`.

    Continues from the newest checkpoint that a run with the same arguments and data left below `checkpoints`. In a
    distributed run every process calls this, and the first one measures, merges and writes.

    Raises:
        JobError: when there is nothing to train on or to learn, or the loss is no longer finite.
        ContractError: on input that breaks the contract.
        TrainingInterrupted: when the job was asked to stop; a checkpoint is written.
    """
    rows = read_rows(scores, arguments)
    if is_first_process():
        print(f"The teacher filter keeps {rows.queries} queries; dropped: {rows.dropped}", flush=True)
    # Before the model is loaded, which takes minutes.
    optimiser_steps(len(rows.train), arguments)
    model = _base_model(arguments)
    loss = ListwiseDistillationLoss(
        model,
        calibrated_loss(model, rows.store, rows.train, arguments),
        rows_at_once=arguments.train_batch_size,
        distributed=process_count() > 1,
    )
    dev = DevSplit(loss, rows.dev_queries, rows.dev, rows.store)
    switched_off = [] if dev.has_queries else _needing_dev_queries(arguments)
    if switched_off and is_first_process():
        print(f"There are no dev queries; switched off: {', '.join(switched_off)}", flush=True)
    before = dev.quality() if is_first_process() else None
    merges = arguments.merge_with_base and dev.has_queries and is_first_process()
    base = copied_state(model.network) if merges else None

    folder = checkpoint_folder(checkpoints, scores, arguments)
    recorder = CurveRecorder(folder / LOSS_FILE, folder / DEV_FILE, enabled=is_first_process())
    fitted = fit(loss, dev.collator, rows.train, folder, arguments, recorder, dev.ranking)

    ndcg, merge = fitted.chosen_ndcg, {}
    if base is not None:
        merge = merge_with_base(model.network, base, dev.ranking.ndcg, tuned_quality=ndcg)
        ndcg = max(merge.values())
    after = dev.quality(known_ndcg=ndcg) if is_first_process() else None

    result = TrainingResult(
        settings=msgspec.structs.asdict(arguments),
        train_queries=rows.queries,
        queries_dropped=rows.dropped,
        train_rows=len(rows.train),
        teacher_score_scale_factor=loss.settings.teacher_score_scale_factor,
        similarity_scale=loss.settings.similarity_scale,
        steps=fitted.steps,
        resumed_from_step=fitted.resumed_from_step,
        dev_loss_before=before and before.loss,
        dev_loss_after=after and after.loss,
        dev_ndcg_before=before and before.ndcg,
        dev_ndcg_after=after and after.ndcg,
        merge=merge,
        switched_off=switched_off,
    )
    if is_first_process():
        _write(result, model, recorder, output)
    return result


def _needing_dev_queries(arguments: TrainingArguments) -> list[str]:
    names = {
        "merge_with_base": arguments.merge_with_base,
        "early_stopping_patience": arguments.early_stopping_patience > 0,
    }
    return [name for name, is_set in names.items() if is_set]


def _base_model(arguments: TrainingArguments) -> RetrievalModel:
    source = ModelSource(
        arguments.base_model_id, "base_model_id", arguments.base_model_revision, arguments.trust_remote_code
    )
    return load_retrieval_model(
        source, arguments.model_type, max_seq_length=arguments.max_seq_length, device=default_device()
    )


def _write(result: TrainingResult, model: RetrievalModel, recorder: CurveRecorder, output: Path) -> None:
    print(
        f"dev_loss_before={result.dev_loss_before} dev_loss_after={result.dev_loss_after} "
        f"dev_ndcg_before={result.dev_ndcg_before} dev_ndcg_after={result.dev_ndcg_after} merge={result.merge}",
        flush=True,
    )
    write_serving_artifact(model, output)
    write_json(output / TRAINING_FILE, result)
    for curve in (recorder.loss_file, recorder.dev_file):
        if curve.is_file():
            shutil.copyfile(curve, output / curve.name)
