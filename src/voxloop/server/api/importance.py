"""What runs were told against what they reached: whole columns for plots, and which params go with a metric."""

from dataclasses import asdict
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response

from voxloop.server.api.opened import Opened, Remembered
from voxloop.server.api.runs import Columns, Text
from voxloop.server.models import importance as models
from voxloop.store import Project
from voxloop.store.results import importance, values
from voxloop.store.results.tables import json_value

router = APIRouter(tags=["runs"])
# More lines than this are one grey area.
MOST_RUNS = 10_000
# So many metrics without a number are looked at before one is told that has none.
MOST_TRIED = 8
Statistic = Annotated[
    values.Statistic,
    Query(description="Which value of a metric; best is the last one, where not every run has a goal."),
]


@router.get("/runs/values", operation_id="listRunValues", response_model=models.RunValues)
def list_run_values(
    project: Opened, kept: Remembered, q: Text = "", column: Columns = None, statistic: Statistic = "best"
) -> Response:
    """A few columns of all runs that a query fits, as params.optimizer.lr or metrics.val/dice; unknown ones are left out."""
    keys = tuple(dict.fromkeys(column or []))
    # Kept as the text that is sent: ten thousand runs as objects would take ten times the memory.
    text = kept.answer(("values", q, keys, statistic), lambda: _values(project, kept, q, keys, statistic))
    return Response(text, media_type="application/json")


def _values(project: Project, kept: Remembered, q: str, keys: tuple[str, ...], statistic: values.Statistic) -> str:
    grid = _grid(project, kept, q, keys, statistic)
    columns = [
        models.ValueColumn(**{**asdict(one), "values": [json_value(value) for value in one.values]})
        for one in grid.columns
    ]
    answer = models.RunValues(total=grid.total, ids=list(grid.ids), names=list(grid.names), columns=columns)
    return answer.model_dump_json()


@router.get("/runs/importance", operation_id="getImportance")
def get_importance(
    project: Opened,
    kept: Remembered,
    q: Text = "",
    metric: Annotated[str | None, Query(description="As in metrics.val/dice; the likeliest one without.")] = None,
    statistic: Statistic = "best",
    better: Annotated[
        Literal["min", "max"] | None, Query(description="Which way the metric is better, if not as the runs say.")
    ] = None,
) -> models.Importance:
    """How much the params in which runs differ go with a metric: an association by ranks, never a cause."""
    question = ("importance", q, metric, statistic, better)
    return kept.answer(question, lambda: _importance(project, kept, q, metric, statistic, better))


def _importance(
    project: Project,
    kept: Remembered,
    q: str,
    metric: str | None,
    statistic: values.Statistic,
    better: values.Goal | None,
) -> models.Importance:
    known = kept.answer(("columns", q), lambda: project.columns(q))
    params = [column.key for column in known if column.kind == "param" and column.differs]
    target = _target(project, kept, q, metric, statistic)
    grid = _grid(project, kept, q, tuple(params), statistic)
    lower = (better or (target.goal if target else None)) == "min"
    found = [importance.of_param(one, target, lower) for one in grid.columns]
    found.sort(key=lambda one: (one.share is None, -(one.share or 0), one.key))
    return models.Importance(
        runs=len(grid.ids) if target is None else sum(value is not None for value in target.values),
        metric=target.key if target else None,
        statistic=target.statistic if target else None,
        goal=target.goal if target else None,
        params=[models.ParamImportance(**asdict(one)) for one in found],
    )


def _target(
    project: Project, kept: Remembered, q: str, metric: str | None, statistic: values.Statistic
) -> values.Values | None:
    """The metric that was asked for; else the likeliest that is a number in some run, or the likeliest of all."""
    known = importance.by_likelihood(kept.answer(("columns", q), lambda: project.columns(q)))
    asked = [column for column in known if column.key == metric] or known[:MOST_TRIED]
    found = None
    for column in asked:
        one = _grid(project, kept, q, (column.key,), statistic).columns[0]
        if any(value is not None for value in one.values):
            return one
        found = found or one
    return found


def _grid(
    project: Project, kept: Remembered, q: str, keys: tuple[str, ...], statistic: values.Statistic
) -> values.Grid:
    known = {column.key: column for column in kept.answer(("columns", q), lambda: project.columns(q))}
    columns = [known[key] for key in keys if key in known]
    with project.reading() as connection:
        return values.of_runs(connection, q, columns, statistic, MOST_RUNS)
