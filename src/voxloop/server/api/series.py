"""Series and their points."""

import math
from typing import Annotated

from fastapi import APIRouter, Path, Query

from voxloop.server import models
from voxloop.server.api.opened import LARGEST, Opened

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
        for one in project.series_of(project.run(run_id).id)
    ]


@router.get("/series/{series_id}/points", operation_id="getPoints")
def get_points(
    series_id: Annotated[int, Path(ge=0, le=LARGEST)],
    project: Opened,
    most: Annotated[int, Query(alias="max", ge=4, le=100_000)] = 1000,
    first: Annotated[int | None, Query(alias="from", ge=-LARGEST, le=LARGEST)] = None,
    last: Annotated[int | None, Query(alias="to", ge=-LARGEST, le=LARGEST)] = None,
) -> models.Points:
    """Points between two steps, thinned so that no spike is lost."""
    points = project.points(series_id, most, first, last)
    return models.Points(
        steps=points.steps.tolist(),
        epochs=[epoch if epoch >= 0 else None for epoch in points.epochs.tolist()],
        times=points.times.tolist(),
        values=[value if math.isfinite(value) else None for value in points.values.tolist()],
    )
