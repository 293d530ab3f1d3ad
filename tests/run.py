"""Every check, one after the other, cheapest first; all of them run, and the last lines say what failed and how long each took."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
PYTHON = sys.executable
BIN = Path(PYTHON).parent

# Each file goes to one of them whole, for what its tests share is made once. More than four only wait for the disk.
PROCESSES = str(min(4, os.cpu_count() or 1))
PARALLEL = ["-n", PROCESSES, "--dist", "loadfile", "--no-loadscope-reorder"]

STEPS: dict[str, list[str]] = {
    "format": [str(BIN / "ruff"), "format", "--check", "--quiet", "."],
    "lint": [str(BIN / "ruff"), "check", "--quiet", "."],
    "imports": [str(BIN / "lint-imports")],
    "types": [str(BIN / "mypy")],
    "page lint": [PYTHON, "-m", "tests.page", "check"],
    "page tests": [PYTHON, "-m", "tests.page", "test"],
    "python and browser tests": [PYTHON, "-m", "pytest", "-q", *PARALLEL, "--durations=15"],
}


def main() -> int:
    failed, took = [], {}
    for name, command in STEPS.items():
        print(f"== {name}", flush=True)
        started = time.monotonic()
        # As many processes as there are cores: each keeps to its own.
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        if subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode != 0:
            failed.append(name)
        took[name] = time.monotonic() - started
    for name, seconds in took.items():
        print(f"{'FAILED' if name in failed else 'ok':<7}{seconds:6.0f} s  {name}")
    print(f"{len(STEPS) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
