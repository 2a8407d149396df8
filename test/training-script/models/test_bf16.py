"""Tests of the choice between bf16 and fp32."""

from __future__ import annotations

import pytest
import torch
from finetuning.models.devices import supports_bf16


@pytest.mark.parametrize("amx", [False, True])
def test_a_cpu_is_faster_in_bf16_only_with_amx(monkeypatch: pytest.MonkeyPatch, *, amx: bool) -> None:
    """AVX512_BF16 alone makes bf16 slower than fp32."""
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)
    assert supports_bf16("cpu") is amx
