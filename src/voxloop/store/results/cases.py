"""What runs say of cases, as one table: a row for each class of each case, a column for each run, and a run's epochs."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import numpy as np
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from voxloop.store import codec, schema
from voxloop.store.context import Context
from voxloop.store.goals import Goal, goal_of

SERIES = schema.series
Key = tuple[str, str]
USUAL = "val/dice"


@dataclass(frozen=True, slots=True)
class CaseMetric:
    """A name under which runs log a number for single cases, and which way it is better."""

    name: str
    goal: Goal
    series: int


@dataclass(frozen=True, slots=True)
class CaseColumn:
    """One run's values along the rows of a table; None where it says nothing of one. The distance of what was never found is infinite."""

    run_id: str
    last: list[float | None]
    best: list[float | None]
    worst: list[float | None]
    has_volume: list[bool]


@dataclass(frozen=True, slots=True)
class CaseBoard:
    """Cases and classes as rows, by case and class; `metric` is the one that is told."""

    metrics: list[CaseMetric]
    metric: str
    goal: Goal
    rows: list[Key]
    columns: list[CaseColumn]


@dataclass(frozen=True, slots=True)
class CaseEpochs:
    """A run's values of one metric, a row for each of `rows`, along the steps at which any was logged."""

    steps: list[int]
    epochs: list[int | None]
    rows: list[Key]
    values: list[list[float | None]] = field(repr=False)


def board(connection: Connection, run_ids: Sequence[str], metric: str | None = None) -> CaseBoard:
    """The cases of several runs by one metric: `metric`, or Dice where there is Dice, or what there is."""
    metrics = _metrics(connection, run_ids)
    names = [one.name for one in metrics]
    chosen = metric or (USUAL if USUAL in names else next((n for n in names if n.endswith("dice")), *names[:1] or [""]))
    goal: Goal = next((one.goal for one in metrics if one.name == chosen), "max")
    found = {run_id: _summaries(connection, run_id, chosen, goal) for run_id in run_ids}
    rows = sorted({key for of_run in found.values() for key in of_run})
    columns = [_column(connection, run_id, chosen, goal, found[run_id], rows) for run_id in run_ids]
    return CaseBoard(metrics, chosen, goal, rows, columns)


def epochs(connection: Connection, run_id: str, metric: str) -> CaseEpochs:
    """Every value of one metric that a run has logged for cases; of two at one step the later counts."""
    wanted = (SERIES.c.run_id == run_id) & (SERIES.c.name == metric) & _about_cases()
    keys = {row.id: key_of(json.loads(row.context)) for row in connection.execute(_select(SERIES.c.id).where(wanted))}
    # One question for all: a thousand small ones cost more than what they answer.
    chunks = schema.chunks
    told = connection.execute(
        sa.select(chunks.c.series_id, chunks.c.data)
        .join(SERIES, SERIES.c.id == chunks.c.series_id)
        .where(wanted)
        .order_by(chunks.c.series_id, chunks.c.number)
    )
    by_key: dict[Key, dict[int, float]] = {key: {} for key in keys.values()}
    epoch_of: dict[int, int] = {}
    for number, rows in groupby(told, key=lambda row: int(row.series_id)):
        for row in rows:
            chunk = codec.Chunk(row.data)
            steps = chunk.steps().tolist()
            by_key[keys[number]].update(zip(steps, chunk.values().tolist(), strict=True))
            for step, epoch in zip(steps, chunk.epochs().tolist(), strict=True):
                epoch_of[step] = max(epoch, epoch_of.get(step, -1))
    ordered, steps = sorted(by_key), sorted(epoch_of)
    return CaseEpochs(
        steps,
        [epoch if (epoch := epoch_of[step]) >= 0 else None for step in steps],
        ordered,
        [[_number(by_key[key].get(step)) for step in steps] for key in ordered],
    )


def newest_run(connection: Connection) -> str | None:
    """The newest run that says anything of cases; archived ones are passed over."""
    runs = schema.runs
    says = sa.exists().where((SERIES.c.run_id == runs.c.id) & _about_cases())
    query = sa.select(runs.c.id).where(sa.not_(runs.c.archived) & says).order_by(runs.c.created.desc(), runs.c.id)
    return connection.execute(query.limit(1)).scalar()


