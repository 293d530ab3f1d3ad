"""What the runs that a query fits have in common, and in what they differ: the columns that a table of them may show."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from voxloop.store import query, schema
from voxloop.store.query.tree import quoted, step_text
from voxloop.store.results import key_below

# What a run says of itself, whatever was logged: its column, and the term that sorts by it.
OWN = {
    "name": "run.name",
    "status": "run.status",
    "experiment": "run.experiment",
    "created": "run.created",
    "duration_s": "run.duration",
    "tags": "run.tags",
    "notes": "run.notes",
    "id": "run.id",
    "parent": "run.parent",
}
UNIQUE = {"id", "created", "duration_s"}
NUMBERS = {"duration_s"}


@dataclass(frozen=True, slots=True)
class Column:
    """One column: as tables name it, as a query does, how many runs have it, whether it tells them apart and is all numbers."""

    key: str
    term: str
    kind: Literal["run", "param", "metric"]
    runs: int
    differs: bool
    numbers: bool


def of_runs(connection: Connection, text: str) -> list[Column]:
    """The columns of all runs that a query fits: their own, their params, and their series without a context.

    The key of a metric ends in its statistic, which is left open here: `metrics.val/dice` stands for `metrics.val/dice.max`
    and the others.
    """
    chosen = query.select_ids(query.parse(text, "run"), connection).order_by(None).scalar_subquery()
    runs, series = schema.runs.c, schema.series.c
    held = (runs.name, runs.status, runs.experiment, runs.notes, runs.parent, runs.tags, runs.params)
    rows = connection.execute(sa.select(*held).where(runs.id.in_(chosen))).all()
    own = {key: _Seen() for key in OWN}
    params = _Seen()
    for *values, tree in rows:
        for key, value in zip(("name", "status", "experiment", "notes", "parent", "tags"), values, strict=True):
            own[key].take(value)
        params.take(tree)
    always = len(rows) > 1
    told = [
        Column(key, term, "run", len(rows), (always and key in UNIQUE) or own[key].differs, key in NUMBERS)
        for key, term in OWN.items()
    ]
    for key, term, seen in params.below("params", "run.params"):
        told.append(
            Column(key, term, "param", seen.count, seen.differs or seen.count < len(rows), seen.kinds <= {int, float})
        )
    metrics = connection.execute(
        sa.select(
            series.name, sa.func.count(), sa.func.min(series.last), sa.func.max(series.last), sa.func.count(series.last)
        )
        .where(series.run_id.in_(chosen), series.context == "{}", ~series.name.startswith("system/"))
        .group_by(series.name)
        .order_by(sa.func.count().desc(), series.name)
    )
    for name, count, low, high, numbers in metrics:
        differs = count < len(rows) or numbers < count or low != high
        told.append(Column(f"metrics.{name}", f"run.metrics[{quoted(name)}]", "metric", count, differs, True))
    return told


@dataclass(frozen=True, slots=True)
class Name:
    """A name under which runs have series: how many series, and whether some of them have no context."""

    name: str
    series: int
    plain: bool


def names_of_series(connection: Connection, text: str) -> list[Name]:
    """The names of the series of all runs that a query fits, by name."""
    chosen = query.select_ids(query.parse(text, "run"), connection).order_by(None).scalar_subquery()
    table = schema.series.c
    plain = sa.func.sum(sa.case((table.context == "{}", 1), else_=0))
    asked = sa.select(table.name, sa.func.count(), plain).where(table.run_id.in_(chosen)).group_by(table.name)
    return [Name(name, count, bool(without)) for name, count, without in connection.execute(asked.order_by(table.name))]


class _Seen:
    """The values at one place of many trees: how many, of what kinds, and whether one was ever another."""

    __slots__ = ("count", "differs", "first", "inside", "kinds")

    def __init__(self) -> None:
        self.count, self.differs = 0, False
        self.first: Any = None
        self.kinds: set[type] = set()
        self.inside: dict[str, _Seen] = {}

    def take(self, value: Any) -> None:
        if isinstance(value, dict) and value:
            for step, one in value.items():
                if step not in self.inside:
                    self.inside[step] = _Seen()
                self.inside[step].take(one)
            return
        if not self.count:
            self.first = value
        # NaN is not equal to itself, and says the same of two runs; True is equal to 1, and says something else.
        elif not self.differs and (value != self.first or type(value) is not type(self.first)):
            self.differs = value == value or self.first == self.first
        self.kinds.add(type(value))
        self.count += 1

    def below(self, key: str, term: str) -> Iterator[tuple[str, str, _Seen]]:
        """Every place with values, with its name as a column and as a term."""
        for step, seen in self.inside.items():
            names = key_below(key, step), term + step_text(step)
            if seen.count:
                yield *names, seen
            yield from seen.below(*names)
