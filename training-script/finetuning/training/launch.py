"""Starts one process a GPU, on every instance of the job."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import torch

from ..artifacts.environment import Host, host_names, this_host

MASTER_PORT = 29_500
"""torchrun's default; SageMaker leaves every port open between a job's instances."""


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


def is_first_process() -> bool:
    """Whether this is the process that reports and writes, in a run of one or several."""
    return process_rank() == 0


def process_rank() -> int:
    """Number of this process among those that train together, from 0."""
    return int(os.environ.get("RANK", "0"))


def process_count() -> int:
    """Processes that train together."""
    return int(os.environ.get("WORLD_SIZE", "1"))
