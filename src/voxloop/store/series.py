"""Series in the database: points appended to chunks, summaries kept beside them, charts read without losing a spike."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from voxloop.errors import VoxloopError
from voxloop.store import codec, schema
from voxloop.store.records import CaseRecord, Points, SeriesRecord

CHUNK = 8192
SUMMARY = ("size", "first", "last", "min", "max", "last_step", "best")


Key = tuple[str, str]
Columns = tuple[npt.NDArray[Any], ...]


@dataclass(slots=True)
class State:
    """A series as its writer remembers it: its summary, and the last chunk while that has room."""

    id: int
    summary: dict[str, Any]
    number: int = 0
    begun: Columns | None = None
    stored: bool = False


class SeriesWriter:
    """The series of one run, as the one process that writes them sees them: what it has written, it need not read.

    The last chunk is written anew until it is full, so a series of n points is n / CHUNK rows however often it is drained.
    """

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        self._states: dict[Key, State] = {}
        self._definitions: Mapping[str, Mapping[str, Any]] | None = None

    def fresh(self) -> None:
        """The run has no series and no definitions yet."""
        self._definitions = {}

    def append(self, connection: Connection, batches: Sequence[tuple[Key, npt.NDArray[Any]]]) -> None:
        """Adds points to series, new or known, in as few statements as their kinds: in the caller's transaction."""
        if not batches:
            return
        self._load(connection)
        new = [(key, points) for key, points in batches if key not in self._states]
        old = [(key, points) for key, points in batches if key in self._states]
        self._begin(connection, new)
        for (name, _), state, points in ((key, self._states[key], points) for key, points in old):
            state.summary = self._summarised(name, state.summary, points)
        self._keep(connection, [self._states[key] for key, _ in old])
        rows = [row for key, points in batches for row in self._extend(connection, self._states[key], points)]
        renewed = [row for row, stored in rows if stored]
        added = [row for row, stored in rows if not stored]
        if renewed:
            again = [
                {
                    "series": row["series_id"],
                    "at": row["number"],
                    **{f"new_{name}": row[name] for name in CHUNK_COLUMNS},
                }
                for row in renewed
            ]
            connection.execute(UPDATE_CHUNK, again)
        if added:
            connection.execute(schema.chunks.insert(), added)

    def define(self, connection: Connection, definitions: Mapping[str, Mapping[str, Any]]) -> None:
        """New definitions: the best of each series is chosen anew."""
        self._load(connection)
        self._definitions = definitions
        for (name, _), state in self._states.items():
            state.summary["best"] = best(name, state.summary["min"], state.summary["max"], definitions)
        self._keep(connection, list(self._states.values()))

    def _load(self, connection: Connection) -> None:
        if self._definitions is not None:
            return
        mine = schema.runs.c.id == self.run_id
        self._definitions = connection.execute(sa.select(schema.runs.c.definitions).where(mine)).scalar() or {}
        for row in connection.execute(sa.select(schema.series).where(schema.series.c.run_id == self.run_id)):
            summary = {name: getattr(row, name) for name in SUMMARY}
            self._states[row.name, row.context] = State(row.id, summary, number=-1)

    def _begin(self, connection: Connection, batches: list[tuple[Key, npt.NDArray[Any]]]) -> None:
        """Gives new series their rows."""
        if not batches:
            return
        nothing = dict.fromkeys(SUMMARY) | {"size": 0}
        summaries = [self._summarised(name, nothing, points) for (name, _), points in batches]
        rows = [
            {"run_id": self.run_id, "name": name, "context": context, **summary}
            for ((name, context), _), summary in zip(batches, summaries, strict=True)
        ]
        ids = connection.execute(INSERT_SERIES, rows).scalars().all()
        for (key, _), number, summary in zip(batches, ids, summaries, strict=True):
            self._states[key] = State(number, summary)

    def _extend(
        self, connection: Connection, state: State, points: npt.NDArray[Any]
    ) -> Iterator[tuple[dict[str, Any], bool]]:
        """The rows of chunks that change, each with whether it is stored already."""
        if state.number < 0:
            _resume(connection, state)
        columns: Columns = (points["step"], points["value"], points["time"], points["epoch"])
        if state.begun is not None:
            columns = tuple(np.concatenate([old, new]) for old, new in zip(state.begun, columns, strict=True))
        for start in range(0, len(columns[0]), CHUNK):
            part = tuple(column[start : start + CHUNK] for column in columns)
            steps, values, times, epochs = part
            row = {
                "series_id": state.id,
                "number": state.number,
                "size": len(steps),
                "low_step": int(steps.min()),
                "high_step": int(steps.max()),
                "data": codec.pack(steps, values, times, epochs),
            }
            yield row, state.stored
            full = len(steps) == CHUNK
            state.begun, state.stored = (None, False) if full else (part, True)
            state.number += full

    def _summarised(self, name: str, before: Mapping[str, Any], points: npt.NDArray[Any]) -> dict[str, Any]:
        summary = _summary(before, points)
        return summary | {"best": best(name, summary["min"], summary["max"], self._definitions or {})}

    def _keep(self, connection: Connection, states: list[State]) -> None:
        if states:
            rows = [
                {"series": state.id, **{f"new_{name}": state.summary[name] for name in SUMMARY}} for state in states
            ]
            connection.execute(UPDATE_SERIES, rows)


