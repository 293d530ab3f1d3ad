"""A series along an axis, as a chart draws it: a part of it, thinned without losing a spike, and told what was no number."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from voxloop.store import schema, series, sketch
from voxloop.store.context import canonical
from voxloop.store.records import Points, SeriesRecord

if TYPE_CHECKING:
    from voxloop.store.project import Project

By = Literal["step", "epoch", "time", "relative", "metric"]
Floats = npt.NDArray[np.float64]
TIMES = ("time", "relative")
MOST_BROKEN = 60
LARGEST = 2**62


@dataclass(frozen=True, slots=True)
class Axis:
    """What is drawn along, from where to where. `metric` names the series whose values it is, where it is one."""

    by: By = "step"
    metric: str | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Points in the order of `x`. `means` tells what each point's stretch is on average; it is empty where none was left out."""

    points: Points
    x: Floats
    means: Floats
    # Where the value was NaN or infinite, at most MOST_BROKEN of `broken_count`.
    broken: Points
    broken_x: Floats
    broken_count: int
    # Points that have no place on this axis, as those without an epoch.
    unplaced: int


def read(
    project: Project, one: SeriesRecord, axis: Axis, most: int, began: float, partner: SeriesRecord | None
) -> Curve:
    """A series of a run that began at `began`, along an axis; `partner` is the series that this is, where it is one.

    Times are told where they are the axis.
    """
    return _sketched(project, one, axis, most) or curve(
        _points(project, one, axis), axis, most, began, _all(project, partner)
    )


def curve(points: Points, axis: Axis, most: int, began: float = 0.0, other: Points | None = None) -> Curve:
    """Points along an axis, at most about `most` of them, among them the extremes of every stretch."""
    chosen, x, unplaced = within(points, axis, began, other)
    finite = np.isfinite(chosen.values)
    told = np.flatnonzero(~finite)
    if len(told) > MOST_BROKEN:
        told = told[np.linspace(0, len(told) - 1, MOST_BROKEN).astype(np.int64)]
    at = series.extremes(np.where(finite, chosen.values, np.nan), most)
    means = series.stretch_means(chosen.values, most)[at] if len(at) < len(chosen) else np.zeros(0)
    return Curve(_at(chosen, at), x[at], means, _at(chosen, told), x[told], int(np.count_nonzero(~finite)), unplaced)


def within(points: Points, axis: Axis, began: float, other: Points | None) -> tuple[Points, Floats, int]:
    """The points between the ends of an axis in its order, their places on it, and how many have none."""
    x = along(points, axis.by, began, other)
    kept = np.isfinite(x)
    unplaced = len(x) - int(np.count_nonzero(kept))
    if axis.low is not None:
        kept &= x >= axis.low
    if axis.high is not None:
        kept &= x <= axis.high
    at = np.flatnonzero(kept)
    if len(at) > 1 and np.any(np.diff(x[at]) < 0):
        at = at[np.argsort(x[at], kind="stable")]
    return (points, x, unplaced) if len(at) == len(x) and _rising(at) else (_at(points, at), x[at], unplaced)


def along(points: Points, by: By, began: float, other: Points | None = None) -> Floats:
    """The place of each point on an axis; NaN where it has none.

    A point lies where its epoch ends; several of one epoch are spread over it, as they were logged. A metric is looked
    up by step: its last value at or before.
    """
    if by == "step":
        return points.steps.astype(np.float64)
    if by in TIMES:
        return points.times - (began if by == "relative" else 0.0)
    if by == "epoch":
        return _spread(points.epochs)
    if other is None or not len(other):
        return np.full(len(points), np.nan)
    order = np.argsort(other.steps, kind="stable")
    place = np.searchsorted(other.steps[order], points.steps, side="right") - 1
    return np.where(place >= 0, other.values[order][np.maximum(place, 0)], np.nan)


def beginnings(connection: Connection, run_ids: Sequence[str]) -> dict[str, tuple[str, float]]:
    """What runs are called, and when they began."""
    runs = schema.runs.c
    asked = sa.select(runs.id, runs.name, runs.created).where(runs.id.in_(sorted(set(run_ids))))
    return {row.id: (row.name, row.created) for row in connection.execute(asked)}


