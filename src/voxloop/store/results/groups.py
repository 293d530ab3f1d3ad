"""The runs that a query fits in groups: which there are, whose they are, and in which order."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from voxloop.errors import VoxloopError
from voxloop.store import query, schema
from voxloop.store.results.columns import OWN
from voxloop.store.results.summaries import Summary, key_of, summed

Figure = Literal["mean", "median", "range"]
Cells = dict[str, Any]
Values = tuple[Any, ...]
STATISTICS = ("first", "last", "min", "max", "best")
# More groups than this are no overview.
MOST = 1000
STEP = re.compile(r'\.([^."\[\]]+)|\[("(?:[^"\\]|\\.)*")\]')


@dataclass(frozen=True, slots=True)
class Group:
    """Runs that have the same values in the columns by which they are grouped; `key` says the values as one text."""

    key: str
    values: tuple[Any, ...]
    ids: tuple[str, ...]
    cells: tuple[Summary | None, ...]


@dataclass(frozen=True, slots=True)
class Groups:
    """The groups of all runs that a query fits, how many runs and groups there are, and no more groups than can be shown."""

    runs: int
    total: int
    groups: tuple[Group, ...]


def of_runs(
    connection: Connection,
    text: str,
    by: Sequence[str],
    columns: Sequence[str] = (),
    sort: str | None = None,
    order: Sequence[str] = (),
    figure: Figure = "mean",
) -> Groups:
    """The runs that a query fits, grouped by one or two columns. A run is in the group of each of its tags.

    `sort` orders the runs of a group as a table of runs is sorted. `order` names the columns whose figures order the groups
    (a minus before one for downwards, `runs` for how many there are); without it, they are ordered by what they have in common.
    """
    if not 1 <= len(by) <= 2:
        raise VoxloopError(f"Runs are grouped by one column or two, not by {len(by)}; leave some out.")
    rows = _cells(connection, text, [*by, *columns], sort)
    found: dict[str, tuple[Values, list[str]]] = {}
    for run_id, cells in rows.items():
        for values in product(*(_memberships(key, cells.get(key)) for key in by)):
            found.setdefault(key_of(values), (values, []))[1].append(run_id)
    groups = sorted(found.items(), key=lambda item: tuple(map(_place, item[1][0])))
    for term in reversed(order):
        down = term.startswith("-")
        value = _ordered_by(term.removeprefix("-"), by, rows, columns, "high" if down else "low", figure)
        keys = {key: value(*one) for key, one in groups}
        # Two passes, since what is missing comes last both ways.
        groups.sort(key=lambda item: _place(keys[item[0]]), reverse=down)
        groups.sort(key=lambda item: keys[item[0]] is None)
    shown = tuple(
        Group(key, values, tuple(ids), tuple(summed(rows[one].get(column) for one in ids) for column in columns))
        for key, (values, ids) in groups[:MOST]
    )
    return Groups(len(rows), len(groups), shown)


def _cells(connection: Connection, text: str, keys: Sequence[str], sort: str | None) -> dict[str, Cells]:
    """What each run has in these columns, by id, in order. A column that nobody has is empty."""
    runs = schema.runs.c
    own = {
        "duration_s": (sa.func.coalesce(runs.ended, runs.heartbeat) - runs.created).label("duration_s"),
        **{key: runs[key] for key in OWN if key != "duration_s"},
    }
    params = {key: _steps(key.removeprefix("params")) for key in keys if key.startswith(("params.", "params["))}
    metrics = {
        key: (name.removeprefix("metrics."), statistic)
        for key in keys
        if key.startswith("metrics.")
        for name, _, statistic in [key.rpartition(".")]
        if statistic in STATISTICS
    }
    asked = query.parse(text, "run")
    fits = query.where(asked, connection)
    held = [own[key] for key in dict.fromkeys(keys) if key in own and key != "id"]
    wanted = sa.select(runs.id, *held, *([runs.params] if params else [])).select_from(query.base("run")).where(fits)
    found: dict[str, Cells] = {}
    for row in connection.execute(wanted.order_by(*query.order(sort, "run", connection))):
        cells = dict(row._mapping)
        tree = cells.pop("params", None)
        for key, steps in params.items():
            if (value := _below(tree, steps)) is not None:
                cells[key] = value
        found[cells["id"]] = cells
    if metrics:
        series = schema.series.c
        names = sorted({name for name, _ in metrics.values()})
        chosen = query.select_ids(asked, connection).order_by(None).scalar_subquery()
        here = series.name.in_(names) & (series.context == "{}") & series.run_id.in_(chosen)
        by_name: dict[str, list[tuple[str, str]]] = {}
        for key, (name, statistic) in metrics.items():
            by_name.setdefault(name, []).append((key, statistic))
        statistics = [series[statistic] for statistic in STATISTICS]
        for run_id, name, *values in connection.execute(sa.select(series.run_id, series.name, *statistics).where(here)):
            for key, statistic in by_name[name]:
                found[run_id][key] = values[STATISTICS.index(statistic)]
    return found


def _steps(path: str) -> tuple[str, ...]:
    """The keys in the name of a column: `.a["b.c"]` is a, then b.c."""
    return tuple(plain or json.loads(odd) for plain, odd in STEP.findall(path))


def _below(value: Any, steps: Iterable[str]) -> Any:
    for step in steps:
        value = value.get(step) if isinstance(value, dict) else None
    # What has keys inside is no value of its own: those are columns.
    return None if isinstance(value, dict) and value else value


def _memberships(key: str, value: Any) -> Sequence[Any]:
    return (list(dict.fromkeys(value)) or [None]) if key == "tags" and isinstance(value, list | tuple) else [value]


def _place(value: Any) -> tuple[int, Any]:
    """Where a value stands among others: truths, numbers, texts, the rest, and last what is missing."""
    if value is None:
        return 4, 0
    if isinstance(value, bool):
        return 0, value
    if isinstance(value, int | float):
        return (1, value) if isinstance(value, int) or math.isfinite(value) else (2, str(value))
    return (2, value.casefold()) if isinstance(value, str) else (3, json.dumps(value, sort_keys=True))


def _ordered_by(
    key: str,
    by: Sequence[str],
    rows: dict[str, Cells],
    columns: Sequence[str],
    end: Literal["low", "high"],
    figure: Figure,
) -> Callable[[Values, Sequence[str]], Any]:
    """What a group is ordered by: how many runs it has, what they have in common, or a figure of a column."""
    if key == "runs":
        return lambda values, ids: len(ids)
    if key in by:
        place = list(by).index(key)
        return lambda values, ids: values[place]
    if key not in columns:
        raise VoxloopError(f'The groups have no column "{key}" to be ordered by; ask for it among the columns.')

    def value(values: Values, ids: Sequence[str]) -> Any:
        cell = summed(rows[one].get(key) for one in ids)
        if cell is None:
            return None
        if cell.mean is None:
            return cell.values[0]
        return getattr(cell, end if figure == "range" else figure)

    return value
