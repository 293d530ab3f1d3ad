"""Series in the database: points appended to chunks, summaries kept beside them, charts read without losing a spike."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from voxloop.errors import VoxloopError
from voxloop.store import codec, schema
from voxloop.store.records import Points, SeriesRecord

CHUNK = 4096


def append(connection: Connection, run_id: str, name: str, context: str, points: npt.NDArray[Any]) -> None:
    """Adds a journal's points to a series, in one transaction with whatever else the caller does.

    The last chunk is written anew until it is full, so a series of n points is n / 4096 rows however often it is drained.
    """
    row = _row(connection, run_id, name, context)
    last = connection.execute(
        sa.select(schema.chunks)
        .where(schema.chunks.c.series_id == row.id)
        .order_by(schema.chunks.c.number.desc())
        .limit(1)
    ).first()
    columns: list[npt.NDArray[Any]] = [points["step"], points["value"], points["time"], points["epoch"]]
    number = 0
    if last is not None:
        number = last.number + 1
        begun = _begun(last)
        if begun is not None:
            number = last.number
            columns = [np.concatenate([old, new]) for old, new in zip(begun, columns, strict=True)]
            here = (schema.chunks.c.series_id == row.id) & (schema.chunks.c.number == number)
            connection.execute(schema.chunks.delete().where(here))
    for start in range(0, len(columns[0]), CHUNK):
        steps, values, times, epochs = (column[start : start + CHUNK] for column in columns)
        data = codec.pack(steps, values, times, epochs)
        connection.execute(
            schema.chunks.insert().values(
                series_id=row.id,
                number=number,
                size=len(steps),
                low_step=int(steps.min()),
                high_step=int(steps.max()),
                data=data,
            )
        )
        number += 1
    connection.execute(schema.series.update().where(schema.series.c.id == row.id).values(**_summary(row, points)))


def _begun(last: Row[Any]) -> tuple[npt.NDArray[Any], ...] | None:
    """The columns of a last chunk that has room; a damaged one is left as it lies, and the next begins behind it."""
    try:
        return codec.unpack(last.data) if last.size < CHUNK else None
    except ValueError:
        return None


def _row(connection: Connection, run_id: str, name: str, context: str) -> Row[Any]:
    this = (schema.series.c.run_id == run_id) & (schema.series.c.name == name) & (schema.series.c.context == context)
    row = connection.execute(sa.select(schema.series).where(this)).first()
    if row is None:
        connection.execute(schema.series.insert().values(run_id=run_id, name=name, context=context, size=0))
        row = connection.execute(sa.select(schema.series).where(this)).one()
    return row


def _summary(row: Row[Any], points: npt.NDArray[Any]) -> dict[str, Any]:
    values = points["value"]
    numbers = values[np.isfinite(values)]
    lows = [one for one in (row.min, float(numbers.min()) if len(numbers) else None) if one is not None]
    highs = [one for one in (row.max, float(numbers.max()) if len(numbers) else None) if one is not None]
    return {
        "size": row.size + len(points),
        "first": _finite(float(values[0])) if row.size == 0 else row.first,
        "last": _finite(float(values[-1])),
        "min": min(lows, default=None),
        "max": max(highs, default=None),
        "last_step": int(points["step"][-1]),
    }


def _finite(value: float) -> float | None:
    # SQL has no NaN: the summary says nothing, the point itself keeps every bit.
    return value if math.isfinite(value) else None


def best(
    name: str, low: float | None, high: float | None, definitions: Mapping[str, Mapping[str, Any]]
) -> float | None:
    """The best value of a series by the first definition whose pattern fits its name."""
    for pattern, definition in definitions.items():
        if fnmatchcase(name, pattern):
            return {"max": high, "min": low}.get(str(definition.get("best")))
    return None


def record(row: Row[Any], definitions: Mapping[str, Mapping[str, Any]]) -> SeriesRecord:
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
        best=best(row.name, row.min, row.max, definitions),
    )


def read(
    connection: Connection,
    series_id: int,
    max_points: int | None = None,
    first_step: int | None = None,
    last_step: int | None = None,
) -> Points:
    """Points between two steps, thinned to about `max_points` where there are more."""
    query = (
        sa.select(schema.chunks.c.data).where(schema.chunks.c.series_id == series_id).order_by(schema.chunks.c.number)
    )
    try:
        parts = [codec.unpack(row.data) for row in connection.execute(query)]
    except ValueError as error:
        raise VoxloopError(
            f"Series {series_id} has a damaged chunk ({error}); restore the project from a backup."
        ) from error
    if not parts:
        return Points(np.zeros(0, np.int64), np.zeros(0), np.zeros(0), np.zeros(0, np.int32))
    steps, values, times, epochs = (np.concatenate(column) for column in zip(*parts, strict=True))
    kept = np.ones(len(steps), bool)
    if first_step is not None:
        kept &= steps >= first_step
    if last_step is not None:
        kept &= steps <= last_step
    points = Points(steps[kept], values[kept], times[kept] / 1e6, epochs[kept])
    return points if max_points is None else thin(points, max_points)


def thin(points: Points, most: int) -> Points:
    """At most `most` points (never fewer than 4), among them the lowest and the highest of every stretch: a spike never disappears."""
    count = len(points)
    most = max(most, 4)
    if count <= most:
        return points
    buckets = np.linspace(1, count - 1, (most - 2) // 2 + 1).astype(int)
    chosen = {0, count - 1}
    for start, end in zip(buckets[:-1].tolist(), buckets[1:].tolist(), strict=True):
        stretch = points.values[start:end]
        if len(stretch) and not np.isnan(stretch).all():
            chosen |= {start + int(np.nanargmin(stretch)), start + int(np.nanargmax(stretch))}
        elif len(stretch):
            chosen.add(start)
    at = np.array(sorted(chosen))
    return Points(points.steps[at], points.values[at], points.times[at], points.epochs[at])
