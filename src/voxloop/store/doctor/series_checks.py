"""Whether the points of a series can be read, and are what its row says of them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from voxloop.store import codec, schema, series
from voxloop.store.doctor.examination import Finding, Place


def damaged_chunks(place: Place) -> Iterator[Finding]:
    with place.reading() as connection:
        names = _names(connection)
        query = sa.select(schema.chunks).order_by(schema.chunks.c.series_id, schema.chunks.c.number)
        for chunk in connection.execute(query).yield_per(100):
            if chunk.series_id in names and (reason := _damage(chunk)):
                sentence = f"{chunk.size} points of {names[chunk.series_id]} cannot be read ({reason})."
                yield Finding("chunk", "error", sentence, mendable=True, subject=(chunk.series_id, chunk.number))


def _names(connection: Connection) -> dict[int, str]:
    table = schema.series
    query = sa.select(table.c.id, table.c.name, table.c.context, table.c.run_id)
    return {
        row.id: f"{row.name} {'' if row.context == '{}' else row.context + ' '}of run {row.run_id}"
        for row in connection.execute(query)
    }


def _damage(chunk: Row[Any]) -> str:
    try:
        steps = codec.unpack(chunk.data)[0]
    except ValueError as error:
        return str(error)[:80] or "it is no chunk"
    if len(steps) != chunk.size:
        return f"{len(steps)} of {chunk.size} are there"
    if not len(steps) or (int(steps.min()), int(steps.max())) != (chunk.low_step, chunk.high_step):
        return "its steps are others than its row says"
    return ""


def set_chunk_aside(place: Place, finding: Finding) -> None:
    """Keeps the damaged bytes in a file, and the series without them."""
    series_id, number = finding.subject
    here = (schema.chunks.c.series_id == series_id) & (schema.chunks.c.number == number)
    with place.writing() as connection:
        row = connection.execute(sa.select(schema.series).where(schema.series.c.id == series_id)).one()
        chunk = connection.execute(sa.select(schema.chunks).where(here)).one()
        place.keep_rows("chunks", [{**chunk._mapping, "series": dict(row._mapping)}])
        connection.execute(schema.chunks.delete().where(here))
        _write_summary(connection, row)


@dataclass
class _Tally:
    """The summary of a series, from its points."""

    size: int = 0
    first: float | None = None
    last: float | None = None
    min: float | None = None
    max: float | None = None
    last_step: int | None = None

    def add(self, steps: Any, values: Any) -> None:
        if not len(values):
            return
        if self.size == 0:
            self.first = _finite(values[0])
        self.size += len(values)
        self.last, self.last_step = _finite(values[-1]), int(steps[-1])
        numbers = values[np.isfinite(values)]
        if len(numbers):
            low, high = float(numbers.min()), float(numbers.max())
            self.min = low if self.min is None else min(self.min, low)
            self.max = high if self.max is None else max(self.max, high)


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def wrong_summaries(place: Place) -> Iterator[Finding]:
    """Series whose row says something else than their points. Where a chunk is damaged, that is said instead."""
    with place.reading() as connection:
        names = _names(connection)
        rows = {row.id: row for row in connection.execute(sa.select(schema.series))}
        query = sa.select(schema.chunks).order_by(schema.chunks.c.series_id, schema.chunks.c.number)
        tally, current, damaged = _Tally(), None, False
        told = set()
        for chunk in connection.execute(query).yield_per(100):
            if chunk.series_id != current:
                if current in rows and not damaged:
                    yield from _compared(rows[current], tally, names)
                tally, current, damaged = _Tally(), chunk.series_id, False
                told.add(current)
            if current not in rows or damaged or _damage(chunk):
                damaged = True
                continue
            steps, values, *_ = codec.unpack(chunk.data)
            tally.add(steps, values)
        if current in rows and not damaged:
            yield from _compared(rows[current], tally, names)
        for series_id in rows.keys() - told:
            yield from _compared(rows[series_id], _Tally(), names)


def _compared(row: Row[Any], tally: _Tally, names: dict[int, str]) -> Iterator[Finding]:
    for what, value in vars(tally).items():
        if getattr(row, what) != value:
            sentence = f"{names[row.id]}: its row says {what} {getattr(row, what)}, and its points say {value}."
            yield Finding("summary", "warning", sentence, mendable=True, subject=row.id)
            return


def recompute(place: Place, finding: Finding) -> None:
    with place.writing() as connection:
        here = schema.series.c.id == finding.subject
        _write_summary(connection, connection.execute(sa.select(schema.series).where(here)).one())


def _write_summary(connection: Connection, row: Row[Any]) -> None:
    tally = _Tally()
    mine = schema.chunks.c.series_id == row.id
    for chunk in connection.execute(sa.select(schema.chunks).where(mine).order_by(schema.chunks.c.number)).all():
        if not _damage(chunk):
            steps, values, *_ = codec.unpack(chunk.data)
            tally.add(steps, values)
    said = {**vars(tally)}
    if row.best is not None:
        said["best"] = series.best(row.name, tally.min, tally.max, _definitions(connection, row.run_id))
    connection.execute(schema.series.update().where(schema.series.c.id == row.id).values(**said))


def _definitions(connection: Connection, run_id: str) -> dict[str, Any]:
    column = sa.cast(schema.runs.c.definitions, sa.Text)
    text = connection.execute(sa.select(column).where(schema.runs.c.id == run_id)).scalar()
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
