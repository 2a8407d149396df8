"""Which rows each process takes of each optimiser step."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch.utils.data import Sampler


class StepBatches(Sampler[list[int]]):
    """A batch an optimiser step: this process' share of its rows.

    The order of the rows depends on the seed and the epoch, not on the number of processes. An epoch's last step takes
    the rows that are left. Where these are fewer than the processes, every process takes all of them, which leaves
    the mean over rows what it is.
    """

    def __init__(self, rows: int, rows_per_step: int, seed: int, *, process: int, processes: int) -> None:
        """
        Args:
            rows: of an epoch.
            rows_per_step: over all processes.
            process: rank of this one.
        """
        self._rows = rows
        self._rows_per_step = rows_per_step
        self._seed = seed
        self._process = process
        self._processes = processes
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Called by the trainer before each epoch, also where it goes on from a checkpoint."""
        self._epoch = epoch

    def __len__(self) -> int:
        return math.ceil(self._rows / self._rows_per_step)

    def __iter__(self) -> Iterator[list[int]]:
        generator = torch.Generator().manual_seed(self._seed + self._epoch)
        order = torch.randperm(self._rows, generator=generator).tolist()
        for start in range(0, self._rows, self._rows_per_step):
            step = order[start : start + self._rows_per_step]
            yield step if len(step) < self._processes else step[self._process :: self._processes]
