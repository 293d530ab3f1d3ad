"""What a process prints, kept beside what its terminal shows.

The streams stay the objects that they are, and only their `write` is listened to: a logger that took hold of one long ago is
heard too, and whoever replaces `sys.stdout` meanwhile keeps it. Listening is one append to a queue without a lock; a thread
makes lines of it.
"""

from __future__ import annotations

import os
import sys
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from typing import Any

from voxloop.tracking.terminal import TALLEST, Screen

INTERVAL_S = 1.0
# What waits to be made into lines, and lines that wait to be taken, in characters.
MOST_RAW = 4 << 20
MOST_LINES = 4 << 20
PIECE = 1 << 16
# After so long without a move upwards, a display is over.
DISPLAY_S = 5.0


class Capture:
    """Hears stdout and stderr, and hands whole lines to `on_text(time, text)`, from a thread of its own.

    `interval_s=None` leaves the flushing to the caller. Several may listen at once. What cannot be handed over, because
    `on_text` raises, is kept for the next time; when too much waits, the oldest lines make way and are counted.
    """

    def __init__(self, on_text: Callable[[float, str], None], interval_s: float | None = INTERVAL_S) -> None:
        self._on_text = on_text
        self._interval_s = interval_s
        self._raw: deque[tuple[float, str]] = deque()
        self._raw_size = 0
        self._lines: deque[str] = deque()
        self._size = 0
        self._lost = 0
        self._since = 0.0
        self._screen = Screen()
        self._moved = 0.0
        self._making = threading.Lock()
        self._handing = threading.RLock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.listening = False

    def start(self) -> None:
        """Begins to listen, to the streams that there are now."""
        if self.listening:
            return
        self.listening = True
        _all.add(self)
        for stream in {id(one): one for one in (sys.stdout, sys.stderr) if one is not None}.values():
            _listen(stream, self)
        if self._interval_s is not None:
            self._stop = threading.Event()
            self._thread = threading.Thread(
                target=_work,
                args=(weakref.ref(self), self._stop, self._interval_s),
                daemon=True,
                name="voxloop-console",
            )
            self._thread.start()

    def stop(self) -> None:
        """Stops to listen, and hands over all that was heard, an unfinished line too."""
        if not self.listening:
            return
        self.listening = False
        _leave(self)
        _all.discard(self)
        self._stop.set()
        if self._thread is not None and self._thread is not threading.current_thread() and self._thread.is_alive():
            self._thread.join(timeout=5.0)
        self._thread = None
        self._hand_over(everything=True)

    def flush(self) -> None:
        """Hands over the lines that are done."""
        self._hand_over(everything=False)

    @property
    def pending(self) -> str:
        """The line that is being written, such as a progress bar."""
        with self._making:
            self._make_lines(everything=False)
            return self._screen.pending()

    def __enter__(self) -> Capture:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def hear(self, text: str) -> None:
        """Takes what was printed. Never raises, and never waits while there is room."""
        try:
            self._raw.append((time.time(), text))
            self._raw_size += len(text)
            if self._raw_size > MOST_RAW and self._making.acquire(blocking=False):
                # So much between two turns of the thread that whoever prints it makes the lines.
                try:
                    self._make_lines(everything=False)
                finally:
                    self._making.release()
        except Exception:  # a run that cannot keep a line goes on
            pass

    def _make_lines(self, everything: bool) -> None:
        reach, self._screen.reach = self._screen.reach, 0
        while self._raw:
            moment, text = self._raw.popleft()
            self._raw_size -= len(text)
            if not self._lines:
                self._since = moment
            # In pieces, or a million short lines would all be held as what a display could still change.
            for start in range(0, len(text), PIECE):
                self._screen.feed(text[start : start + PIECE])
                if len(self._screen.rows) > TALLEST:
                    self._keep(max(reach, self._screen.reach), everything=False)
        if self._screen.reach:
            self._moved = time.monotonic()
        elif time.monotonic() - self._moved > DISPLAY_S:
            reach = 0
        self._keep(max(reach, self._screen.reach), everything)

    def _keep(self, reach: int, everything: bool) -> None:
        self._screen.reach = reach
        for line in self._screen.take(everything):
            self._lines.append(line)
            self._size += len(line) + 1
        while self._size > MOST_LINES and len(self._lines) > 1:
            self._size -= len(self._lines.popleft()) + 1
            self._lost += 1

    def _hand_over(self, everything: bool) -> None:
        # One after the other, for their order; again by the same thread, should `on_text` print and flush.
        with self._handing:
            with self._making:
                self._make_lines(everything)
                lines, lost, since = list(self._lines), self._lost, self._since
                self._lines.clear()
                self._size = self._lost = 0
            if not lines:
                return
            missing = [f"[{lost} lines were not kept]"] if lost else []
            try:
                self._on_text(since, "".join(f"{line}\n" for line in (*missing, *lines)))
            except Exception:  # the disk may be full, and the next turn finds it free
                with self._making:
                    self._lines.extendleft(reversed(lines))
                    self._size += sum(len(line) + 1 for line in lines)
                    self._lost += lost
                    self._since = since

    def _forget(self) -> None:
        """In a forked child, where no thread makes lines, and a lock may be held for ever."""
        self.listening = False
        self._raw.clear()
        self._lines.clear()
        self._making, self._handing = threading.Lock(), threading.RLock()
        self._thread = None


class _Ear:
    """What listens to one stream: the function in the place of its `write`, and who hears."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream
        self.before: Any = stream.__dict__.get("write")
        self.captures: list[weakref.ref[Capture]] = []
        original, captures = stream.write, self.captures

        def write(text: str, *rest: Any) -> Any:
            answer = original(text, *rest)
            for reference in tuple(captures):
                capture = reference()
                if capture is not None:
                    capture.hear(text)
            return answer

        self.write = write
        stream.write = write

    def leave(self, capture: Capture | None) -> bool:
        """Whether nobody listens any more; the stream is then as it was, unless somebody has built upon it."""
        self.captures[:] = [one for one in self.captures if one() is not None and one() is not capture]
        if self.captures or self.stream.__dict__.get("write") is not self.write:
            return False
        if self.before is None:
            del self.stream.write
        else:
            self.stream.write = self.before
        return True


_all: weakref.WeakSet[Capture] = weakref.WeakSet()
_ears: list[_Ear] = []
_listening = threading.Lock()


def _listen(stream: Any, capture: Capture) -> None:
    with _listening:
        ear = next((one for one in _ears if one.stream is stream), None)
        if ear is None:
            try:
                ear = _Ear(stream)
            except (AttributeError, TypeError):
                # A stream whose write cannot be replaced; its words are not heard, and everything else is.
                return
            _ears.append(ear)
        ear.captures.append(weakref.ref(capture))


def _leave(capture: Capture | None) -> None:
    with _listening:
        _ears[:] = [ear for ear in _ears if not ear.leave(capture)]


def _work(reference: weakref.ref[Capture], stop: threading.Event, interval_s: float) -> None:
    """The thread of a capture, as long as that is there."""
    while not stop.wait(interval_s):
        capture = reference()
        if capture is None:
            _leave(None)
            return
        capture.flush()
        del capture


def _forget_in_child() -> None:
    global _listening
    _listening = threading.Lock()
    for capture in list(_all):
        capture._forget()
    _all.clear()
    for ear in _ears:
        ear.captures.clear()
    _leave(None)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_in_child)
