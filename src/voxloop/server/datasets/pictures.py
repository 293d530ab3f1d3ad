"""Pictures of cases, each drawn once: by at most two processes at a time, which go when nobody looks any more."""

from __future__ import annotations

import asyncio
import shutil
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

from voxloop.errors import VoxloopError

T = TypeVar("T")
WORKERS = 2
IDLE_S = 60.0
# Of what was unpacked and drawn, the least recently looked at goes beyond this.
MOST_BYTES = 6 << 30
# Whoever looks at a case has its files open at most this long.
IN_USE_S = 300.0


class CannotDrawError(VoxloopError):
    """A scan that is there and of which no picture can be made."""


class Pictures:
    """The processes that draw, and the folder that their work is kept in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._pool: ProcessPoolExecutor | None = None
        self._lock = threading.Lock()
        self._used = 0.0
        self._busy = 0
        self._drawing: dict[Path, asyncio.Task[Any]] = {}
        self._resting: asyncio.Task[None] | None = None

    async def file(self, path: Path, work: Callable[..., None], *given: Any) -> Path:
        """A picture's file; `work` draws it where it is not there yet, once however many ask for it at the same time."""
        if path.is_file():
            return path
        task = self._drawing.get(path)
        if task is None:
            task = asyncio.create_task(self.run(work, *given, path))
            self._drawing[path] = task
            task.add_done_callback(lambda _: self._drawing.pop(path, None))
        # Who goes away does not take the picture from the others who wait for it.
        await asyncio.shield(task)
        return path

    async def run(self, work: Callable[..., T], *given: Any) -> T:
        """What `work` answers, from one of the processes."""
        self._busy += 1
        try:
            try:
                return await asyncio.wrap_future(self._open().submit(work, *given))
            except BrokenProcessPool:
                # One of those at work ended its process. Alone, each shows whether it was the one.
                self._drop()
                return await self._alone(work, *given)
        except VoxloopError as error:
            raise CannotDrawError(str(error)) from error
        except Exception as error:
            # A library behind a format may fail in ways of its own on a hostile file.
            raise CannotDrawError(f"The scan cannot be drawn ({type(error).__name__}: {str(error)[:120]}).") from error
        finally:
            self._busy -= 1
            self._used = time.monotonic()
            if self._resting is None or self._resting.done():
                self._resting = asyncio.create_task(self._rest())

    async def _alone(self, work: Callable[..., T], *given: Any) -> T:
        pool = _pool(1)
        try:
            return await asyncio.wrap_future(pool.submit(work, *given))
        except BrokenProcessPool as error:
            raise CannotDrawError(
                "Drawing the scan ended the process, for want of memory most likely; check the file with voxloop data check."
            ) from error
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _open(self) -> ProcessPoolExecutor:
        with self._lock:
            if self._pool is None:
                self._pool = _pool(WORKERS)
            return self._pool

    def _drop(self) -> None:
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=False, cancel_futures=True)

    async def _rest(self) -> None:
        """Lets the processes go when nothing was asked of them for a while, and old pictures with them."""
        while self._busy or time.monotonic() - self._used < IDLE_S:
            await asyncio.sleep(IDLE_S / 4)
        self._drop()
        await asyncio.to_thread(self.sweep)

    def sweep(self, most: int = MOST_BYTES) -> None:
        """Takes away the cases that were looked at longest ago, until the rest is small enough."""
        cases = []
        with suppress(OSError):
            for folder in self.folder.iterdir():
                size = sum(file.stat().st_size for file in folder.iterdir())
                cases.append((folder.stat().st_mtime, size, folder))
        left = sum(size for _, size, _ in cases)
        for used, size, folder in sorted(cases):
            if left <= most or time.time() - used < IN_USE_S:
                break
            shutil.rmtree(folder, ignore_errors=True)
            left -= size

    def close(self) -> None:
        with self._lock:
            pool, self._pool = self._pool, None
        if self._resting is not None:
            self._resting.cancel()
        if pool is not None:
            # A scan that is half read may take its time, and nobody waits for it any more.
            for process in list((pool._processes or {}).values()):
                process.terminate()
            pool.shutdown(wait=False, cancel_futures=True)


def _pool(workers: int) -> ProcessPoolExecutor:
    from voxloop.server.datasets import starting

    # Spawned, not forked: the server has threads.
    return ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=starting.begin)
