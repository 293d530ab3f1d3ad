"""A few columns of all runs that a query fits, as plots take them: whole columns of numbers, or of numbered levels."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from voxloop.store import query, schema
from voxloop.store.query.tree import quoted
from voxloop.store.results import key_below
from voxloop.store.results.columns import Column

Statistic = Literal["best", "last", "min", "max", "first"]
Goal = Literal["min", "max"]
# Longer texts are no names of levels; nobody can read them on an axis.
LONGEST = 120
# How params spell what JSON has no number for.
ODD = ("nan", "inf", "-inf")


@dataclass(frozen=True, slots=True)
class Level:
    """One of the values of a column that is not all numbers: as people read it, and as a query says it, if it can."""

    text: str
    literal: str | None


@dataclass(frozen=True, slots=True)
class Values:
    """A column of many runs. A value is a number or the place of a level; None where the run has none.

    Of a metric, `statistic` says which of its values stand here, and `goal` which way is better, where the runs say so.
    """

    key: str
    term: str
    kind: Literal["number", "level"]
    values: tuple[float | int | None, ...]
    levels: tuple[Level, ...] = ()
    statistic: Statistic | None = None
    goal: Goal | None = None


@dataclass(frozen=True, slots=True)
class Grid:
    """Columns of runs, newest first; `total` counts the runs beyond the most that were asked for too."""

    total: int
    ids: tuple[str, ...]
    names: tuple[str, ...]
    columns: tuple[Values, ...]


def of_runs(connection: Connection, text: str, columns: Sequence[Column], statistic: Statistic, most: int) -> Grid:
    """These columns of the newest runs that a query fits."""
    asked = query.parse(text, "run")
    chosen = query.select_ids(asked, connection, None, most, 0)
    ids = list(connection.execute(chosen).scalars())
    total = len(ids)
    if total == most:
        fitting = sa.select(sa.func.count()).select_from(query.base("run")).where(query.where(asked, connection))
        total = int(connection.execute(fitting).scalar_one())
    wanted = frozenset(column.key for column in columns if column.kind == "param")
    table = schema.runs.c
    held = (table.id, table.name, table.status, table.experiment, table.created, table.ended, table.heartbeat)
    told: dict[str, dict[str, Any]] = {}
    for rows in _in_parts(connection, sa.select(*held, *((table.params,) if wanted else ())), table.id, ids):
        for row in rows:
            found = {"name": row.name, "status": row.status, "experiment": row.experiment, "created": row.created}
            found["duration_s"] = max(0.0, (row.ended or row.heartbeat) - row.created)
            if wanted:
                found.update((key, value) for key, value in _below("params", row.params) if key in wanted)
            told[row.id] = found
    ids = [run_id for run_id in ids if run_id in told]
    metrics = _metrics(connection, ids, [column.key for column in columns if column.kind == "metric"])
    made = []
    for column in columns:
        if column.kind == "metric":
            made.append(_metric(column, [metrics.get(run_id, {}).get(column.key) for run_id in ids], statistic))
        else:
            made.append(_values(column, [told[run_id].get(column.key) for run_id in ids]))
    return Grid(total, tuple(ids), tuple(told[run_id]["name"] for run_id in ids), tuple(made))


def _in_parts(
    connection: Connection, asked: sa.Select[Any], place: sa.Column[Any], ids: Sequence[str]
) -> Iterator[Sequence[sa.Row[Any]]]:
    # A statement takes only so many ids.
    for start in range(0, len(ids), 500):
        yield connection.execute(asked.where(place.in_(ids[start : start + 500]))).all()


def _metrics(connection: Connection, ids: Sequence[str], keys: Sequence[str]) -> dict[str, dict[str, sa.Row[Any]]]:
    """The series of each run, by the keys of their columns."""
    if not keys:
        return {}
    series = schema.series.c
    names = [key.removeprefix("metrics.") for key in keys]
    held = sa.select(series.run_id, series.name, series.best, series.last, series.min, series.max, series.first)
    found: dict[str, dict[str, sa.Row[Any]]] = {}
    plain = held.where(series.context == "{}", series.name.in_(names))
    for rows in _in_parts(connection, plain, series.run_id, ids):
        for row in rows:
            found.setdefault(row.run_id, {})[f"metrics.{row.name}"] = row
    return found


def _metric(column: Column, rows: Sequence[sa.Row[Any] | None], statistic: Statistic) -> Values:
    there = [row for row in rows if row is not None and row.max is not None]
    used = statistic
    # The best of some beside the last of others would be two things on one axis.
    if statistic == "best" and any(row.best is None for row in there):
        used = "last"
    up = sum(row.best is not None and row.best == row.max != row.min for row in there)
    down = sum(row.best is not None and row.best == row.min != row.max for row in there)
    goal: Goal | None = "max" if up > down else "min" if down > up else None
    values = tuple(None if row is None else getattr(row, used) for row in rows)
    return Values(column.key, f"{column.term}.{used}", "number", values, statistic=used, goal=goal)


def _values(column: Column, found: Sequence[Any]) -> Values:
    there = [value for value in found if value is not None]
    if all(_is_number(value) or _is_odd(value) for value in there) and not all(map(_is_odd, there)):
        numbers = (float(value) if _is_odd(value) else value for value in found)
        return Values(column.key, column.term, "number", tuple(numbers))
    # As JSON, because True is equal to 1 and says something else.
    spelt = [None if value is None else json.dumps(value, ensure_ascii=False) for value in found]
    named = {text: value for text, value in zip(spelt, found, strict=True) if text is not None}
    order = {text: place for place, text in enumerate(sorted(named, key=lambda text: _rank(named[text])))}
    levels = tuple(level_of(named[text]) for text in order)
    values = tuple(None if text is None else order[text] for text in spelt)
    return Values(column.key, column.term, "level", values, levels)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_odd(value: Any) -> bool:
    return isinstance(value, str) and value in ODD


def _rank(value: Any) -> tuple[int, Any]:
    if isinstance(value, bool):
        return 0, value
    if isinstance(value, int | float):
        return 1, value
    return 2, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def level_of(value: Any) -> Level:
    """A value as a level; what is too long to be one keeps its beginning, and no query says it."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if len(text) > LONGEST:
        return Level(f"{text[:LONGEST]}…", None)
    return Level(text, _literal(value))


def _literal(value: Any) -> str | None:
    if isinstance(value, list):
        inner = [_literal(one) for one in value]
        return None if None in inner else f"[{', '.join(text for text in inner if text is not None)}]"
    if isinstance(value, dict) or value is None or value != value or value in (float("inf"), float("-inf")):
        return None
    return quoted(value)


def _below(name: str, value: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    """The leaves of a run's params, by the keys of their columns."""
    for key, inner in value.items():
        if isinstance(inner, dict) and inner:
            yield from _below(key_below(name, key), inner)
        else:
            yield key_below(name, key), inner
