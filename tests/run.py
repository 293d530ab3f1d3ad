"""Every check: the cheap ones side by side, then the tests; all of them run, and the last lines say what failed and how long each took."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parent.parent
PYTHON = sys.executable
BIN = Path(PYTHON).parent

# Each file goes to one of them whole, for what its tests share is made once. One more than there are cores, for those that drive
# a browser wait a quarter of their time; more than four only wait for the disk.
PROCESSES = str(min(4, (os.cpu_count() or 1) + 1))
PARALLEL = ["-n", PROCESSES, "--dist", "loadfile", "--no-loadscope-reorder"]

CHEAP: dict[str, list[str]] = {
    "types": [str(BIN / "mypy")],
    "page lint": [PYTHON, "-m", "tests.page", "check"],
    "page tests": [PYTHON, "-m", "tests.page", "test"],
    "format": [str(BIN / "ruff"), "format", "--check", "--quiet", "."],
    "lint": [str(BIN / "ruff"), "check", "--quiet", "."],
    "imports": [str(BIN / "lint-imports")],
}
TESTS = {"python and browser tests": [PYTHON, "-m", "pytest", "-q", *PARALLEL, "--durations=15"]}


def main() -> int:
    with ThreadPoolExecutor(int(PROCESSES)) as several:
        ended = list(several.map(check, CHEAP, CHEAP.values(), [True] * len(CHEAP)))
    ended += [check(name, command, False) for name, command in TESTS.items()]
    for name, seconds, passed in ended:
        print(f"{'ok' if passed else 'FAILED':<7}{seconds:6.0f} s  {name}")
    failed = sum(not passed for *_, passed in ended)
    print(f"{len(ended) - failed} passed, {failed} failed")
    return 1 if failed else 0


def check(name: str, command: list[str], apart: bool) -> tuple[str, float, bool]:
    """Runs one; `apart` prints what it said when it has ended, so that no other speaks between."""
    if not apart:
        print(f"== {name}", flush=True)
    started = time.monotonic()
    # Each keeps to one core, and what hundreds of processes import is compiled once.
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": ""}
    output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT} if apart else {}
    done = subprocess.run(command, cwd=ROOT, env=environment, encoding="utf-8", errors="replace", check=False, **output)  # type: ignore[call-overload]
    if apart:
        print(f"== {name}\n{done.stdout}", end="", flush=True)
    return name, time.monotonic() - started, done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
