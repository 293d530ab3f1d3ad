"""What logging costs: `python -m benchmarks.tracking`.

The peer is a bare SQLite table with a row for each point, committed every thousand points by the logging thread: what a
script would write in ten lines. It has no context, no page, and loses up to a thousand points to a kill.
"""

from __future__ import annotations

import random
import sqlite3
import statistics
import tempfile
import time
from pathlib import Path

import voxloop as vx

POINTS = 100_000


def walk() -> list[float]:
    chance, value, values = random.Random(0), 0.0, []
    for _ in range(POINTS):
        value += chance.gauss(0, 1)
        values.append(value)
    return values


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def ours(folder: Path, values: list[float]) -> tuple[float, float, float]:
    """Median cost of one call, points a second from start to close, bytes a point."""
    vx.Run(name="empty", project=folder).finish()
    before = size_of(folder)
    started = time.perf_counter()
    run = vx.Run(name="walk", project=folder)
    for step, value in enumerate(values):
        run.log({"loss": value}, step=step)
    run.finish()
    took = time.perf_counter() - started
    grown = size_of(folder) - before
    costs = []
    with vx.Run(name="calls", project=folder) as calls:
        for step, value in enumerate(values[:20_000]):
            began = time.perf_counter_ns()
            calls.log({"loss": value}, step=step)
            costs.append(time.perf_counter_ns() - began)
    return statistics.median(costs) / 1000, POINTS / took, grown / POINTS


def bare(folder: Path, values: list[float]) -> tuple[float, float, float]:
    costs = []
    started = time.perf_counter()
    database = sqlite3.connect(folder / "bare.db")
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("CREATE TABLE points (series INTEGER, step INTEGER, value REAL, time REAL)")
    for step, value in enumerate(values):
        began = time.perf_counter_ns()
        database.execute("INSERT INTO points VALUES (1, ?, ?, ?)", (step, value, time.time()))
        if step % 1000 == 999:
            database.commit()
        costs.append(time.perf_counter_ns() - began)
    database.commit()
    database.close()
    took = time.perf_counter() - started
    return statistics.median(costs) / 1000, POINTS / took, size_of(folder) / POINTS


def main() -> None:
    values = walk()
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        us, rate, size = ours(Path(one), values)
        bare_us, bare_rate, bare_size = bare(Path(two), values)
    print(f"{'':<46}{'voxloop':>10}{'bare SQLite':>13}{'ratio':>8}")
    print(f"{'run.log of one number, p50, µs':<46}{us:>10.2f}{bare_us:>13.2f}{us / bare_us:>8.2f}")
    print(f"{'points a second, start and close included':<46}{rate:>10,.0f}{bare_rate:>13,.0f}{rate / bare_rate:>8.2f}")
    print(f"{'bytes a point, a random walk with times':<46}{size:>10.1f}{bare_size:>13.1f}{size / bare_size:>8.2f}")


if __name__ == "__main__":
    main()
