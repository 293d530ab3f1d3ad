"""Media on their way into the project: taken at once, encoded and stored by a thread, so that training does not wait for it."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from voxloop.errors import VoxloopError
from voxloop.store.blobs import Blobs
from voxloop.store.context import canonical
from voxloop.store.place import BLOBS
from voxloop.tracking.params import plain, text
from voxloop.tracking.writer import Writer, flat

if TYPE_CHECKING:
    from voxloop.tracking.media import Media

# What may wait in memory; beyond it, `log` waits for the disk.
MOST = 1 << 28


class Waiting(NamedTuple):
    row: dict[str, Any]
    media: Media


class MediaQueue:
    """One run's media that are not stored yet, in their order."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._blobs = Blobs(writer.root / BLOBS)
        # Digests of files that were stored before, so that the same scan is not read again at each epoch.
        self._known: dict[tuple[Any, ...], str] = {}
        self._waiting: deque[Waiting] = deque()
        self._bytes = 0
        self._busy = False
        self._closed = False
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._steps: dict[tuple[str, str], int] = {}

    def put(
        self, name: str, media: Media, step: int | None, epoch: int | None, context: Mapping[str, Any] | None
    ) -> None:
        if not self._writer.open:
            raise self._writer.closed()
        key = (text(name), canonical(flat(context)))
        with self._changed:
            if step is None:
                step = epoch if epoch is not None else self._steps.get(key, -1) + 1
            self._steps[key] = _whole(name, step)
            row = {"name": key[0], "context": key[1], "step": _whole(name, step), "epoch": epoch}
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._work, daemon=True, name=f"voxloop-media-{self._writer.run_id}"
                )
                self._thread.start()
            self._changed.wait_for(lambda: not self._waiting or self._bytes + media.nbytes <= MOST)
            self._waiting.append(Waiting({**row, "time": time.time(), "kind": media.kind}, media))
            self._bytes += media.nbytes
            self._changed.notify_all()

    def join(self) -> None:
        """Waits until everything is stored."""
        with self._changed:
            self._changed.wait_for(lambda: not self._waiting and not self._busy)

    def close(self) -> None:
        """Stores what waits, and ends the thread."""
        if self._thread is None:
            return
        self.join()
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                if not self._waiting:
                    return
                one = self._waiting.popleft()
                self._busy = True
            try:
                self._writer.say("media", {**one.row, "data": plain(one.media.store(self._blobs, self._known))})
            except Exception as error:  # whatever it was, the training it comes from must not end for it
                why = error if isinstance(error, VoxloopError) else f"{type(error).__name__}: {error}"
                self._writer.warn(f'"{one.row["name"]}" could not be stored: {why}')
            finally:
                with self._changed:
                    self._bytes -= one.media.nbytes
                    self._busy = False
                    self._changed.notify_all()


def _whole(name: str, step: object) -> int:
    if isinstance(step, bool) or not hasattr(step, "__index__") or not -(2**63) <= int(step) < 2**63:
        raise VoxloopError(f'"{text(name)}" at step {step!r:.40} cannot be logged: a step fits 64-bit integers.')
    return int(step)
