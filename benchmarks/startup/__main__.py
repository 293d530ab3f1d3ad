"""How long a user waits for Voxloop to be there: `python -m benchmarks.startup`.

Each row is the best of several fresh processes, beside what Python itself needs to start and to import NumPy, so that
the ratio says how much of it is ours.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

REPEATS = 5


def best_of(measure: Callable[[], float]) -> float:
    return min(measure() for _ in range(REPEATS)) * 1000


def process(*arguments: str) -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def inside(statement: str) -> float:
    """The time of a statement alone, in a fresh process, without Python's own start."""
    code = f"import time; t = time.perf_counter(); {statement}; print(time.perf_counter() - t)"
    return float(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout)


def first_answer() -> float:
    """From the start of `voxloop serve` to its first answer over HTTP."""
    import voxloop as vx

    with tempfile.TemporaryDirectory() as folder:
        vx.Run(name="one", project=folder).finish()
        port = "8971"
        words = ["-m", "voxloop", "serve", "--project", folder, "--port", port, "--no-open"]
        started = time.perf_counter()
        server = subprocess.Popen([sys.executable, *words], stdout=subprocess.DEVNULL)
        try:
            while True:
                try:
                    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/project", timeout=5) as answer:
                        assert json.load(answer)["runs"] == 1
                    return time.perf_counter() - started
                except (urllib.error.URLError, ConnectionError):
                    assert time.perf_counter() - started < 30, "the server did not answer within 30 s"
                    time.sleep(0.01)
        finally:
            server.terminate()
            server.wait()


def main() -> None:
    numpy = best_of(lambda: inside("import numpy"))
    rows = [
        ("import voxloop", best_of(lambda: inside("import voxloop")), 150.0),
        ("import voxloop; voxloop.Run", best_of(lambda: inside("import voxloop; voxloop.Run")), None),
        ("voxloop --help", best_of(lambda: process("-m", "voxloop", "--help")), 300.0),
        ("voxloop serve, first answer", best_of(first_answer), 1500.0),
    ]
    heavy = subprocess.run(
        [sys.executable, "-c", "import voxloop, sys; print('torch' in sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    print(f"{'':<32}{'ms':>8}{'must':>8}{'x import numpy':>16}   ({Path(sys.executable).name}, best of {REPEATS})")
    for name, took, limit in rows:
        print(f"{name:<32}{took:>8.0f}{'' if limit is None else f'{limit:.0f}':>8}{took / numpy:>16.2f}")
    print(f"{'import numpy, for comparison':<32}{numpy:>8.0f}")
    print(f"torch is imported by `import voxloop`: {heavy.stdout.strip()}")


if __name__ == "__main__":
    main()
