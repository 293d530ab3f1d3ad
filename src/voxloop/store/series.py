"""Series in the database: found by run, by number and by name, and read as points or as a chart that loses no spike."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from voxloop.errors import VoxloopError
from voxloop.store import codec, schema, sketch
from voxloop.store.goals import definition_of
from voxloop.store.records import CaseRecord, Points, SeriesRecord

CHUNK = 8192


def copy(connection: Connection, source: str, target: str) -> None:
    """Gives the run `target` the series of `source`, points and all."""
    for row in connection.execute(sa.select(schema.series).where(schema.series.c.run_id == source)).mappings().all():
        kept = {name: value for name, value in row.items() if name != "id"} | {"run_id": target}
        new = connection.execute(schema.series.insert().values(**kept).returning(schema.series.c.id)).scalar_one()
        columns = [column for column in schema.chunks.c if column.name != "series_id"]
        connection.execute(
            schema.chunks.insert().from_select(
                ["series_id", *(column.name for column in columns)],
                sa.select(sa.literal(new), *columns).where(schema.chunks.c.series_id == row["id"]),
            )
        )


def best(
    name: str, low: float | None, high: float | None, definitions: Mapping[str, Mapping[str, Any]]
) -> float | None:
    """The best value of a series, as its run has defined it."""
    return {"max": high, "min": low}.get(str(definition_of(name, definitions).get("best")))


def record(row: Row[Any]) -> SeriesRecord:
    return SeriesRecord(
        id=row.id,
        run_id=row.run_id,
        name=row.name,
        context=json.loads(row.context),
        count=row.size,
        first=row.first,
        last=row.last,
        min=row.min,
        max=row.max,
        last_step=row.last_step,
        best=row.best,
    )


def of_run(connection: Connection, run_id: str, name: str | None = None) -> list[SeriesRecord]:
    """The series of one run, by name and context."""
    table = schema.series
    query = sa.select(table).where(table.c.run_id == run_id)
    if name is not None:
        query = query.where(table.c.name == name)
    return [record(row) for row in connection.execute(query.order_by(table.c.name, table.c.context))]


def plain(connection: Connection, run_ids: Sequence[str]) -> dict[str, list[SeriesRecord]]:
    """The series without a context of many runs at once, by run; how busy the machine was is left to the run's own page."""
    table = schema.series
    asked = (table.c.context == "{}") & ~table.c.name.startswith("system/")
    found: dict[str, list[SeriesRecord]] = {}
    for start in range(0, len(run_ids), 500):
        ids = list(run_ids[start : start + 500])
        for row in connection.execute(sa.select(table).where(asked & table.c.run_id.in_(ids)).order_by(table.c.name)):
            found.setdefault(row.run_id, []).append(record(row))
    return found


def by_id(connection: Connection, ids: Sequence[int]) -> list[SeriesRecord]:
    """Those with these numbers, in this order."""
    found: dict[int, SeriesRecord] = {}
    for start in range(0, len(ids), 500):
        rows = connection.execute(sa.select(schema.series).where(schema.series.c.id.in_(ids[start : start + 500])))
        found |= {row.id: record(row) for row in rows}
    return [found[number] for number in ids]


def case(one: SeriesRecord) -> CaseRecord:
    """A series whose context has a case, as what it says of that case."""
    return CaseRecord(
        id=one.id,
        run_id=one.run_id,
        case=one.context["case"],
        class_name=one.context.get("class"),
        metric=one.name,
        context=one.context,
        count=one.count,
        first=one.first,
        last=one.last,
        min=one.min,
        max=one.max,
        best=one.best,
    )


def read(
    connection: Connection,
    series_id: int,
    max_points: int | None = None,
    first_step: int | None = None,
    last_step: int | None = None,
    timed: bool = True,
) -> Points:
    """Points between two steps, thinned to about `max_points` where there are more. Untimed ones are quicker; theirs are 0."""
    if max_points is not None and (found := sketch.drawn(connection, series_id, max_points, first_step, last_step)):
        return found.points
    table = schema.chunks
    query = sa.select(table.c.data).where(table.c.series_id == series_id).order_by(table.c.number)
    if first_step is not None:
        query = query.where(table.c.high_step >= first_step)
    if last_step is not None:
        query = query.where(table.c.low_step <= last_step)
    try:
        chunks = [codec.Chunk(data) for data in connection.execute(query).scalars()]
        return _points(chunks, max_points, first_step, last_step, timed)
    except ValueError as error:
        raise VoxloopError(
            f'Series {series_id} has a damaged chunk ({error}); "voxloop doctor" says what can be saved.'
        ) from error


