"""How a run ends: what left its block or its process, and a SIGTERM that is let to end both tidily."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType

TERMINATED = 128 + signal.SIGTERM


def ending(error: BaseException | None) -> str:
    """How a run ended that this left."""
    if isinstance(error, SystemExit):
        if error.code in (None, 0):
            return "finished"
        return "interrupted" if error.code == TERMINATED else "failed"
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    return "finished" if error is None else "failed"


def end_tidily_on_sigterm() -> Callable[[], None] | None:
    """Where nobody else handles SIGTERM, it ends the program as `sys.exit` does; answers with how to undo that."""
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        return None

    def end(number: int, frame: FrameType | None) -> None:
        sys.exit(TERMINATED)

    signal.signal(signal.SIGTERM, end)
    return lambda: _undo(end)


def _undo(handler: Callable[[int, FrameType | None], None]) -> None:
    if signal.getsignal(signal.SIGTERM) is handler:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
