"""Cases: the table of a run, worst first."""

from fastapi import APIRouter

from voxloop.server import table
from voxloop.server.api.opened import Opened
from voxloop.server.api.volumes import case_of
from voxloop.server.models import cases as models

router = APIRouter(tags=["cases"])


@router.get("/runs/{run_id}/cases", operation_id="listCases")
def list_cases(run_id: str, project: Opened, metric: str = "val/dice") -> models.CaseTable:
    """Every case and class over the steps, the worst last value first."""
    run = project.run(run_id)
    series = [one for one in project.series_of(run.id, metric) if "case" in one.context]
    with_volume = {case_of(one) for one in project.media_of(run.id, kind="volume")}
    made = table.of_cases(series, {one.id: project.points(one.id) for one in series}, with_volume)
    rows = [
        models.CaseRow(
            case=row.case,
            **{"class": row.class_name},
            values=list(row.values),
            last=row.last,
            best=row.best,
            worst=row.worst,
            has_volume=row.has_volume,
        )
        for row in made.rows
    ]
    return models.CaseTable(metric=metric, steps=list(made.steps), rows=rows)
