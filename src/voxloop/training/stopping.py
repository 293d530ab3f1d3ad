"""How a training is asked to stop, and what it says then."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Terminated(KeyboardInterrupt):
    """SIGTERM."""


class Stopped(KeyboardInterrupt):
    """A training was asked to stop: by Ctrl-C, or by SIGTERM. It goes on after `epoch`, or from the start at 0."""

    def __init__(self, run_id: str, epoch: int) -> None:
        super().__init__(run_id, epoch)
        self.run_id, self.epoch = run_id, epoch


@contextmanager
def terminated_as_interrupt() -> Iterator[None]:
    """SIGTERM, as a cluster sends it, ends a training as Ctrl-C does: tidily, with the run marked interrupted."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        # A kind of its own: a plain one that passes an `eval`, as MONAI's are, has Python end by SIGINT whatever catches it.
        raise Terminated

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
