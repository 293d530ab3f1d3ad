"""Checks that the page asks for: one at a time, in a process of its own, whose progress everyone can see and anyone can stop."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from voxloop.errors import VoxloopError


@dataclass(frozen=True, slots=True)
class Job:
    """A check that is going on: of which version's folder, and how far it is."""

    ref: str
    folder: Path
    began: float
    done: int = 0
    total: int = 0
    case: str = ""
    stopping: bool = False


class Checks:
    """Runs one check at a time. What was seen of cases is kept, so that a stopped one goes on where it was."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._job: Job | None = None
        self._process: subprocess.Popen[str] | None = None
        self._faults: dict[Path, str] = {}

    @property
    def job(self) -> Job | None:
        return self._job

    def fault(self, folder: Path) -> str | None:
        """Why the last check of a folder did not come to its end."""
        return self._faults.get(folder)

    def start(self, ref: str, folder: Path, out: Path) -> Job:
        """Begins a check, or answers with the one of this folder that is going on."""
        with self._lock:
            if self._job is not None:
                if self._job.folder == folder:
                    return self._job
                raise VoxloopError(
                    f"{self._job.ref} is being checked, and checks take turns; wait until it is done, or stop it."
                )
            self._faults.pop(folder, None)
            self._job = Job(ref, folder, time.time())
            self._process = subprocess.Popen(
                [sys.executable, "-m", "voxloop.server.datasets.checking", str(folder), str(out)],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                # A group of its own, so that its own processes are stopped with it.
                start_new_session=True,
            )
            threading.Thread(target=self._follow, args=(self._process,), daemon=True, name="voxloop-check").start()
            return self._job

    def stop(self) -> None:
        """Stops the check that is going on, if there is one."""
        with self._lock:
            if self._job is not None and self._process is not None:
                self._job = replace(self._job, stopping=True)
                _end(self._process)

    close = stop

    def _follow(self, process: subprocess.Popen[str]) -> None:
        words: list[str] = []
        # Read side by side: whoever writes a lot of errors would else wait for a reader for ever.
        reader = threading.Thread(target=lambda: words.extend(process.stderr or ()), daemon=True)
        reader.start()
        said = ""
        with process:
            for line in process.stdout or ():
                said = self._hear(line) or said
            code = process.wait()
            reader.join()
        with self._lock:
            if self._job is not None and code != 0 and not self._job.stopping:
                last = said or (words[-1].strip()[:300] if words else f"it ended with {code}")
                self._faults[self._job.folder] = f"The check did not come to its end: {last}"
            self._job, self._process = None, None

    def _hear(self, line: str) -> str:
        """Takes in how far the check is; answers with why it failed, where it says so."""
        try:
            told = json.loads(line)
            if "fault" in told:
                return str(told["fault"])
            with self._lock:
                if self._job is not None:
                    done, total, case = int(told["done"]), int(told["total"]), str(told["case"])
                    self._job = replace(self._job, done=done, total=total, case=case)
        except (ValueError, KeyError, TypeError):
            # What a library prints is no news of ours.
            pass
        return ""


def _end(process: subprocess.Popen[str]) -> None:
    with suppress(OSError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGTERM)
        else:
            process.terminate()
