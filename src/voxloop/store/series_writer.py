"""Series on their way into the database: points appended to chunks, and summaries kept beside them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from voxloop.store import codec, schema, sketch
from voxloop.store.series import CHUNK, best

SUMMARY = ("size", "first", "last", "min", "max", "last_step", "best")
Key = tuple[str, str]


@dataclass(slots=True)
class State:
    """A series as its writer remembers it: its summary, and the last chunk while that has room."""

    id: int
    summary: dict[str, Any]
    number: int = 0
    begun: codec.Columns | None = None
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
        columns = tuple(points[name] for name in ("step", "value", "time", "epoch"))
        if state.begun is not None:
            columns = tuple(np.concatenate([old, new]) for old, new in zip(state.begun, columns, strict=True))
        for start in range(0, len(columns[0]), CHUNK):
            part = cast(codec.Columns, tuple(column[start : start + CHUNK] for column in columns))
            steps, full = part[0], len(part[0]) == CHUNK
            row = {
                "series_id": state.id,
                "number": state.number,
                "size": len(steps),
                "low_step": int(steps.min()),
                "high_step": int(steps.max()),
                "data": codec.pack(*part),
                "sketch": sketch.of(part) if full else None,
            }
            yield row, state.stored
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
CHUNK_COLUMNS = ("size", "low_step", "high_step", "sketch", "data")
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