def _metrics(connection: Connection, run_ids: Sequence[str]) -> list[CaseMetric]:
    name, count = SERIES.c.name, sa.func.count()
    rows = connection.execute(
        sa.select(name, count).where(SERIES.c.run_id.in_(run_ids) & _about_cases()).group_by(name).order_by(name)
    )
    table = schema.runs
    definitions: dict[str, Any] = {}
    for of_run in connection.execute(sa.select(table.c.definitions).where(table.c.id.in_(run_ids))).scalars():
        definitions |= of_run
    return [CaseMetric(row[0], goal_of(row[0], definitions) or "max", row[1]) for row in rows]


@dataclass(frozen=True, slots=True)
class _Summary:
    last: float | None
    min: float | None
    max: float | None


def _summaries(connection: Connection, run_id: str, metric: str, goal: Goal) -> dict[Key, _Summary]:
    wanted = (SERIES.c.run_id == run_id) & (SERIES.c.name == metric) & _about_cases()
    rows = connection.execute(_select(SERIES.c.id, SERIES.c.last, SERIES.c.min, SERIES.c.max).where(wanted)).all()
    # Kept summaries leave out what is not finite; only the points know whether it was infinite. A series that begins and
    # ends with a number may hide one in between, but a score does not: of Dice, hardly any point is read.
    hiding = SERIES.c.first.is_(None) | SERIES.c.last.is_(None)
    is_score = goal == "max" and all(row.min >= 0 and row.max <= 1 for row in rows if row.min is not None)
    told = _from_points(connection, wanted & (hiding if is_score else hiding | (SERIES.c.size > 1)))
    return {key_of(json.loads(row.context)): told.get(row.id) or _Summary(row.last, row.min, row.max) for row in rows}


def _from_points(connection: Connection, wanted: sa.ColumnElement[bool]) -> dict[int, _Summary]:
    """Summaries that know of infinities, by series; of one with a damaged chunk there is none."""
    chunks = schema.chunks
    query = sa.select(chunks.c.series_id, chunks.c.data).join(SERIES, SERIES.c.id == chunks.c.series_id).where(wanted)
    told = connection.execute(query.order_by(chunks.c.series_id, chunks.c.number))
    found = {}
    for number, rows in groupby(told, key=lambda row: int(row.series_id)):
        try:
            values = np.concatenate([codec.Chunk(row.data).values() for row in rows])
        except ValueError:
            continue
        # Unlike min and max, these pass over NaN, and say nothing where there is nothing else.
        low, high = float(np.fmin.reduce(values)), float(np.fmax.reduce(values))
        found[number] = _Summary(float(values[-1]), low, high)
    return found


def _column(
    connection: Connection, run_id: str, metric: str, goal: str, found: Mapping[Key, _Summary], rows: Sequence[Key]
) -> CaseColumn:
    with_volume = cases_with_volume(connection, run_id)
    told = [found.get(key) for key in rows]
    low = [None if row is None else _number(row.min) for row in told]
    high = [None if row is None else _number(row.max) for row in told]
    return CaseColumn(
        run_id,
        [None if row is None else _number(row.last) for row in told],
        low if goal == "min" else high,
        high if goal == "min" else low,
        [case in with_volume for case, _ in rows],
    )


def cases_with_volume(connection: Connection, run_id: str) -> set[str]:
    """The cases of a run that can be looked at."""
    media = schema.media
    asked = sa.select(media.c.name, media.c.context).distinct()
    rows = connection.execute(asked.where((media.c.run_id == run_id) & (media.c.kind == "volume")))
    return {str(json.loads(row.context).get("case", row.name)) for row in rows}


def _select(*columns: sa.ColumnElement[Any]) -> sa.Select[Any]:
    return sa.select(SERIES.c.context, *columns)


def _about_cases() -> sa.ColumnElement[bool]:
    # Contexts are canonical JSON: a key is always written like this, and within a value the quotes would be escaped.
    return SERIES.c.context.contains('"case":', autoescape=True)


def key_of(context: Context) -> Key:
    """Case and class; what else tells two series of them apart is told with the class."""
    more = [f"{key}={value}" for key, value in sorted(context.items()) if key not in ("case", "class")]
    said = [str(context["class"])] if "class" in context else []
    return str(context.get("case", "")), " · ".join(said + more)


def _number(value: float | None) -> float | None:
    """Six digits are more than anybody reads of a score, and half of what would be sent."""
    return float(f"{value:.6g}") if value is not None and not math.isnan(value) else None
