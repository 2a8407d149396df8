"""Runs the sentence-transformers trainer, set up for distillation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datasets import Dataset
from transformers import EarlyStoppingCallback, PrinterCallback, TrainerCallback

from ..artifacts.arguments import TrainingArguments
from ..models.devices import supports_bf16
from .callbacks import CheckpointOnSigterm, CurveRecorder, TrainingInterrupted
from .checkpoints import checkpoint_step, latest_checkpoint
from .dev_ranking import DevRanking
from .distillation import DistillationCollator, DistillationRow, ListwiseDistillationLoss
from .launch import is_first_process, process_count

WARMUP_SHARE = 0.1
"""Share of the steps in which the learning rate rises; as in the original. It falls linearly afterwards."""

STEPS_PER_CHECKPOINT = 50
STEPS_PER_LOG = 10

EVALUATIONS = 4
"""Evaluations on dev over the whole training, each with a checkpoint, where the best one is to be kept."""


@dataclass(frozen=True)
class Fit:
    """What a training came to."""

    steps: int
    """Optimiser steps made in all."""
    resumed_from_step: int
    """Where it went on from; 0 for the beginning."""
    chosen_ndcg: float | None
    """Dev nDCG@10 of the checkpoint that was kept; None where checkpoints are not ranked."""


def fit(
    loss: ListwiseDistillationLoss,
    collator: DistillationCollator,
    rows: Sequence[DistillationRow],
    folder: Path,
    arguments: TrainingArguments,
    recorder: CurveRecorder,
    ranking: DevRanking,
) -> Fit:
    """Trains the loss' model, from the newest checkpoint in a folder where there is one.

    Args:
        folder: of the checkpoints.
        ranking: chooses the checkpoint to keep, where early stopping is asked for and there are dev queries.

    Raises:
        TrainingInterrupted: when the job was asked to stop; a checkpoint is written.
        JobError: when the loss is no longer finite.
    """
    selecting = ranking if arguments.early_stopping_patience > 0 and len(ranking) > 0 else None
    interruption = CheckpointOnSigterm()
    callbacks: list[TrainerCallback] = [recorder, interruption]
    if selecting is not None:
        callbacks.append(EarlyStoppingCallback(arguments.early_stopping_patience))
    trainer = _trainer(loss, collator, rows, folder, arguments, callbacks, selecting)
    checkpoint = latest_checkpoint(folder)
    if is_first_process():
        source = f"checkpoint {checkpoint.name}" if checkpoint else arguments.base_model_id
        print(f"Training on {len(rows)} rows, starting from {source}", flush=True)
    with interruption:
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    steps: int = trainer.state.global_step
    if interruption.asked_to_stop:
        print(f"Interrupted after step {steps}; the checkpoint is in {folder}", flush=True)
        raise TrainingInterrupted
    # Where checkpoints are ranked, the trainer has loaded the best one, and this is what it ranked.
    return Fit(steps, checkpoint_step(checkpoint) if checkpoint else 0, trainer.state.best_metric)


def _trainer(
    loss: ListwiseDistillationLoss,
    collator: DistillationCollator,
    rows: Sequence[DistillationRow],
    folder: Path,
    arguments: TrainingArguments,
    callbacks: list[TrainerCallback],
    ranking: DevRanking | None,
) -> Any:  # noqa: ANN401 (either of sentence-transformers' trainers)
    model = loss.retrieval_model
    device = model.device.type
    processes = process_count()
    accumulation = max(1, round(arguments.total_batch_size / (arguments.train_batch_size * processes)))
    per_step = arguments.train_batch_size * processes * accumulation
    steps = arguments.max_steps if arguments.max_steps > 0 else math.ceil(len(rows) / per_step)
    interval = max(1, math.ceil(steps / EVALUATIONS)) if ranking else STEPS_PER_CHECKPOINT
    trainer = model.trainer_type(
        model=model.network,
        args=model.training_arguments_type(
            output_dir=str(folder),
            max_steps=arguments.max_steps,
            num_train_epochs=1,
            per_device_train_batch_size=arguments.train_batch_size,
            gradient_accumulation_steps=accumulation,
            learning_rate=arguments.learning_rate,
            warmup_steps=WARMUP_SHARE,
            lr_scheduler_type="linear",
            seed=arguments.seed,
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
        ),
        train_dataset=Dataset.from_dict(
            {
                "query": [row.query for row in rows],
                "documents": [row.documents for row in rows],
                "label": [row.scores for row in rows],
            }
        ),
        loss=loss,
        data_collator=collator,
        evaluator=ranking,
        callbacks=callbacks,
    )
    trainer.remove_callback(PrinterCallback)
    return trainer
