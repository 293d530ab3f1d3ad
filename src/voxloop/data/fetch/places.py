"""The disk that something large goes to: how much room it has, who may work there, and folders that appear when they are whole."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from voxloop.errors import VoxloopError

Progress = Callable[[int, int, str], None]
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def amount(count: float) -> str:
    """`1.6 GB`, as vendors of disks count."""
    for unit, size in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:,.1f} {unit}"
    return f"{count:.0f} bytes"


def require_room(folder: Path, count: int, what: str) -> None:
    """Refuses what will not fit, before the first byte."""
    free = shutil.disk_usage(folder).free
    if count > free:
        raise VoxloopError(
            f"{what} needs {amount(count)} in {folder.absolute()}, where {amount(free)} is free; free some space, or choose another --out."
        )


def full(error: OSError, folder: Path, then: str) -> VoxloopError:
    """The sentence for a disk that took no more."""
    why = "takes no file as large as this" if error.errno == errno.EFBIG else "is full"
    return VoxloopError(f"The disk that holds {folder.absolute()} {why}; free some space, {then}.")


def work_of(into: Path) -> Path:
    return into.with_name(f".{into.name}.fetching")


@contextmanager
def workplace(into: Path, say: Callable[[str], None] | None = None) -> Iterator[Path]:
    """A hidden folder beside `into` where one process at a time makes it; what a killed one left is still there.

    A second process waits. The folder goes when nothing is left in it.
    """
    work = work_of(into)
    lock = _take(work, into, say)
    try:
        yield work
    finally:
        # Removed while it is held: who waits for it finds that the file is another one, and asks anew.
        with suppress(OSError):
            (work / "lock").unlink()
            work.rmdir()
        os.close(lock)


def _take(work: Path, into: Path, say: Callable[[str], None] | None) -> int:
    waiting = False
    while True:
        work.mkdir(parents=True, exist_ok=True)
        try:
            lock = os.open(work / "lock", os.O_RDWR | os.O_CREAT, 0o666)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(lock), (work / "lock").stat()):
                    return lock
            os.close(lock)
        except BlockingIOError:
            os.close(lock)
            if not waiting and say is not None:
                say(f"Another process is making {into}; waiting for it.")
            waiting = True
            time.sleep(0.2)
        except OSError as error:
            os.close(lock)
            raise VoxloopError(
                f"The file system of {work.parent.absolute()} cannot lock files ({error.strerror}), so two processes could "
                "spoil each other's work; choose an --out on a local disk."
            ) from error


@contextmanager
def whole_folder(into: Path, partial: Path) -> Iterator[Path]:
    """`partial`, empty; it becomes `into` when the block ends well, and goes when it does not."""
    if partial.is_dir():
        shutil.rmtree(partial)
    partial.mkdir()
    try:
        yield partial
        for folder, _, _ in os.walk(partial):
            sync(Path(folder))
        partial.rename(into)
        sync(into.parent)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def sync(folder: Path) -> None:
    """Holds a folder's names against a power cut."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
