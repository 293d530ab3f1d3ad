"""Runs: the list, and one."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query

from voxloop.server import models
from voxloop.server.api.artifacts import artifact
from voxloop.server.api.opened import LARGEST, Opened
from voxloop.store import RunRecord, SeriesRecord

router = APIRouter(tags=["runs"])


@router.get("/runs", operation_id="listRuns")
def list_runs(
    project: Opened,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 100,
    offset: Annotated[int, Query(ge=0, le=LARGEST)] = 0,
) -> models.RunList:
    """Runs, newest first, each with its series that have no context."""
    found = project.runs(limit, offset)
    metrics = project.plain_series([run.id for run in found])
    return models.RunList(
        total=project.count_runs(),
        runs=[models.RunSummary(**_summary(run, metrics.get(run.id, []))) for run in found],
    )


@router.get("/runs/{run_id}", operation_id="getRun")
def get_run(run_id: str, project: Opened) -> models.RunDetail:
    """One run, by id, the beginning of one, or name."""
    run = project.run(run_id)
    return models.RunDetail(
        **_summary(run, project.plain_series([run.id]).get(run.id, [])),
        params=run.params,
        environment=run.environment,
        notes=run.notes,
        artifacts=[artifact(version) for version in project.made(run.id)],
        used=[artifact(version) for version in project.used(run.id)],
    )


def _summary(run: RunRecord, series: Sequence[SeriesRecord]) -> dict[str, Any]:
    return {
        "id": run.id,
        "name": run.name,
        "experiment": run.experiment,
        "status": run.status,
        "created": run.created,
        "ended": run.ended,
        "duration_s": run.duration_s,
        "tags": list(run.tags),
        "metrics": {one.name: models.Metric(last=one.last, best=one.best, min=one.min, max=one.max) for one in series},
    }