def series_by_id(connection: Connection, ids: Sequence[int]) -> list[SeriesRecord]:
    """Those of these numbers that there are, in this order, each once."""
    table = schema.series
    rows = connection.execute(sa.select(table).where(table.c.id.in_(ids)))
    found = {row.id: series.record(row) for row in rows}
    return [found[number] for number in dict.fromkeys(ids) if number in found]


def partners(connection: Connection, all_of: Sequence[SeriesRecord], name: str) -> Mapping[int, SeriesRecord]:
    """For each series that of its run which has this name, in the same context or, without one there, in none."""
    table = schema.series
    runs = sorted({one.run_id for one in all_of})
    rows = connection.execute(sa.select(table).where(table.c.name == name, table.c.run_id.in_(runs)))
    known = {(row.run_id, row.context): series.record(row) for row in rows}
    found = {one.id: known.get((one.run_id, canonical(one.context))) or known.get((one.run_id, "{}")) for one in all_of}
    return {number: one for number, one in found.items() if one is not None}


def rows(
    project: Project, one: SeriesRecord, axis: Axis, began: float, partner: SeriesRecord | None
) -> Iterator[Points]:
    """All points between the ends of an axis, in pieces that fit into memory as text."""
    chosen, _, _ = within(_points(project, one, axis, timed=True), axis, began, _all(project, partner))
    for start in range(0, len(chosen), series.CHUNK):
        yield _at(chosen, np.arange(start, min(start + series.CHUNK, len(chosen))))


def _sketched(project: Project, one: SeriesRecord, axis: Axis, most: int) -> Curve | None:
    """A long series along its steps, without a look at all its points."""
    low, high = _steps(axis)
    # Ends beyond any step, or that are no number, leave nothing over or all.
    if axis.by != "step" or (low is None) != (axis.low is None) or (high is None) != (axis.high is None):
        return None
    with project.reading() as connection:
        found = sketch.drawn(connection, one.id, most, low, high)
    if found is None:
        return None
    points, nothing = found.points, _at(found.points, np.zeros(0, np.int64))
    return Curve(points, points.steps.astype(np.float64), found.means, nothing, np.zeros(0), 0, 0)


def _points(project: Project, one: SeriesRecord, axis: Axis, timed: bool | None = None) -> Points:
    # Times cost as much to read as values do, and only an axis of times, or a table, shows them.
    timed = axis.by in TIMES if timed is None else timed
    # Chunks know their steps, so a part is read without the rest.
    low, high = _steps(axis) if axis.by == "step" else (None, None)
    with project.reading() as connection:
        return series.read(connection, one.id, None, low, high, timed)


def _all(project: Project, one: SeriesRecord | None) -> Points | None:
    return None if one is None else project.points(one.id)


def _steps(axis: Axis) -> tuple[int | None, int | None]:
    """The first and the last step between the ends of an axis of steps."""
    return _step(axis.low, math.ceil), _step(axis.high, math.floor)


def _step(end: float | None, rounded: Callable[[float], int]) -> int | None:
    return rounded(end) if end is not None and abs(end) < LARGEST else None


def _spread(epochs: npt.NDArray[np.int32]) -> Floats:
    known, place, count = np.unique(epochs, return_inverse=True, return_counts=True)
    if count.max(initial=0) <= 1:
        return np.where(epochs >= 0, epochs, np.nan)
    order = np.argsort(place, kind="stable")
    nth = np.empty(len(epochs))
    nth[order] = np.arange(len(epochs)) - np.repeat(np.cumsum(count) - count, count) + 1
    return np.where(epochs >= 0, known[place] - 1 + nth / count[place], np.nan)


def _at(points: Points, at: npt.NDArray[np.int64]) -> Points:
    return Points(points.steps[at], points.values[at], points.times[at], points.epochs[at])


def _rising(at: npt.NDArray[np.int64]) -> bool:
    return not len(at) or bool(at[0] == 0 and at[-1] == len(at) - 1 and np.all(np.diff(at) == 1))
