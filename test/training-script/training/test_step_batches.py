from collections import Counter

import pytest
from finetuning.training.step_batches import StepBatches


def batches_of(rows, rows_per_step, processes, epoch=0):
    """The batches of each process, by step."""
    of_processes = []
    for process in range(processes):
        batches = StepBatches(rows, rows_per_step, seed=3, process=process, processes=processes)
        batches.set_epoch(epoch)
        of_processes.append(list(batches))
        assert len(batches) == len(of_processes[-1])
    return list(zip(*of_processes, strict=True))


@pytest.mark.parametrize("processes", [2, 3, 4])
def test_the_processes_share_the_rows_that_one_takes(processes):
    alone, together = batches_of(43, 10, 1), batches_of(43, 10, processes)
    assert len(together) == len(alone) == 5
    for (whole,), shares in zip(alone, together, strict=True):
        assert all(shares)
        taken = Counter(row for share in shares for row in share)
        assert set(taken) == set(whole)
        # A step of three rows cannot be shared by four processes: each takes all of them.
        assert set(taken.values()) == {processes if len(whole) < processes else 1}
    assert sorted(row for (step,) in alone for row in step) == list(range(43))


def test_the_order_is_that_of_the_seed_and_the_epoch():
    assert batches_of(43, 10, 1) == batches_of(43, 10, 1)
    assert batches_of(43, 10, 1) != batches_of(43, 10, 1, epoch=1)
