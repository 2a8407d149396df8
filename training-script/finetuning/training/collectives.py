"""What the processes of a distributed training tell each other."""

from __future__ import annotations

from collections.abc import Iterable

import torch
import torch.distributed as dist
from torch import Tensor, nn


def gathered(tensor: Tensor) -> list[Tensor]:
    """The tensors of all processes, by rank: this process' own with its gradient, the others as constants.

    Every process has to call this. The tensors may differ in size, not in the number of dimensions.
    """
    size = torch.tensor(tensor.shape, device=tensor.device)
    sizes = [torch.empty_like(size) for _ in range(dist.get_world_size())]
    dist.all_gather(sizes, size)
    largest = torch.stack(sizes).amax(dim=0).tolist()
    padded = tensor.new_zeros(largest)
    padded[_block(size)] = tensor.detach()
    received = [torch.empty_like(padded) for _ in sizes]
    dist.all_gather(received, padded)
    found = [whole[_block(of_rank)] for whole, of_rank in zip(received, sizes, strict=True)]
    found[dist.get_rank()] = tensor
    return found


def _block(size: Tensor) -> tuple[slice, ...]:
    return tuple(slice(length) for length in size.tolist())


def add_up_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Gives every process the sum of all processes' gradients. Every process has to call this."""
    pending = [dist.all_reduce(parameter.grad, async_op=True) for parameter in parameters if parameter.grad is not None]
    for work in pending:
        if work is not None:
            work.wait()
