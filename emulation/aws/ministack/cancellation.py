"""Ends work that waits: of an execution, of the branches of a Map or Parallel state, of one attempt of a task."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar


class Cancellation:
    """A scope of work that can be ended from another thread; ending it ends the scopes within."""

    def __init__(self, parent: Cancellation | None = None) -> None:
        self._lock = threading.Lock()
        self._cancelled = threading.Event()
        self._reason: BaseException | None = None
        self._children: list[Cancellation] = []
        self._parent = parent
        if parent is not None:
            parent._adopt(self)

    def _adopt(self, child: Cancellation) -> None:
        with self._lock:
            self._children.append(child)
            reason = self._reason
        if reason is not None:
            child.cancel(reason)

    def cancel(self, reason: BaseException) -> None:
        """Ends the scope; the first reason stands."""
        with self._lock:
            if self._reason is not None:
                return
            self._reason = reason
            children = list(self._children)
        self._cancelled.set()
        for child in children:
            child.cancel(reason)

    def check(self) -> None:
        """Raises the reason if the scope has been ended."""
        if self._reason is not None:
            raise self._reason

    def wait(self, seconds: float) -> None:
        """Sleeps; raises the reason as soon as the scope is ended."""
        self._cancelled.wait(seconds)
        self.check()

    def close(self) -> None:
        """Leaves the parent, once the work is done."""
        if self._parent is not None:
            with self._parent._lock:
                self._parent._children.remove(self)


_current: ContextVar[Cancellation | None] = ContextVar("cancellation", default=None)


def current() -> Cancellation:
    """The scope this thread works in; one that never ends where there is none."""
    return _current.get() or Cancellation()


@contextmanager
def scope() -> Iterator[Cancellation]:
    """Works in a new scope within the current one."""
    inner = Cancellation(_current.get())
    token = _current.set(inner)
    try:
        yield inner
    finally:
        _current.reset(token)
        inner.close()
