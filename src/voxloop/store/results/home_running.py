"""The runs that are going on: how far they are, when they may end, what they said last."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from voxloop.errors import VoxloopError
from voxloop.store import codec, schema, series
from voxloop.store.goals import Goal
from voxloop.store.records import SeriesRecord
from voxloop.store.results.home_goals import main_of, value_of

MOST_RUNNING = 12
SPARK = 48
# Marks along the end of a series, by which the pace is told.
MARKS = 64
LINE = 300
Unit = Literal["epoch", "step"]
LIMITS: dict[Unit, tuple[str, ...]] = {
    "epoch": ("epochs", "max_epochs", "num_epochs", "n_epochs", "total_epochs"),
    "step": ("max_steps", "total_steps", "num_steps", "max_iters", "iterations", "steps"),
}
DEPTH = 3


@dataclass(frozen=True, slots=True)
class Spark:
    """The metric that a run is judged by, as a small curve."""

    name: str
    goal: Goal
    last: float | None
    best: float | None
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is; `of` and `ends` only where it has said how far it will go."""

    unit: Unit
    done: int
    of: int | None
    ends: float | None


@dataclass(frozen=True, slots=True)
class Running:
    """A run that is going on. `logged` is when it last said something of its own, `gap_s` how long it usually takes to."""

    id: str
    name: str
    experiment: str
    created: float
    heartbeat: float
    logged: float
    gap_s: float | None
    progress: Progress | None
    metric: Spark | None
    line: str | None


def running(connection: Connection) -> tuple[Running, ...]:
    """The newest runs that are going on."""
    table = schema.runs.c
    held = (table.id, table.name, table.experiment, table.created, table.heartbeat, table.params, table.definitions)
    alive = sa.select(*held).where(table.status == "running", ~table.archived)
    rows = connection.execute(alive.order_by(table.created.desc()).limit(MOST_RUNNING)).all()
    plain = series.plain(connection, [row.id for row in rows])
    lines = last_lines(connection, [row.id for row in rows])
    found = []
    for row in rows:
        main = main_of(plain.get(row.id, []), row.definitions)
        pulse = _pulse(connection, row.id)
        line = lines.get(row.id)
        moments = [row.created, *([line[0]] if line else []), *([pulse.times[-1]] if pulse else [])]
        found.append(
            Running(
                id=row.id,
                name=row.name,
                experiment=row.experiment,
                created=row.created,
                heartbeat=row.heartbeat,
                logged=max(moments),
                gap_s=_median_step(pulse.times) if pulse else None,
                progress=progress(pulse, row.params) if pulse else None,
                metric=_spark(connection, *main) if main else None,
                line=line[1] if line else None,
            )
        )
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Pulse:
    """Steps, epochs and times along the end of the series that a run logs most often."""

    steps: list[int]
    epochs: list[int]
    times: list[float]


def _pulse(connection: Connection, run_id: str) -> Pulse | None:
    table, held = schema.series.c, schema.chunks.c
    mine = (table.run_id == run_id) & ~table.name.startswith("system/")
    busiest = connection.execute(sa.select(table.id).where(mine).order_by(table.size.desc()).limit(1)).scalar()
    if busiest is None:
        return None
    newest = sa.select(held.data).where(held.series_id == busiest).order_by(held.number.desc()).limit(2)
    try:
        chunks = [codec.Chunk(data) for data in connection.execute(newest).scalars()][::-1]
        steps, epochs, times = (
            np.concatenate([getattr(chunk, column)() for chunk in chunks]) for column in ("steps", "epochs", "times")
        )
    except ValueError:
        # A damaged chunk is the doctor's matter; the run is still running.
        return None
    at = np.unique(np.linspace(0, len(steps) - 1, min(MARKS, len(steps))).astype(int))
    return Pulse(steps[at].tolist(), epochs[at].tolist(), (times[at] / 1e6).tolist()) if len(at) else None


def progress(pulse: Pulse, params: Mapping[str, Any]) -> Progress:
    """How far a run is, and when it may end if it goes on like this."""
    by_epoch = pulse.epochs[-1] >= 0
    limits = {unit: _limit(params, LIMITS[unit]) for unit in LIMITS}
    unit: Unit = "epoch" if by_epoch and (limits["epoch"] or not limits["step"]) else "step"
    marks = pulse.epochs if unit == "epoch" else pulse.steps
    of = limits[unit]
    pace = _pace(marks, pulse.times)
    if of is None or pace is None:
        return Progress(unit, marks[-1], of, None)
    left = max(0, of - marks[-1])
    last = pulse.times[-1]
    if len(set(marks)) == len(marks):
        return Progress(unit, marks[-1], of, last + pace * left)
    # Several points in an epoch: the last one is going on.
    began = next(time for mark, time in zip(marks, pulse.times, strict=True) if mark == marks[-1])
    return Progress(unit, marks[-1], of, max(last, began + pace * (left + 1)))


def _limit(params: Mapping[str, Any], names: Sequence[str]) -> int | None:
    """How far a run will go, as its params have it; what lies less deep counts first."""
    level: list[Mapping[str, Any]] = [params]
    for _ in range(DEPTH):
        for tree in level:
            for name in names:
                value = tree.get(name)
                if isinstance(value, int) and not isinstance(value, bool) and value > 0:
                    return value
        level = [inner for tree in level for inner in tree.values() if isinstance(inner, dict)]
    return None


def _pace(marks: Sequence[int], times: Sequence[float]) -> float | None:
    """Seconds for one more: the median, for a pause in between is not how fast a run is."""
    first: dict[int, float] = {}
    for mark, time in zip(marks, times, strict=True):
        first.setdefault(mark, time)
    known = sorted(first.items())
    steps = [(after[1] - before[1]) / (after[0] - before[0]) for before, after in pairwise(known)]
    steps = [step for step in steps if step > 0]
    return statistics.median(steps) if steps else None


def _median_step(times: Sequence[float]) -> float | None:
    steps = [after - before for before, after in pairwise(times) if after >= before]
    return statistics.median(steps) if steps else None


def _spark(connection: Connection, main: SeriesRecord, goal: Goal) -> Spark:
    try:
        values = series.read(connection, main.id, SPARK).values.tolist()
    except VoxloopError:
        values = []
    kept = tuple(value if np.isfinite(value) else None for value in values)
    return Spark(main.name, goal, main.last, value_of(main, goal), kept)


def last_lines(connection: Connection, run_ids: Sequence[str]) -> dict[str, tuple[float, str]]:
    """When each of these runs last printed something, and its last line with anything in it."""
    table = schema.console.c
    found = {}
    for run_id in run_ids:
        newest = sa.select(table.time, table.text).where(table.run_id == run_id).order_by(table.number.desc()).limit(3)
        pieces = connection.execute(newest).all()
        if not pieces:
            continue
        lines = [line for _, text in pieces for line in reversed(text.splitlines()) if line.strip()]
        plain = "".join(sign for sign in lines[0] if sign.isprintable() or sign == "\t").strip() if lines else ""
        found[run_id] = (float(pieces[0].time), plain[:LINE])
    return found
