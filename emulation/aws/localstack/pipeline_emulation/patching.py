"""Replaces functions and methods of LocalStack where it has no extension point."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any


class IncompatibleLocalStackError(Exception):
    """This LocalStack lacks a function that the plugin replaces."""


def wrap(owner: Any, name: str, wrapper: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:  # noqa: ANN401
    """Replaces ``owner.name`` by ``wrapper(original)``, whose attributes stay (LocalStack marks its handlers by them).

    Raises:
        IncompatibleLocalStackError: there is no such function.
    """
    original = getattr(owner, name, None)
    if not callable(original):
        raise IncompatibleLocalStackError(
            f"{owner.__name__}.{name} does not exist: the plugin is for LocalStack 4.14.0"
        )
    setattr(owner, name, functools.wraps(original)(wrapper(original)))
