"""Where models compute, and how precisely."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch


def default_device() -> str:
    """`cuda` where there is a GPU, else `cpu`."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def supports_bf16(device: str) -> bool:
    """Whether the device computes faster in bf16: Ampere GPUs and later, CPUs with AMX.

    AVX512_BF16 alone is not enough: a training step then takes 1.9 times, an embedding 1.6 times the CPU time of fp32.
    """
    if device.startswith("cuda"):
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return device == "cpu" and torch.cpu._is_amx_tile_supported()


@contextlib.contextmanager
def inference_mode(device: str) -> Iterator[None]:
    """No gradients, and bf16 autocast where the device is faster with it."""
    autocast = (
        torch.autocast(device.split(":")[0], dtype=torch.bfloat16)
        if supports_bf16(device)
        else contextlib.nullcontext()
    )
    with torch.inference_mode(), autocast:
        yield


@contextlib.contextmanager
def tensor_cores() -> Iterator[None]:
    """fp32 products on a GPU's tensor cores: TF32 rounds the factors as fp16 does, but not the cosines."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
