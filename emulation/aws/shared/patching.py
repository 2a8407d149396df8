"""Replaces functions and methods of an emulator where it has no extension point.

Each is an attribute of a module or a class that the emulator looks up at each call.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any


class IncompatibleEmulatorError(Exception):
    """The emulator lacks a function that is replaced."""


def wrap(owner: Any, name: str, wrapper: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:  # noqa: ANN401
    """Replaces ``owner.name`` by ``wrapper(original)``, which keeps the attributes by which LocalStack marks handlers.

    Raises:
        IncompatibleEmulatorError: there is no such function.
    """
    original = getattr(owner, name, None)
    if not callable(original):
        raise IncompatibleEmulatorError(
            f"{owner.__name__}.{name} does not exist: start the version of the emulator that emulation/ pins"
        )
    setattr(owner, name, functools.wraps(original)(wrapper(original)))
