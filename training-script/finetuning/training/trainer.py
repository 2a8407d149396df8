"""Runs the sentence-transformers trainer, set up for distillation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datasets import Dataset
from torch import Tensor
from torch.utils.data import DataLoader
from transformers import EarlyStoppingCallback, PrinterCallback, TrainerCallback

from ..artifacts.arguments import TrainingArguments
from ..artifacts.environment import JobError
from ..models.devices import supports_bf16
from .callbacks import CheckpointOnSigterm, CurveRecorder, TrainingInterrupted
from .checkpoints import checkpoint_step, latest_checkpoint
from .collectives import add_up_gradients
from .dev_ranking import DevRanking
from .distillation import DistillationCollator, DistillationRow, ListwiseDistillationLoss
from .launch import is_first_process, process_count, process_rank
from .step_batches import StepBatches

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


def optimiser_steps(rows: int, arguments: TrainingArguments) -> int:
    """Steps that training takes: `max_steps`, or what one epoch takes.

    Args:
        rows: to train on.

    Raises:
        JobError: when there would be none.
    """
    if arguments.max_steps == 0:
        raise JobError(
            f"max_steps is 0, so that none of the {rows} rows would be trained on: set max_steps to a positive number, "
            "or to -1 for one epoch."
        )
    return arguments.max_steps if arguments.max_steps > 0 else math.ceil(rows / arguments.total_batch_size)


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
        JobError: when there would be no step, or the loss is no longer finite.
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
    steps = optimiser_steps(len(rows), arguments)
    interval = max(1, math.ceil(steps / EVALUATIONS)) if ranking else STEPS_PER_CHECKPOINT
    trainer = _whole_step_trainer(model.trainer_type)(
        model=model.network,
        args=model.training_arguments_type(
            output_dir=str(folder),
            max_steps=steps,
            per_device_train_batch_size=math.ceil(arguments.total_batch_size / process_count()),
            gradient_accumulation_steps=1,
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
            dataloader_pin_memory=device == "cuda",
            disable_tqdm=True,
            report_to="none",
        ),
        train_dataset=Dataset.from_list([row.columns() for row in rows]),
        loss=loss,
        data_collator=collator,
        evaluator=ranking,
        callbacks=callbacks,
    )
    trainer.rows_per_step = arguments.total_batch_size
    trainer.remove_callback(PrinterCallback)
    return trainer


class _StepLoader(DataLoader):
    def set_epoch(self, epoch: int) -> None:
        """Called by the trainer before each epoch."""
        batches: Any = self.batch_sampler
        batches.set_epoch(epoch)


def _whole_step_trainer(trainer_type: Any) -> Any:  # noqa: ANN401 (either of sentence-transformers' trainers)
    """A trainer whose batches are whole optimiser steps, shared out over the processes."""

    class WholeStepTrainer(trainer_type):
        rows_per_step: int

        def get_train_dataloader(self) -> DataLoader:
            # Accelerate does not prepare it: it would share the shares out again, and leave processes without rows.
            batches = StepBatches(
                len(self.train_dataset),
                self.rows_per_step,
                self.args.seed,
                process=process_rank(),
                processes=process_count(),
            )
            return _StepLoader(
                self.train_dataset,
                batch_sampler=batches,
                collate_fn=self.data_collator,
                pin_memory=self.args.dataloader_pin_memory,
            )

        def training_step(self, *inputs: Any, **named: Any) -> Tensor:  # noqa: ANN401 (the trainer's signature)
            loss = super().training_step(*inputs, **named)
            if process_count() > 1:
                # The loss goes around the distributed wrapper, which cannot embed in chunks that differ in number.
                add_up_gradients(self.model.parameters())
            return loss

    return WholeStepTrainer
