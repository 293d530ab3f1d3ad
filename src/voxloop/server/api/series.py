"""Series, their points, and the table of cases that they make."""

import math
from typing import Annotated

from fastapi import APIRouter, Query

from voxloop.server import cases, models
from voxloop.server.api.opened import Opened

router = APIRouter(tags=["series"])


@router.get("/runs/{run_id}/series", operation_id="listSeries")
def list_series(run_id: str, project: Opened) -> list[models.Series]:
    """All series of a run with their summaries; no point is read for it."""
    return [
        models.Series(
            id=one.id,
            name=one.name,
            context=one.context,
            count=one.count,
            first=one.first,
            last=one.last,
            min=one.min,
            max=one.max,
            last_step=one.last_step,
            best=one.best,
        )
        for one in project.series(project.run(run_id).id)
    ]


@router.get("/series/{series_id}/points", operation_id="getPoints")
def get_points(
    series_id: int,
    project: Opened,
    most: Annotated[int, Query(alias="max", ge=4, le=100_000)] = 1000,
    first: Annotated[int | None, Query(alias="from")] = None,
    last: Annotated[int | None, Query(alias="to")] = None,
) -> models.Points:
    """Points between two steps, thinned so that no spike is lost."""
    points = project.points(series_id, most, first, last)
    return models.Points(
        steps=points.steps.tolist(),
        epochs=[epoch if epoch >= 0 else None for epoch in points.epochs.tolist()],
        times=points.times.tolist(),
        values=[value if math.isfinite(value) else None for value in points.values.tolist()],
    )


@router.get("/runs/{run_id}/cases", operation_id="listCases")
def list_cases(run_id: str, project: Opened, metric: str = "val/dice") -> models.CaseTable:
    """Every case and class over the steps, the worst last value first."""
    run = project.run(run_id)
    series = [one for one in project.series(run.id, metric) if "case" in one.context]
    with_volume = {str(one.context.get("case", "")) for one in project.media(run.id, kind="volume")}
    made = cases.table(series, {one.id: project.points(one.id) for one in series}, with_volume)
    rows = [
        models.CaseRow.model_validate(
            {
                "case": row.case,
                "class": row.class_name,
                "values": list(row.values),
                "last": row.last,
                "best": row.best,
                "worst": row.worst,
                "has_volume": row.has_volume,
            }
        )
        for row in made.rows
    ]
    return models.CaseTable(metric=metric, steps=list(made.steps), rows=rows)
