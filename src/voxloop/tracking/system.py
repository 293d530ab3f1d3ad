"""How busy the machine is: numbers under `system/…`, from psutil or, without it, from Linux itself.

Shares are in percent, sizes in bytes, speeds in bytes per second, temperatures in °C, power in watts. What a machine does not
tell is left out, and nothing here raises.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path

from voxloop.tracking import gpus
from voxloop.tracking.machine import Counters, counters, disk_free

INTERVAL_S = 10.0
# Between two looks less than this apart, a speed says nothing.
SHORTEST_S = 0.05


class Sampler:
    """Looks at the machine; speeds are those since its last look, so the first look has none."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = Path(folder) if folder is not None else None
        self._last: tuple[float, Counters] | None = None
        self._lock = threading.Lock()

    def sample(self) -> dict[str, float]:
        """What there is to say now, by name."""
        with self._lock:
            now, seen = time.monotonic(), counters()
            found = dict(seen.levels)
            if self._last is not None and now - self._last[0] >= SHORTEST_S:
                found.update(_rates(self._last[1], seen, now - self._last[0]))
            if self._last is None or now - self._last[0] >= SHORTEST_S:
                self._last = now, seen
        found.update(disk_free(self.folder))
        found.update(gpus.sample())
        return found


def sample(folder: Path | None = None) -> dict[str, float]:
    """One look at the machine; speeds are those since this process asked last."""
    _own.folder = folder if folder is not None else _own.folder
    return _own.sample()


class Monitor:
    """Looks at the machine every few seconds, from a thread of its own, and hands over what it saw.

    monitor = Monitor(lambda moment, values: ..., folder=project.root)
    monitor.start(); ...; monitor.stop()
    """

    def __init__(
        self,
        on_sample: Callable[[float, dict[str, float]], None],
        every_s: float = INTERVAL_S,
        folder: Path | None = None,
    ) -> None:
        self.every_s = every_s
        self._on_sample = on_sample
        self._sampler = Sampler(folder)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begins; the first numbers come after one interval, or when it stops."""
        if self._thread is not None:
            return
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=_work, args=(weakref.ref(self), self._stop, self.every_s), daemon=True, name="voxloop-system"
        )
        self._thread.start()

    def stop(self) -> None:
        """Ends, with one last look."""
        if self._thread is None:
            return
        self._stop.set()
        thread, self._thread = self._thread, None
        # In a forked child the thread is not there, and nothing is handed over.
        if thread.is_alive() and thread is not threading.current_thread():
            thread.join(timeout=5.0)
            self.look()

    def look(self) -> None:
        """Looks once, and hands over what it saw."""
        try:
            values = self._sampler.sample()
            if values:
                self._on_sample(time.time(), values)
        except Exception:  # a number that cannot be had or kept must not end a training
            pass


def _work(reference: weakref.ref[Monitor], stop: threading.Event, every_s: float) -> None:
    """The thread of a monitor, as long as that is there."""
    monitor = reference()
    if monitor is not None:
        # What the speeds of the first look are since. Starting NVML takes a while too, and here nobody waits for it.
        monitor._sampler.sample()
    del monitor
    while not stop.wait(every_s):
        monitor = reference()
        if monitor is None:
            return
        monitor.look()
        del monitor


def _rates(before: Counters, now: Counters, seconds: float) -> dict[str, float]:
    found = {}
    if before.busy is not None and now.busy is not None and now.busy[1] > before.busy[1]:
        share = 100 * (now.busy[0] - before.busy[0]) / (now.busy[1] - before.busy[1])
        # On an idle machine the difference of two sums may fall a hair below nothing, and Linux lets its count of waiting shrink.
        found["system/cpu"] = min(100.0, max(0.0, share))
    for name, value in now.totals.items():
        if name in before.totals:
            # A counter that begins anew, as of a network that comes up again, is no negative speed.
            found[name] = max(0.0, (value - before.totals[name]) / seconds)
    return found


_own = Sampler()
