"""What tracking costs, beside other trackers in the same run: `python -m benchmarks.tracking [--points N] [--without-peers]`.

Each tracker runs in a process and an environment of its own, by the plain interface that its documentation shows. The
environments are made under `.venv/trackers` when they are first asked for, which needs a package index.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.tracking.trackers import TRACKERS

ROOT = Path(__file__).parents[2]
# Figure, what it must be, whether more is better.
FIGURES = {
    "log, p50, us": (2.0, False),
    "points a second": (300_000.0, True),
    "bytes a point": (9.0, False),
    "read, ms": (10.0, False),
    "small run, ms": (4.0, False),
    "small run, kB": (8.0, False),
}


def environment(package: str) -> Path:
    """The Python of an environment that holds one tracker."""
    if not package:
        return Path(sys.executable)
    folder = ROOT / ".venv" / "trackers" / package.replace("==", "-").replace(" ", "-")
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        subprocess.run(
            [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *package.split()], check=True
        )
        (folder / "ready").touch()
    return python


def measured(name: str, points: int, small_runs: int) -> dict[str, float]:
    python = environment(TRACKERS[name].package)
    script = str(Path(__file__).parent / "trackers.py")
    with tempfile.TemporaryDirectory() as folder:
        words = [str(python), script, name, folder, str(points), str(small_runs)]
        said = subprocess.run(words, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    found: dict[str, float] = json.loads(said.splitlines()[-1])
    return found


def chart() -> tuple[float, float]:
    """Reading a chart of a thousand points from a series of a million, and all of it by numpy, in ms."""
    import numpy as np

    import voxloop as vx

    with tempfile.TemporaryDirectory() as folder:
        with vx.Run(name="long", project=folder) as run:
            for step, value in enumerate(np.random.default_rng(0).normal(size=1_000_000).cumsum().tolist()):
                run.log({"loss": value}, step=step)
        with vx.open(folder) as project:
            (series,) = project.series_of(run.id)
            took = []
            for most in (1000, None):
                best = min(_time(lambda most=most: project.points(series.id, most)) for _ in range(5))
                took.append(best * 1000)
    return took[0], took[1]


def _time(work: object) -> float:
    started = time.perf_counter()
    assert callable(work)
    work()
    return time.perf_counter() - started


def bare_script(statement: str, python: Path) -> float:
    """From nothing to a run that takes numbers, in a fresh process, in ms; Python's own start is left out."""
    code = f"import time; t = time.perf_counter(); {statement}; print('took', time.perf_counter() - t)"
    with tempfile.TemporaryDirectory() as folder:
        took = []
        for _ in range(5):
            environment = {**os.environ, "WANDB_MODE": "offline", "WANDB_SILENT": "true", "VOXLOOP_PROJECT": folder}
            done = subprocess.run(
                [str(python), "-c", code], capture_output=True, text=True, check=True, cwd=folder, env=environment
            )
            took.append(float(next(line for line in done.stdout.splitlines() if line.startswith("took")).split()[1]))
    return min(took) * 1000


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--points", type=int, default=100_000)
    options.add_argument("--small-runs", type=int, default=50)
    options.add_argument("--without-peers", action="store_true")
    chosen = options.parse_args()
    names = ["voxloop"] if chosen.without_peers else list(TRACKERS)
    found = {name: measured(name, chosen.points, chosen.small_runs) for name in names}
    print(f"{'':<18}{'must':>10}" + "".join(f"{name:>13}" for name in names) + f"{'best peer / ours':>19}")
    for figure, (must, more) in FIGURES.items():
        row = [found[name].get(figure) for name in names]
        peers = [value for value in row[1:] if value is not None]
        ours = row[0]
        assert ours is not None
        best = (max if more else min)(peers) if peers else None
        ratio = "" if best is None else f"{ours / best if more else best / ours:.1f} x"
        cells = "".join(f"{'-' if value is None else f'{value:,.1f}':>13}" for value in row)
        print(f"{figure:<18}{must:>10,.0f}{cells}{ratio:>19}")
    thinned, whole = chart()
    print(
        f"\nchart of 1,000 from a series of 1,000,000 points: {thinned:.0f} ms (must 30); the whole series: {whole:.0f} ms"
    )
    ours = bare_script("import voxloop; run = voxloop.Run(name='a')", Path(sys.executable))
    print(f"import and start of a run in a bare script: {ours:.0f} ms (must 150)", end="")
    if "wandb" in names:
        peer = bare_script("import wandb; run = wandb.init(project='a')", environment(TRACKERS["wandb"].package))
        print(f"; W&B offline {peer:.0f} ms, {peer / ours:.1f} x", end="")
    print()


if __name__ == "__main__":
    main()
