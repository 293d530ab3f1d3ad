"""Ctrl-C: heard wherever it falls, and what Python then says of half-made objects left unsaid."""

from __future__ import annotations

import signal
import sys
import threading
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

# Long enough for the destructor that dropped an interrupt to have ended.
AGAIN_S = 0.05


def hear_interrupts() -> None:
    """For the door of the program; where the shell has SIGINT ignored, as for `command &`, it stays ignored."""
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        return
    told = sys.unraisablehook
    interrupted, main_thread = False, threading.get_ident()

    def interrupt(number: int, frame: FrameType | None) -> None:
        nonlocal interrupted
        interrupted = True
        raise KeyboardInterrupt

    def unraisable(what: UnraisableHookArgs) -> None:
        if issubclass(what.exc_type, KeyboardInterrupt):
            # It fell into a destructor, where Python drops whatever is raised.
            again = threading.Timer(AGAIN_S, signal.pthread_kill, (main_thread, signal.SIGINT))
            again.daemon = True
            again.start()
        elif not interrupted:
            # After an interrupt, objects whose making it cut short complain that they are not whole.
            told(what)

    signal.signal(signal.SIGINT, interrupt)
    sys.unraisablehook = unraisable