def _points(
    chunks: list[codec.Chunk], max_points: int | None, first_step: int | None, last_step: int | None, timed: bool
) -> Points:
    steps = _joined([chunk.steps() for chunk in chunks], np.int64)
    values = _joined([chunk.values() for chunk in chunks], np.float64)
    kept = np.ones(len(steps), bool)
    if first_step is not None:
        kept &= steps >= first_step
    if last_step is not None:
        kept &= steps <= last_step
    if max_points is None or np.count_nonzero(kept) <= max_points:
        times = _joined([chunk.times() for chunk in chunks], np.int64) if timed else np.zeros(len(steps), np.int64)
        epochs = _joined([chunk.epochs() for chunk in chunks], np.int32)
        if kept.all():
            # Most readers want all of it, and a copy costs as much as the decoding of a column.
            return Points(steps, values, times / 1e6, epochs)
        return Points(steps[kept], values[kept], times[kept] / 1e6, epochs[kept])
    at = np.flatnonzero(kept)
    at = at[extremes(values[at], max_points)]
    times, epochs = _some(chunks, at)
    return Points(steps[at], values[at], times / 1e6, epochs)


def _joined(parts: list[npt.NDArray[Any]], dtype: type[np.generic]) -> npt.NDArray[Any]:
    return np.concatenate(parts) if parts else np.zeros(0, dtype)


def _some(chunks: list[codec.Chunk], at: npt.NDArray[np.int64]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Times and epochs at a few ascending places of many chunks; no chunk without such a place is decoded."""
    ends = np.cumsum([chunk.count for chunk in chunks])
    times, epochs = np.zeros(len(at), np.int64), np.zeros(len(at), np.int32)
    for chunk, end, here in zip(
        chunks, ends.tolist(), np.split(np.arange(len(at)), np.searchsorted(at, ends)[:-1]), strict=True
    ):
        if len(here):
            inside = at[here] - (end - chunk.count)
            times[here], epochs[here] = chunk.times()[inside], chunk.epochs()[inside]
    return times, epochs


def thin(points: Points, most: int) -> Points:
    """At most `most` points (never fewer than 4), among them the lowest and the highest of every stretch: a spike never disappears."""
    at = extremes(points.values, most)
    return Points(points.steps[at], points.values[at], points.times[at], points.epochs[at])


def extremes(values: npt.NDArray[np.float64], most: int) -> npt.NDArray[np.int64]:
    """Where the first, the last and each stretch's lowest and highest value are, at most `most` places, ascending."""
    count = len(values)
    most = max(most, 4)
    if count <= most:
        return np.arange(count)
    inner = values[1:-1]
    length, rows = _stretches(len(inner), most)
    table = inner[: rows * length].reshape(rows, length)
    starts = np.arange(rows) * length
    chosen = [np.array([-1, len(inner)])]
    # What is no number is no extreme; a stretch without any number is told by its first point.
    for filled, pick in ((np.inf, np.argmin), (-np.inf, np.argmax)):
        chosen.append(
            starts + pick(np.where(np.isnan(table), filled, table) if np.isnan(table).any() else table, axis=1)
        )
        if rows * length < len(inner):
            rest = inner[rows * length :]
            chosen.append(np.array([rows * length + int(pick(np.where(np.isnan(rest), filled, rest)))]))
    return np.unique(np.concatenate(chosen)) + 1


def stretch_means(values: npt.NDArray[np.float64], most: int) -> npt.NDArray[np.float64]:
    """For every value the mean of the stretch that `extremes` has it in; the first and the last go with their neighbours."""
    count = len(values)
    if count <= max(most, 4):
        return values
    finite = np.isfinite(values)
    length, _ = _stretches(count - 2, max(most, 4))
    starts = np.arange(1, count - 1, length)
    starts[0] = 0
    members = np.add.reduceat(finite, starts, dtype=np.int64)
    sums = np.add.reduceat(np.where(finite, values, 0.0), starts)
    means = np.divide(sums, members, out=np.full(len(sums), np.nan), where=members > 0)
    return np.repeat(means, np.diff(np.append(starts, count)))


def _stretches(count: int, most: int) -> tuple[int, int]:
    # Rows of equal length, and a rest that is a stretch of its own, so that numpy looks for all at once.
    length = -(-count // ((most - 2) // 2))
    return length, count // length
