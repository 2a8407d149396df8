"""Ends an emulator with the process that started it, even if that was killed."""

from __future__ import annotations

import os
import signal
import threading
import time

PARENT_POLL_SECONDS = 1.0
GRACE_SECONDS = 5.0
"""For what is under way."""


def end_with_parent(parent: int) -> None:
    """Ends this process when its parent is not, or no longer, the process ``parent``."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(PARENT_POLL_SECONDS)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(GRACE_SECONDS)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()
