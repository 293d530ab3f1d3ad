"""Each experiment's newest finished run against the best one before it: on the whole, and case by case."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from voxloop.store import runs, schema, series
from voxloop.store.goals import Goal, goal_of
from voxloop.store.records import SeriesRecord
from voxloop.store.results.home_glance import Glance
from voxloop.store.results.home_goals import better, main_of, value_of

RUNS = schema.runs.c
SERIES = schema.series.c
MOST_EXPERIMENTS = 8
MOST_CASES = 5
# As many values tell how an experiment has been going.
TREND = 20
Word = Literal["better", "same", "worse", "first"]
WORDS: dict[int, Word] = {1: "better", 0: "same", -1: "worse"}


@dataclass(frozen=True, slots=True)
class Rival:
    """A run that another is held against."""

    id: str
    name: str
    value: float


@dataclass(frozen=True, slots=True)
class Dropped:
    """A class of a case that has become worse."""

    case: str
    class_name: str
    metric: str
    before: float
    now: float
    has_volume: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """The newest finished run of an experiment, and what it is against the best one before it that saw the same data."""

    experiment: str
    runs: int
    run: Rival
    ended: float
    metric: str
    goal: Goal
    word: Word
    best: Rival | None
    trend: tuple[float, ...]
    dropped: tuple[Dropped, ...]
    dropped_total: int


def verdicts(connection: Connection, ended: Sequence[Glance]) -> tuple[Verdict, ...]:
    """Of the experiments in which something has finished last; `ended` are all runs that have, the newest first."""
    finished: dict[str, list[Glance]] = {}
    for one in ended:
        if one.status == "finished":
            finished.setdefault(one.experiment, []).append(one)
    found = [_verdict(connection, mine) for mine in list(finished.values())[:MOST_EXPERIMENTS]]
    return tuple(one for one in found if one is not None)


def _verdict(connection: Connection, finished: Sequence[Glance]) -> Verdict | None:
    newest, *others = finished
    definitions = connection.execute(sa.select(RUNS.definitions).where(RUNS.id == newest.id)).scalar_one()
    mine = series.of_run(connection, newest.id)
    main = main_of([one for one in mine if not one.context and not one.name.startswith("system/")], definitions)
    if main is None or (value := value_of(*main)) is None:
        return None
    metric, goal = main[0].name, main[1]
    values = _values(connection, newest.experiment, metric, goal)
    allowed = _on_the_same_data(connection, newest.id)
    before = [one for one in others if one.id in values and (allowed is None or one.id in allowed)]
    sign = 1 if goal == "max" else -1
    best = max(before, key=lambda one: (sign * values[one.id], one.end), default=None)
    names = runs.names(connection, [one.id for one in (newest, best) if one is not None])
    rival = Rival(best.id, names[best.id], values[best.id]) if best else None
    dropped = _dropped(connection, mine, definitions, newest.id, rival.id) if rival else []
    return Verdict(
        experiment=newest.experiment,
        runs=len(finished),
        run=Rival(newest.id, names[newest.id], value),
        ended=newest.end,
        metric=metric,
        goal=goal,
        word=WORDS[better(value, rival.value, goal)] if rival else "first",
        best=rival,
        trend=(*(values[one.id] for one in reversed(before[: TREND - 1])), value),
        dropped=tuple(dropped[:MOST_CASES]),
        dropped_total=len(dropped),
    )


def _values(connection: Connection, experiment: str, metric: str, goal: Goal) -> dict[str, float]:
    """What each run of an experiment is judged by."""
    column = SERIES.max if goal == "max" else SERIES.min
    joined = schema.runs.join(schema.series, SERIES.run_id == RUNS.id)
    mine = (RUNS.experiment == experiment) & (SERIES.name == metric) & (SERIES.context == "{}")
    asked = sa.select(SERIES.run_id, column).select_from(joined).where(mine)
    values = {row[0]: row[1] for row in connection.execute(asked)}
    return {run_id: value for run_id, value in values.items() if value is not None and isfinite(value)}


def _on_the_same_data(connection: Connection, run_id: str) -> set[str] | None:
    """The runs that used the same datasets: a figure on other scans is no rival. Their versions may differ, for a dataset
    grows and the model has to keep up. Nothing where the run used none."""
    uses, versions = schema.uses.c, schema.versions.c
    joined = schema.uses.join(schema.versions, (versions.name == uses.name) & (versions.version == uses.version))
    datasets = sa.select(uses.name).select_from(joined).where(uses.run_id == run_id, versions.kind == "dataset")
    names = list(connection.execute(datasets).scalars())
    return set(connection.execute(sa.select(uses.run_id).where(uses.name.in_(names))).scalars()) if names else None


def _dropped(
    connection: Connection, mine: Sequence[SeriesRecord], definitions: Mapping[str, Any], run_id: str, rival: str
) -> list[Dropped]:
    """The cases that are worse than they were with the rival, by the metric that most cases have; the worst first."""
    scores = [one for one in mine if "case" in one.context and goal_of(one.name, definitions)]
    main = main_of(scores, definitions)
    if main is None:
        return []
    name, goal = main[0].name, main[1]
    table = schema.series
    theirs = connection.execute(
        sa.select(table.c.context, table.c.last).where(table.c.run_id == rival, table.c.name == name)
    )
    before = {_place(json.loads(row.context)): row.last for row in theirs}
    with_volume = _cases_with_volume(connection, run_id)
    found = []
    for one in scores:
        was = before.get(_place(one.context))
        if one.name != name or was is None or one.last is None or not isfinite(was + one.last):
            continue
        if better(one.last, was, goal) >= 0:
            continue
        case, class_name = str(one.context["case"]), str(one.context.get("class", ""))
        found.append(Dropped(case, class_name, name, was, one.last, case in with_volume))
    return sorted(found, key=lambda one: (-abs(one.now - one.before), one.case, one.class_name))


def _place(context: dict[str, Any]) -> tuple[str, str]:
    return str(context.get("case")), str(context.get("class", ""))


def _cases_with_volume(connection: Connection, run_id: str) -> set[str]:
    table = schema.media.c
    asked = sa.select(table.context).where(table.run_id == run_id, table.kind == "volume").distinct()
    return {str(json.loads(text).get("case")) for text in connection.execute(asked).scalars()}
