"""Every case looked at once, in as many processes as there are processors; a case that ends its process ends no other."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path

from voxloop.data.check.facts import Facts, File
from voxloop.data.check.listing import Entry
from voxloop.data.check.look import look

# Starting processes takes longer than looking at so many bytes.
FEW_BYTES = 4 << 20


def look_at_all(root: Path, entries: Sequence[Entry], workers: int | None) -> Iterator[tuple[Entry, Facts]]:
    """Facts as they come, in any order."""
    size = sum(_size(root, entry) for entry in entries)
    count = min(workers or os.cpu_count() or 1, len(entries))
    if (count <= 1 and workers == 1) or size < FEW_BYTES:
        for entry in entries:
            yield entry, look(root, entry)
        return
    left = list(entries)
    seen: set[int] = set()
    try:
        for number, facts in _pool(root, left, count):
            seen.add(number)
            yield left[number], facts
    except BrokenProcessPool:
        # Some case ended its process, for want of memory most likely: each of the rest gets a process of its own. Or none can
        # be started, as from a script without `if __name__ == "__main__"`, which is no case's fault.
        one_by_one = _alone if _can_start() else look
        for number, entry in enumerate(left):
            if number not in seen:
                yield entry, one_by_one(root, entry)


def _pool(root: Path, entries: list[Entry], workers: int) -> Iterator[tuple[int, Facts]]:
    # Spawned, not forked: the caller may have threads.
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_begin)
    try:
        # The largest first, so that no worker is left with one when the others are done.
        order = sorted(range(len(entries)), key=lambda number: -_size(root, entries[number]))
        with _ignoring_interrupts():
            jobs: dict[Future[Facts], int] = {pool.submit(look, root, entries[number]): number for number in order}
        for job in as_completed(jobs):
            yield jobs[job], job.result()
    finally:
        # Also where the caller was interrupted: what has not begun does not begin.
        pool.shutdown(wait=True, cancel_futures=True)


def _can_start() -> bool:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        try:
            return pool.submit(os.getpid).result() > 0
        except BrokenProcessPool:
            return False


def _alone(root: Path, entry: Entry) -> Facts:
    try:
        return next(_pool(root, [entry], 1))[1]
    except BrokenProcessPool:
        said = "Looking at the case ended the process, for want of memory most likely."
        files = [
            None if listed is None else File(listed, ("unreadable", said)) for listed in (entry.image, entry.label)
        ]
        return Facts(files[0], None if files[0] is not None else files[1])


@contextmanager
def _ignoring_interrupts() -> Iterator[None]:
    """Ctrl-C goes to every process of the terminal; those begun in here inherit that it is not theirs to answer."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _begin() -> None:
    # Where they could not inherit it, from here on.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"


def _size(root: Path, entry: Entry) -> int:
    size = 0
    for listed in (entry.image, entry.label):
        try:
            size += (root / listed).stat().st_size if listed is not None else 0
        except OSError:
            continue
    return size
