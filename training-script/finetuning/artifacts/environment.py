"""The SageMaker container contract: where a training job finds its inputs and leaves its results."""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

DEFAULT_BASE_DIRECTORY = "/opt/ml"

FAILURE_REASON_LIMIT = 1024
"""Characters of `output/failure` that SageMaker reports as the job's FailureReason (DescribeTrainingJob)."""


class JobError(RuntimeError):
    """A failure that the job's user can act on; its message becomes the job's FailureReason."""


@dataclass(frozen=True)
class Host:
    """An instance among those of a job: its rank from 0 and their number."""

    rank: int
    count: int

    def share_of(self, items: int) -> slice:
        """Which of so many items are this instance's: consecutive ones, as many for each instance as can be."""
        return slice(items * self.rank // self.count, items * (self.rank + 1) // self.count)


ONLY_HOST = Host(0, 1)


@dataclass(frozen=True)
class JobEnvironment:
    """Folders and instances of one training job, from the SM_* variables with the container's defaults."""

    base_directory: Path
    model_directory: Path
    host: Host = ONLY_HOST

    @classmethod
    def from_environment(cls) -> JobEnvironment:
        """Reads SAGEMAKER_BASE_DIR (default /opt/ml), SM_MODEL_DIR (default `<base>/model`) and SM_*HOST*."""
        base = Path(os.environ.get("SAGEMAKER_BASE_DIR", DEFAULT_BASE_DIRECTORY))
        model = Path(os.environ.get("SM_MODEL_DIR", str(base / "model")))
        model.mkdir(parents=True, exist_ok=True)
        return cls(base_directory=base, model_directory=model, host=this_host())

    @property
    def checkpoint_directory(self) -> Path:
        """Synchronised with S3 while the job runs, so a restarted job finds it again."""
        return self.base_directory / "checkpoints"

    @property
    def failure_file(self) -> Path:
        """What SageMaker reports as the job's FailureReason."""
        return self.base_directory / "output" / "failure"

    def channel(self, name: str) -> Path:
        """The folder of a required input channel.

        Raises:
            JobError: when the job was started without it.
        """
        folder = self.optional_channel(name)
        if folder is None:
            raise JobError(
                f"The input channel {name!r} is missing: give the job a channel of that name "
                f"(locally: set {_channel_variable(name)} to its folder)."
            )
        return folder

    def optional_channel(self, name: str) -> Path | None:
        """The folder of an input channel (SM_CHANNEL_*, else `<base>/input/data/<name>`), or None without one."""
        configured = os.environ.get(_channel_variable(name)) or os.environ.get(
            _channel_variable(name).replace("-", "_")
        )
        folder = Path(configured) if configured else self.base_directory / "input" / "data" / name
        return folder if folder.is_dir() else None


def host_names() -> list[str]:
    """The network names of the job's instances, which SageMaker gives as a JSON list; of one, when it gives none.

    Raises:
        JobError: when SM_HOSTS holds something else.
    """
    text = os.environ.get("SM_HOSTS", '["algo-1"]')
    try:
        names = json.loads(text)
    except ValueError:
        names = None
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise JobError(f"SM_HOSTS must be a JSON list of host names, not {text!r}.")
    return sorted(names)


def this_host() -> Host:
    """This instance among the job's. Raises JobError when SageMaker's variables contradict each other."""
    names = host_names()
    current = os.environ.get("SM_CURRENT_HOST", names[0])
    if current not in names:
        raise JobError(f"SM_CURRENT_HOST must be one of SM_HOSTS ({', '.join(names)}), not {current!r}.")
    return Host(names.index(current), len(names))


def channel_file(folder: Path, name: str) -> Path:
    """A file that an earlier stage must have left in a channel.

    Raises:
        JobError: when it is not there.
    """
    path = folder / name
    if not path.is_file():
        raise JobError(f"{path} is missing: the channel must point at the output of the stage that writes {name}.")
    return path


def run_job(main: Callable[[JobEnvironment], None]) -> None:
    """Runs a job's main function. On an exception its reason goes to `<base>/output/failure`; the exit code is 1."""
    environment = JobEnvironment.from_environment()
    try:
        main(environment)
    except Exception as error:
        traceback.print_exc()
        _write_failure(environment.failure_file, error)
        sys.exit(1)


def _write_failure(path: Path, error: Exception) -> None:
    reason = str(error) if isinstance(error, JobError) else f"{type(error).__name__}: {error}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(reason[:FAILURE_REASON_LIMIT], encoding="utf-8")


def _channel_variable(name: str) -> str:
    return f"SM_CHANNEL_{name.upper()}"
