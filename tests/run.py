"""Every check, one after the other, cheapest first; all of them run, and the last lines say what failed and how long each took."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
PYTHON = sys.executable
BIN = Path(PYTHON).parent

STEPS: dict[str, list[str]] = {
    "format": [str(BIN / "ruff"), "format", "--check", "--quiet", "."],
    "lint": [str(BIN / "ruff"), "check", "--quiet", "."],
    "imports": [str(BIN / "lint-imports")],
    "types": [str(BIN / "mypy")],
    "page lint": [PYTHON, "-m", "tests.page", "check"],
    "page tests": [PYTHON, "-m", "tests.page", "test"],
    "python and browser tests": [PYTHON, "-m", "pytest", "-q", "--durations=15"],
}


def main() -> int:
    failed, took = [], {}
    for name, command in STEPS.items():
        print(f"== {name}", flush=True)
        started = time.monotonic()
        if subprocess.run(command, cwd=ROOT, check=False).returncode != 0:
            failed.append(name)
        took[name] = time.monotonic() - started
    for name, seconds in took.items():
        print(f"{'FAILED' if name in failed else 'ok':<7}{seconds:6.0f} s  {name}")
    print(f"{len(STEPS) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
