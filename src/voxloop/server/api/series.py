"""Series and their points."""

import math
from typing import Annotated

from fastapi import APIRouter, Path, Query

from voxloop.server.api.opened import LARGEST, Opened, Remembered
from voxloop.server.models import series as models
from voxloop.store import Points

router = APIRouter(tags=["series"])
MOST_CURVES = 500


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
    return _points(project.points(series_id, most, first, last))


@router.get("/curves/names", operation_id="listCurveNames")
def list_curve_names(
    project: Opened,
    kept: Remembered,
    q: Annotated[str, Query(description="A query about runs, as in run.params.optimizer.lr < 1e-3.")] = "",
) -> list[models.CurveName]:
    """The names of the series that the runs have which a query fits."""
    found = kept.answer(("names", q), lambda: project.series_names(q))
    return [models.CurveName(name=one.name, series=one.series, plain=one.plain) for one in found]


@router.get("/curves", operation_id="listCurves")
def list_curves(
    project: Opened,
    kept: Remembered,
    q: Annotated[str, Query(description='A query about series, as in series.name == "val/dice".')],
    sort: Annotated[str | None, Query(description="What to sort by; by run, the newest first, without.")] = None,
    most: Annotated[int, Query(alias="max", ge=4, le=10_000)] = 500,
    limit: Annotated[int, Query(ge=1, le=MOST_CURVES)] = 200,
) -> models.Curves:
    """The curves that a query about series fits, of any runs, thinned so that no spike is lost."""

    def read() -> models.Curves:
        found = project.series(q, sort, limit)
        return models.Curves(
            total=project.count_series(q),
            curves=[
                models.Curve(
                    id=one.id,
                    run_id=one.run_id,
                    name=one.name,
                    context=one.context,
                    count=one.count,
                    points=_points(project.points(one.id, most)),
                )
                for one in found
            ],
        )

    return kept.answer(("curves", q, sort, most, limit), read)


def _points(points: Points) -> models.Points:
    return models.Points(
        steps=points.steps.tolist(),
        epochs=[epoch if epoch >= 0 else None for epoch in points.epochs.tolist()],
        times=points.times.tolist(),
        values=[value if math.isfinite(value) else None for value in points.values.tolist()],
    )
