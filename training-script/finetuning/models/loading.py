"""Where models come from, and what is said of one that cannot be loaded."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from ..artifacts.environment import JobError


class ModelLoadError(JobError):
    """A model that cannot be loaded, or is not of the kind it must be; the message names the parameter to change."""


@dataclass(frozen=True)
class ModelSource:
    """A model of the Hugging Face Hub, or in a folder, and how the user named it."""

    model_id: str
    """Id on the Hub, or a folder's path."""
    parameter: str
    """The parameter that chose it, e.g. `base_model_id`: what an error asks to change."""
    revision: str | None = None
    """Commit, tag or branch on the Hub; None for the newest."""
    trust_remote_code: bool = False
    """Run code that comes with the model. Only when the user asks for it."""

    @contextlib.contextmanager
    def loading(self) -> Iterator[None]:
        """Turns what the libraries say at length, and without the model's name, into one sentence.

        Raises:
            ModelLoadError: naming the model, its parameter and what to check.
        """
        try:
            yield
        except (OSError, ValueError, ImportError) as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise ModelLoadError(
                f"The model {self.model_id} could not be loaded. Check that {self.parameter} names a model of the "
                f"Hugging Face Hub that this job's releases of the libraries can load, and that the job reaches the "
                f"Hub. ({reason})"
            ) from error
