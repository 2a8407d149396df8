import os
import sys

import pytest
import torch
from finetuning.artifacts.environment import Host
from finetuning.training.launch import is_first_process, process_count, relaunch_on_all_gpus, torchrun_arguments


def test_processes_are_started_on_every_gpu_of_every_instance():
    hosts = ["algo-1", "algo-2"]
    assert torchrun_arguments(0, Host(0, 1), hosts[:1]) == torchrun_arguments(1, Host(0, 1), hosts[:1]) == []
    assert torchrun_arguments(4, Host(0, 1), hosts[:1])[2:] == ["--standalone", "--nproc-per-node=4"]
    assert torchrun_arguments(0, Host(1, 2), hosts)[2:] == [
        "--nnodes=2",
        "--node-rank=1",
        "--master-addr=algo-1",
        "--master-port=29500",
        "--nproc-per-node=1",
    ]


@pytest.mark.parametrize(("gpus", "local_rank", "relaunched"), [(4, None, True), (4, "0", False), (1, None, False)])
def test_a_process_is_replaced_once_and_only_for_several_gpus(monkeypatch, gpus, local_rank, relaunched):
    started = []
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    monkeypatch.setattr(os, "execv", lambda *arguments: started.append(arguments))
    monkeypatch.setattr(sys, "argv", ["train.py", "--seed", "1"])
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    if local_rank is not None:
        monkeypatch.setenv("LOCAL_RANK", local_rank)
    relaunch_on_all_gpus()
    assert len(started) == relaunched
    if relaunched:
        assert started[0][1][-3:] == ["train.py", "--seed", "1"]


def test_a_process_alone_is_the_first(monkeypatch):
    for name in ("RANK", "WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    assert (is_first_process(), process_count()) == (True, 1)
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "4")
    assert (is_first_process(), process_count()) == (False, 4)
