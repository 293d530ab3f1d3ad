"""How long a query takes from its text to its rows: `python -m benchmarks.query` (with numbers of runs, for others than these).

The peer is what a script would write by hand: a bare SQLite table of runs with their params as JSON, one of last values by
run and name, and a SQL statement for each question. It has no language, no context, no types and no archive.
"""

from __future__ import annotations

import json
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from voxloop.store import schema
from voxloop.store.query import parse, select_ids
from voxloop.store.sqlite import open_file

SIZES = (1_000, 10_000, 100_000)
SERIES = ("train/loss", "val/dice", "val/hd95", "system/gpu", "lr")
REPEATS = 15
PAGE = 50
FILTER = 'run.params.optimizer.lr < 1e-3 and run.metrics["val/dice"].last > 0.8'
SORT = '-run.metrics["val/dice"].last'
BARE_FILTER = """SELECT runs.id FROM runs JOIN metrics ON metrics.run_id = runs.id AND metrics.name = 'val/dice'
    WHERE json_extract(params, '$.optimizer.lr') < 1e-3 AND metrics.last > 0.8 ORDER BY created DESC"""
BARE_SORT = """SELECT runs.* FROM runs LEFT JOIN metrics ON metrics.run_id = runs.id AND metrics.name = 'val/dice'
    ORDER BY metrics.last DESC LIMIT 50"""
# What the words "in a blink" mean here, in milliseconds.
MUST = {
    (1_000, "filter"): 10,
    (10_000, "sort"): 25,
    (100_000, "filter"): 250,
    (100_000, "sort"): 250,
    (100_000, "both"): 250,
}


def runs(count: int) -> Iterator[tuple[dict[str, Any], list[float]]]:
    """Ten params and five series each, and an environment as a real run has one."""
    chance = random.Random(0)
    letters = "abcdefghijklmnopqrstuvwxyz234567"
    environment = {
        "command": ["train.py", "--fold", "0"],
        "python": "3.11.9",
        "packages": {f"package-{number}": f"{number}.1.0" for number in range(12)},
        "system": "Linux 6.1",
        "git": {"commit": "0" * 40, "dirty": False, "branch": "main"},
    }
    for number in range(count):
        params = {
            "optimizer": {"name": chance.choice(["Adam", "SGD"]), "lr": 10 ** chance.uniform(-5, -1)},
            "seed": number,
            "epochs": 100,
            "batch_size": chance.choice([1, 2, 4]),
            "roi_size": [96, 96, 96],
            "network": chance.choice(["UNet", "SegResNet"]),
            "dropout": chance.random() / 2,
            "amp": True,
            "loss": "DiceCELoss",
        }
        run = {
            "id": "".join(chance.choice(letters) for _ in range(10)),
            "name": f"run-{number}",
            "experiment": "spleen",
            "status": "finished",
            "created": 1.7e9 + number,
            "ended": 1.7e9 + number + 60,
            "heartbeat": 1.7e9 + number + 60,
            "params": params,
            "tags": ["baseline"],
            "environment": environment,
            "definitions": {"val/*": {"best": "max"}},
            "notes": "",
            "archived": False,
        }
        yield run, [chance.random() for _ in SERIES]


def fill(folder: Path, count: int) -> tuple[sa.Engine, sqlite3.Connection]:
    engine = open_file(folder / "voxloop.db")
    bare = sqlite3.connect(folder / "bare.db")
    bare.execute("CREATE TABLE runs (id TEXT PRIMARY KEY, name TEXT, created REAL, params TEXT)")
    bare.execute("CREATE TABLE metrics (run_id TEXT, name TEXT, last REAL, PRIMARY KEY (run_id, name))")
    made: list[dict[str, Any]] = []
    series: list[dict[str, Any]] = []
    for run, values in runs(count):
        made.append(run)
        for name, value in zip(SERIES, values, strict=True):
            summary = dict.fromkeys(("first", "last", "min", "max", "best"), value)
            place = {"run_id": run["id"], "name": name, "context": "{}"}
            series.append({**place, "size": 100, "last_step": 100, **summary})
    with engine.begin() as connection:
        connection.execute(schema.runs.insert(), made)
        connection.execute(schema.series.insert(), series)
    rows = ((run["id"], run["name"], run["created"], json.dumps(run["params"])) for run in made)
    bare.executemany("INSERT INTO runs VALUES (?, ?, ?, ?)", rows)
    bare.executemany(
        "INSERT INTO metrics VALUES (?, ?, ?)", ((row["run_id"], row["name"], row["last"]) for row in series)
    )
    bare.commit()
    return engine, bare


def ours(engine: sa.Engine, text: str, sort: str | None, limit: int | None) -> Callable[[], int]:
    """From the text to the rows: ids first, then what is wide of one page of them."""

    def ask() -> int:
        with engine.connect().execution_options(reading=True) as connection:
            found = connection.execute(select_ids(parse(text, "run"), connection, sort, limit)).scalars().all()
            connection.execute(sa.select(schema.runs).where(schema.runs.c.id.in_(found[:PAGE]))).all()
        return len(found)

    return ask


def best_of(ask: Callable[[], int]) -> tuple[float, int]:
    took, found = float("inf"), ask()
    for _ in range(REPEATS):
        began = time.perf_counter()
        found = ask()
        took = min(took, time.perf_counter() - began)
    return took * 1000, found


def main() -> None:
    sizes = [int(word) for word in sys.argv[1:]] or SIZES
    print(
        f"{'':>8}  {'':<34}{'rows':>7}{'voxloop':>10}{'bare SQLite':>13}{'ratio':>7}{'must':>7}   (ms, best of {REPEATS})"
    )
    for count in sizes:
        with tempfile.TemporaryDirectory() as folder:
            engine, bare = fill(Path(folder), count)
            asked = {
                "filter": ("param and metric, all ids", ours(engine, FILTER, None, None), BARE_FILTER),
                "sort": ("all by a metric, first 50", ours(engine, "", SORT, PAGE), BARE_SORT),
                "both": (
                    "param and metric, by metric, first 50",
                    ours(engine, FILTER, SORT, PAGE),
                    BARE_FILTER.replace("created", "metrics.last") + " LIMIT 50",
                ),
            }
            for key, (what, ask, statement) in asked.items():
                took, found = best_of(ask)
                bare_took, bare_found = best_of(lambda: len(bare.execute(statement).fetchall()))  # noqa: B023
                assert found == bare_found, "both must find the same runs"
                must = MUST.get((count, key), "")
                print(
                    f"{count:>8,}  {what:<34}{found:>7,}{took:>10.1f}{bare_took:>13.1f}{took / bare_took:>7.2f}{must:>7}"
                )
            engine.dispose()
            bare.close()


if __name__ == "__main__":
    main()
