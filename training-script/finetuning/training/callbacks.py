"""What happens while the trainer trains: curves are kept, and a job that is asked to stop writes a checkpoint."""

from __future__ import annotations

import math
import signal
from pathlib import Path
from typing import Any, cast

import msgspec
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from ..artifacts.environment import JobError
from ..artifacts.jsonl import encode_record
from ..artifacts.training_files import DevEntry, LossEntry


class TrainingInterrupted(SystemExit):
    """The job was asked to stop (SIGTERM: a spot interruption, or StopTrainingJob) and has written a checkpoint."""

    def __init__(self) -> None:
        super().__init__(128 + signal.SIGTERM)


class CurveRecorder(TrainerCallback):
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
                kept = [line for line in lines if msgspec.json.decode(line)["step"] <= state.global_step]
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
        entry = LossEntry(state.global_step, logs["loss"], logs["learning_rate"])
        if not math.isfinite(entry.loss):
            raise JobError(f"The loss became {entry.loss} at step {entry.step}: choose a lower learning_rate.")
        _append(self.loss_file, entry)
        print(
            f"loss={entry.loss:.6g} step={entry.step} of={state.max_steps} "
            f"learning_rate={entry.learning_rate:.3g} epoch={state.epoch:.3f}",
            flush=True,
        )

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
            entry = DevEntry(state.global_step, metrics["eval_dev_ndcg_at_10"])
            _append(self.dev_file, entry)
            print(f"dev_ndcg_at_10={entry.dev_ndcg_at_10:.4f} step={entry.step}", flush=True)


def _append(path: Path, entry: msgspec.Struct) -> None:
    with path.open("ab") as file:
        file.write(encode_record(entry) + b"\n")


class CheckpointOnSigterm(TrainerCallback):
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
