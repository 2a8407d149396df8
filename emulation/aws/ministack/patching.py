"""Replaces functions of MiniStack's modules: its extension points are module attributes looked up at each call."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any


class IncompatibleMiniStackError(Exception):
    """The installed MiniStack lacks a function that the launcher replaces."""


def wrap(module: ModuleType, name: str, wrapper: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    """Replaces ``module.name`` by ``wrapper(original)``.

    Raises:
        IncompatibleMiniStackError: there is no such function.
    """
    original = getattr(module, name, None)
    if not callable(original):
        raise IncompatibleMiniStackError(
            f"{module.__name__}.{name} does not exist. Install the version of MiniStack that "
            "emulation/python/ministack.requirements.txt pins."
        )
    setattr(module, name, wrapper(original))