INSERT_SERIES = schema.series.insert().returning(schema.series.c.id, sort_by_parameter_order=True)
UPDATE_SERIES = (
    schema.series.update()
    .where(schema.series.c.id == sa.bindparam("series"))
    .values({name: sa.bindparam(f"new_{name}") for name in SUMMARY})
)
CHUNK_COLUMNS = ("size", "low_step", "high_step", "data")
UPDATE_CHUNK = (
    schema.chunks.update()
    .where((schema.chunks.c.series_id == sa.bindparam("series")) & (schema.chunks.c.number == sa.bindparam("at")))
    .values({name: sa.bindparam(f"new_{name}") for name in CHUNK_COLUMNS})
)


def _resume(connection: Connection, state: State) -> None:
    """Takes up a last chunk that has room; a damaged one is left as it lies, and the next begins behind it."""
    here = schema.chunks.c.series_id == state.id
    last = connection.execute(
        sa.select(schema.chunks).where(here).order_by(schema.chunks.c.number.desc()).limit(1)
    ).first()
    state.number = 0 if last is None else last.number + 1
    if last is not None and last.size < CHUNK:
        try:
            state.begun, state.number, state.stored = codec.unpack(last.data), last.number, True
        except ValueError:
            return


def _summary(before: Mapping[str, Any], points: npt.NDArray[Any]) -> dict[str, Any]:
    values = points["value"]
    numbers = values[np.isfinite(values)]
    lows = [one for one in (before["min"], float(numbers.min()) if len(numbers) else None) if one is not None]
    highs = [one for one in (before["max"], float(numbers.max()) if len(numbers) else None) if one is not None]
    return {
        "size": before["size"] + len(points),
        "first": _finite(float(values[0])) if before["size"] == 0 else before["first"],
        "last": _finite(float(values[-1])),
        "min": min(lows, default=None),
        "max": max(highs, default=None),
        "last_step": int(points["step"][-1]),
    }


def _finite(value: float) -> float | None:
    # SQL has no NaN: the summary says nothing, the point itself keeps every bit.
    return value if math.isfinite(value) else None


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
    """The best value of a series by the first definition whose pattern fits its name."""
    for pattern, definition in definitions.items():
        if fnmatchcase(name, pattern):
            return {"max": high, "min": low}.get(str(definition.get("best")))
    return None


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
) -> Points:
    """Points between two steps, thinned to about `max_points` where there are more."""
    table = schema.chunks
    query = sa.select(table.c.data).where(table.c.series_id == series_id).order_by(table.c.number)
    if first_step is not None:
        query = query.where(table.c.high_step >= first_step)
    if last_step is not None:
        query = query.where(table.c.low_step <= last_step)
    try:
        chunks = [codec.Chunk(data) for data in connection.execute(query).scalars()]
        return _points(chunks, max_points, first_step, last_step)
    except ValueError as error:
        raise VoxloopError(
            f'Series {series_id} has a damaged chunk ({error}); "voxloop doctor" says what can be saved.'
        ) from error


def _points(chunks: list[codec.Chunk], max_points: int | None, first_step: int | None, last_step: int | None) -> Points:
    steps = _joined([chunk.steps() for chunk in chunks], np.int64)
    values = _joined([chunk.values() for chunk in chunks], np.float64)
    at = np.arange(len(steps))
    if first_step is not None or last_step is not None:
        kept = np.ones(len(steps), bool)
        if first_step is not None:
            kept &= steps >= first_step
        if last_step is not None:
            kept &= steps <= last_step
        at = at[kept]
    if max_points is not None and len(at) > max_points:
        at = at[extremes(values[at], max_points)]
        times, epochs = _some(chunks, at)
    else:
        times = _joined([chunk.times() for chunk in chunks], np.int64)[at]
        epochs = _joined([chunk.epochs() for chunk in chunks], np.int32)[at]
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
    stretches = (most - 2) // 2
    inner = values[1:-1]
    # Rows of equal length, and a rest that is a stretch of its own, so that numpy looks for all at once.
    length = -(-len(inner) // stretches)
    rows = len(inner) // length
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
