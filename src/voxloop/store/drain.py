"""From a journal into the database: what the bytes say, and how each kind of it is kept.

A drain and how far it has come are one transaction, so nothing is drained twice or lost in between.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from voxloop.store import schema
from voxloop.store.journal import NOTE, UNIT
from voxloop.store.series_writer import Key, SeriesWriter

UNITS = np.dtype([("series", "<u4"), ("step", "<i8"), ("value", "<f8"), ("time", "<i8"), ("epoch", "<i4")])
assert UNITS.itemsize == UNIT

Note = list[Any]
Points = npt.NDArray[Any]


@dataclass
class Sink:
    """One run's way into the database. It remembers what it has written, so that a drain need not ask for it."""

    run_id: str
    declared: dict[int, Key] = field(default_factory=dict)
    series: SeriesWriter = field(init=False)
    # Whether nothing of the run was in the database before, and whether its row is there by now; which of its journals are
    # known, how many pieces of its output.
    new: bool = False
    begun: bool = True
    journals: set[str] = field(default_factory=set)
    printed: int | None = None

    def __post_init__(self) -> None:
        self.series = SeriesWriter(self.run_id)

    def fresh(self) -> None:
        """Nothing of this run is in the database yet."""
        self.series.fresh()
        self.new, self.begun = True, False
        self.printed = 0

    def drain(self, connection: Connection, journal: str, content: bytes, end: int) -> None:
        """Keeps a stretch of a journal that ends at byte `end`, in the caller's transaction."""
        notes, points = parse(content)
        self.declare(notes)
        kept: dict[str, list[Note]] = {}
        for one in notes:
            kept.setdefault(str(one[0]), []).append(one)
        for row in (row for _, row in kept.get("run", [])):
            self._begin(connection, row, kept)
        for kind, keep in KINDS.items():
            if kind in kept:
                keep(self, connection, kept[kind])
        # What nobody declared is no point and is left out.
        known = {number: part for number, part in by_number(points).items() if number in self.declared}
        self.series.append(connection, [(self.declared[number], part) for number, part in known.items()])
        self._remember(connection, journal, end)

    def _begin(self, connection: Connection, row: dict[str, Any], kept: dict[str, list[Note]]) -> None:
        """Gives the run its row, with all that was said of it since: a short run is one statement."""
        table = schema.runs
        if self.begun and connection.execute(sa.select(table.c.id).where(table.c.id == row["id"])).first():
            return
        for _, path, *value in kept.pop("params", []):
            _put(row["params"], path, value)
        for _, columns in kept.pop("columns", []):
            row |= columns
        for _, more in kept.pop("environment", []):
            row["environment"] |= more
        self.series.define(connection, row["definitions"])
        connection.execute(table.insert(), row)
        self.begun = True

    def _remember(self, connection: Connection, journal: str, end: int) -> None:
        table = schema.journals
        if journal in self.journals or not self.new:
            known = table.update().where(table.c.name == journal).values(drained=end)
            if connection.execute(known).rowcount:
                return
        connection.execute(table.insert(), {"name": journal, "drained": end})
        self.journals.add(journal)

    def declare(self, notes: list[Note]) -> None:
        """Learns which series the numbers of a journal stand for."""
        for one in notes:
            if one[0] != "series":
                continue
            try:
                _, number, name, context = one
                if isinstance(json.loads(context), dict):
                    self.declared[int(number)] = (str(name), str(context))
            except (ValueError, TypeError, RecursionError):
                # Damaged: its points cannot be told, and are left out.
                continue

    def forget(self) -> None:
        """After a transaction that failed: what is remembered may never have been kept."""
        self.series, self.new, self.begun, self.printed = SeriesWriter(self.run_id), False, True, None
        self.journals.clear()


def by_number(points: Points) -> dict[int, Points]:
    """Points by the number of their series, in their order."""
    points = points[np.argsort(points["series"], kind="stable")]
    numbers, starts = np.unique(points["series"], return_index=True)
    parts = np.split(points, starts[1:]) if len(numbers) else []
    return dict(zip(numbers.tolist(), parts, strict=True))


def parse(content: bytes) -> tuple[list[Note], Points]:
    """The notes and the points among a journal's bytes, each in their order. What is cut off or garbled is left out."""
    whole = len(content) // UNIT
    units = np.frombuffer(content, UNITS, whole)
    marks = np.flatnonzero(units["series"] == 0)
    if not len(marks):
        return [], units
    is_point = np.ones(whole, bool)
    notes: list[Note] = []
    at = 0
    for mark in marks.tolist():
        if mark < at:
            continue
        length = NOTE.unpack_from(content, mark * UNIT)[1]
        begin = (mark + 1) * UNIT
        at = mark + 1 + -(-length // UNIT)
        is_point[mark : min(at, whole)] = False
        if at > whole:
            break
        try:
            said = json.loads(content[begin : begin + length])
        except (ValueError, RecursionError):
            continue
        if isinstance(said, list) and said:
            notes.append(said)
    return notes, units[is_point]


def _columns(sink: Sink, connection: Connection, notes: list[Note]) -> None:
    changed: dict[str, Any] = {}
    for _, columns in notes:
        changed |= columns
    connection.execute(schema.runs.update().where(schema.runs.c.id == sink.run_id).values(**changed))
    if "definitions" in changed:
        sink.series.define(connection, changed["definitions"])


def _params(sink: Sink, connection: Connection, notes: list[Note]) -> None:
    mine = schema.runs.c.id == sink.run_id
    params = connection.execute(sa.select(schema.runs.c.params).where(mine)).scalar() or {}
    for _, path, *value in notes:
        _put(params, path, value)
    connection.execute(schema.runs.update().where(mine).values(params=params))


def _put(params: dict[str, Any], path: list[str], value: list[Any]) -> None:
    """Sets what lies at a path, or without a value takes it away."""
    at = params
    for key in path[:-1]:
        at = at.setdefault(key, {})
    if value:
        at[path[-1]] = value[0]
    else:
        at.pop(path[-1], None)


def _environment(sink: Sink, connection: Connection, notes: list[Note]) -> None:
    mine = schema.runs.c.id == sink.run_id
    known = connection.execute(sa.select(schema.runs.c.environment).where(mine)).scalar() or {}
    for _, more in notes:
        known |= more
    connection.execute(schema.runs.update().where(mine).values(environment=known))


def _media(sink: Sink, connection: Connection, notes: list[Note]) -> None:
    connection.execute(schema.media.insert(), [{"run_id": sink.run_id, **row} for _, row in notes])


def _console(sink: Sink, connection: Connection, notes: list[Note]) -> None:
    table = schema.console
    if sink.printed is None:
        last = connection.execute(sa.select(sa.func.max(table.c.number)).where(table.c.run_id == sink.run_id)).scalar()
        sink.printed = 0 if last is None else int(last) + 1
    rows = [
        {"run_id": sink.run_id, "number": number, "time": time, "text": text}
        for number, (_, time, text) in enumerate(notes, sink.printed)
    ]
    connection.execute(table.insert(), rows)
    sink.printed += len(rows)


KINDS: dict[str, Callable[[Sink, Connection, list[Note]], None]] = {
    "columns": _columns,
    "params": _params,
    "environment": _environment,
    "media": _media,
    "console": _console,
}
