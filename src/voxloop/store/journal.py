"""What a process has logged and the database does not hold yet: a memory-mapped file that outlives its process.

A record is written first, then the count of committed bytes behind the magic. A process that is killed in between has
not acknowledged the record. The owner holds a lock on the file, which the system lets go when it dies.

    magic 8 | committed 8 | run id 48                          the head, 64 bytes
    series 4 | step 8 | value 8 | time µs 8 | epoch 4          a point, 32 bytes
    0 4 | length 4 | reserved 24, then JSON, padded to 32      a note: a list that begins with its kind

Notes say everything else about a run: `drain` knows their kinds. The writer's end imports nothing heavy.
"""

from __future__ import annotations

import fcntl
import json
import mmap
import os
import struct
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from voxloop.errors import VoxloopError

MAGIC = b"VXJOURN1"
HEAD = struct.Struct("<8sQ48s")
POINT = struct.Struct("<Iqdqi")
NOTE = struct.Struct("<II24x")
# The count of committed bytes is the second of the head's 64-bit words.
COUNT = 1
UNIT = 32
START = 64
FIRST_SIZE = 1 << 18
NO_EPOCH = -1

assert HEAD.size == START
assert POINT.size == NOTE.size == UNIT


class NoRoomError(VoxloopError):
    """There is no room on the disk for a journal to grow; the writer goes on in memory."""


def note(content: list[Any]) -> bytes:
    """A note as its bytes in a journal."""
    text = json.dumps(content).encode()
    return NOTE.pack(0, len(text)) + text.ljust(-(-len(text) // UNIT) * UNIT, b"\0")


class Journal:
    """The writer's end: appends, and is locked by its process. `drained` is how far the database holds it."""

    def __init__(self, path: Path, run_id: str) -> None:
        self.path = path
        self.drained = START
        self._size = 0
        # The file gets its name only once it has a head and a lock: nobody may take it for a dead one in between.
        partial = path.with_suffix(".partial")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = partial.open("w+b")
        except OSError as error:
            raise VoxloopError(
                f"Cannot log into {path.parent}: {error.strerror}; give yourself the right to write there, or choose another --project."
            ) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX)
            self._grow(FIRST_SIZE)
            HEAD.pack_into(self._map, 0, MAGIC, START, run_id.encode().ljust(48, b"\0"))
            partial.replace(path)
        except BaseException:
            self._file.close()
            partial.unlink(missing_ok=True)
            raise
        self.committed = START
        _open_here.add(self)

    def append(self, series: int, step: int, value: float, time_us: int, epoch: int) -> None:
        """Adds a point; when this returns, killing the process does not lose it."""
        at = self.committed
        if at + UNIT > self._size:
            self._grow(self._size * 2)
        # Refuses, before anything is committed, a step or epoch that is no integer of its size.
        POINT.pack_into(self._map, at, series, step, value, time_us, epoch)
        self.committed = at + UNIT
        self._words[COUNT] = self.committed

    def extend(self, content: bytes) -> None:
        """Adds whole records that are bytes already."""
        at = self.committed
        size = self._size
        while at + len(content) > size:
            size *= 2
        if size != self._size:
            self._grow(size)
        self._map[at : at + len(content)] = content
        self.committed = at + len(content)
        self._words[COUNT] = self.committed

    def read(self, start: int) -> bytes:
        """The committed bytes from `start` on."""
        return bytes(self._map[start : self.committed])

    def close(self, remove: bool) -> None:
        self._unmap()
        if remove:
            self.path.unlink(missing_ok=True)
        self._file.close()
        _open_here.discard(self)

    def abandon(self) -> None:
        """In a forked child: lets go of the file, whose lock would otherwise outlive the writer in its children."""
        self._unmap()
        self._file.close()

    def _grow(self, size: int) -> None:
        try:
            # Reserved, not only promised: a write into a promised page of a full disk kills the process.
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(self._file.fileno(), 0, size)
            else:
                self._file.truncate(size)
        except OSError as error:
            raise NoRoomError(
                f"Cannot log into {self.path.parent}: {error.strerror}; free some space and try again."
            ) from error
        if self._size:
            self._unmap()
        self._size = size
        self._map = mmap.mmap(self._file.fileno(), size)
        # Through a view of words the count changes in one store. `struct` would clear the bytes first, and a process that is
        # killed in that instant would leave a journal that says it holds nothing.
        self._words = memoryview(self._map).cast("Q")

    def _unmap(self) -> None:
        self._words.release()
        self._map.close()


_open_here: weakref.WeakSet[Journal] = weakref.WeakSet()


def _abandon_all() -> None:
    for one in list(_open_here):
        one.abandon()
    _open_here.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_abandon_all)


@dataclass(frozen=True, slots=True)
class Orphan:
    """A journal whose process is gone; the lock is held while it is looked at."""

    path: Path
    run_id: str
    content: bytes


def owned(path: Path) -> bool:
    """Whether a living process holds this journal."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False


def orphans(folder: Path) -> Iterator[Orphan]:
    """Every journal that lost its process, one at a time; another process that looks at the same time gets none of them.

    What bears no journal's head, or a count that ends inside of it, belongs to no run.
    """
    for path in sorted(folder.glob("*.journal")):
        try:
            file = path.open("rb")
        except FileNotFoundError:
            continue
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            # The one who held the lock before may have drained and removed it.
            if not path.exists() or os.fstat(file.fileno()).st_ino != path.stat().st_ino:
                continue
            head = file.read(START)
            if len(head) < START or not head.startswith(MAGIC):
                yield Orphan(path, "", b"")
                continue
            _, committed, run_id = HEAD.unpack(head)
            if committed < START:
                yield Orphan(path, "", b"")
                continue
            # A file that was cut off gives what is there.
            content = file.read(min(committed, path.stat().st_size) - START)
            yield Orphan(path, run_id.rstrip(b"\0").decode(errors="replace"), content)


def set_aside(path: Path) -> None:
    """Takes a journal that nobody can read out of the way, without losing it."""
    path.replace(path.with_suffix(".damaged"))
