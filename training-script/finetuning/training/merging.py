"""Merging a tuned model with the base model it came from, weight by weight (LM-Cocktail, arXiv 2311.13534)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

MERGE_WEIGHTS = (0.3, 0.5, 0.7, 1.0)
"""Shares of the tuned model that are tried."""


def copied_state(model: nn.Module) -> dict[str, Tensor]:
    """The model's weights on the CPU, independent of the model."""
    return {name: tensor.detach().cpu().clone() for name, tensor in model.state_dict().items()}


def merged_state(base: Mapping[str, Tensor], tuned: Mapping[str, Tensor], weight: float) -> dict[str, Tensor]:
    """weight x tuned + (1 - weight) x base; what is no floating-point number (position ids) stays as tuned."""
    return {
        name: torch.lerp(base[name], tensor, weight) if tensor.is_floating_point() else tensor
        for name, tensor in tuned.items()
    }


def merge_with_base(
    model: nn.Module, base: Mapping[str, Tensor], quality: Callable[[], float], *, tuned_quality: float | None = None
) -> dict[str, float]:
    """Leaves the model at the merge of best quality, the one nearer to the tuned model among equals.

    Args:
        model: the tuned model; changed in place.
        base: the base model's weights.
        quality: of the model as it is then, higher is better; on data that the final evaluation does not use.
        tuned_quality: the tuned model's own, where it has been measured.

    Returns:
        The quality at each of MERGE_WEIGHTS, by weight.
    """
    tuned = copied_state(model)
    found: dict[float, float] = {} if tuned_quality is None else {1.0: tuned_quality}
    for weight in MERGE_WEIGHTS:
        if weight in found:
            continue
        model.load_state_dict(merged_state(base, tuned, weight))
        found[weight] = quality()
    best = max(found, key=lambda weight: (found[weight], weight))
    model.load_state_dict(merged_state(base, tuned, best))
    return {f"{weight:g}": found[weight] for weight in MERGE_WEIGHTS}
