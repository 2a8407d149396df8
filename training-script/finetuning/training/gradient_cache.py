"""Gradient caching: batches of any size in the memory of a small one, at the price of a second forward pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

Features = dict[str, Tensor]


def encode_in_chunks(encode: Callable[[Features], Tensor], chunks: Sequence[Features], *, cached: bool) -> Tensor:
    """The embeddings of all chunks, one below the other.

    With `cached`, a chunk's activations are thrown away after its forward pass and made again, with the same dropout,
    when the backward pass comes to it (GradCache, arXiv 2101.06983; here by torch's own checkpointing). So the
    activations of one chunk are in memory at a time, and the gradients are those of the whole batch.
    """
    if not cached or not torch.is_grad_enabled():
        return torch.cat([encode(chunk) for chunk in chunks])
    return torch.cat([cast("Tensor", checkpoint(encode, chunk, use_reentrant=False)) for chunk in chunks])
