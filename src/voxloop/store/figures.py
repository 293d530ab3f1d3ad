"""What a run came to in a few numbers: its key figures, and the cases that it does worst on. Hardly a point is read for it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from voxloop.store import schema
from voxloop.store.goals import definition_of
from voxloop.store.records import RunRecord, SeriesRecord
from voxloop.store.results.cases import key_of

if TYPE_CHECKING:
    from voxloop.store.project import Project

# Series of which it is looked up when they were best.
MOST_LOOKED_UP = 24
# What a person looks at first, where a run has it.
USUAL = ("val/mean_dice", "eval/mean_dice", "val/dice", "eval/dice")


@dataclass(frozen=True, slots=True)
class KeyFigure:
    """A series of the whole run, with the step and epoch of its best value where the run says what is best."""

    series: SeriesRecord
    axis: str
    goal: str | None
    best_step: int | None
    best_epoch: int | None


@dataclass(frozen=True, slots=True)
class CaseFigure:
    """What a run says of one class of one case; `volume_step` is the last at which it logged the case's volume."""

    case: str
    class_name: str
    last: float | None
    best: float | None
    last_step: int | None
    volume_step: int | None


@dataclass(frozen=True, slots=True)
class Worst:
    """The worst of a run's cases by one metric, of which there are `total`."""

    metric: str
    metrics: tuple[str, ...]
    goal: str
    total: int
    cases: tuple[CaseFigure, ...]


def key_figures(project: Project, run: RunRecord) -> list[KeyFigure]:
    """The series of the whole run: first those with a goal, the usual ones in front. The machine's are left out."""
    found = [
        one for one in project.series_of(run.id) if "case" not in one.context and not one.name.startswith("system/")
    ]
    defined = {one.name: definition_of(one.name, run.definitions) for one in found}

    def rank(one: SeriesRecord) -> tuple[bool, int, bool, list[tuple[int, str]]]:
        place = USUAL.index(one.name) if one.name in USUAL else len(USUAL)
        return (not defined[one.name].get("best"), place, bool(one.context), _by_number(one.name))

    found.sort(key=rank)
    return [_figure(project, one, defined[one.name], at < MOST_LOOKED_UP) for at, one in enumerate(found)]


def worst_cases(project: Project, run: RunRecord, metric: str | None, limit: int) -> Worst | None:
    """The cases by their last value, the worst first; nothing for a run that says nothing of cases."""
    series = [one for one in project.series_of(run.id) if "case" in one.context]
    metrics = tuple(sorted({one.name for one in series}))
    if not metrics:
        return None
    chosen = metric or next((one for one in USUAL if one in metrics), metrics[0])
    board = project.case_board([run.id], chosen)
    (column,) = board.columns
    last_steps = {key_of(one.context): one.last_step for one in series if one.name == chosen}
    volume_steps = _volume_steps(project, run.id)
    cases = [
        CaseFigure(case, class_name, last, best, last_steps.get((case, class_name)), volume_steps.get(case))
        for (case, class_name), last, best in zip(board.rows, column.last, column.best, strict=True)
    ]

    def badness(one: CaseFigure) -> tuple[bool, float]:
        value = one.last if one.last is not None else 0.0
        return (one.last is None, -value if board.goal == "min" else value)

    return Worst(chosen, metrics, board.goal, len(cases), tuple(sorted(cases, key=badness)[:limit]))


def _by_number(name: str) -> list[tuple[int, str]]:
    """As people sort: 2 before 10."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d{1,9})", name)]


def _figure(project: Project, one: SeriesRecord, defined: dict[str, str], look_up: bool) -> KeyFigure:
    step, epoch = _where_best(project, one) if look_up and one.best is not None else (None, None)
    return KeyFigure(one, defined.get("axis", "step"), defined.get("best"), step, epoch)


def _where_best(project: Project, one: SeriesRecord) -> tuple[int | None, int | None]:
    if one.count == 1:
        return one.last_step, None
    points = project.points(one.id)
    places = (points.values == one.best).nonzero()[0]
    if not len(places):
        return None, None
    epoch = int(points.epochs[places[0]])
    return int(points.steps[places[0]]), epoch if epoch >= 0 else None


def _volume_steps(project: Project, run_id: str) -> dict[str, int]:
    """The last step at which each case's volume was logged."""
    table = schema.media
    query = sa.select(table.c.context, sa.func.max(table.c.step)).group_by(table.c.context)
    with project.reading() as connection:
        rows = connection.execute(query.where(table.c.run_id == run_id, table.c.kind == "volume")).all()
    found: dict[str, int] = {}
    for context, step in rows:
        case = str(json.loads(context).get("case", ""))
        found[case] = max(step, found.get(case, step))
    return found
