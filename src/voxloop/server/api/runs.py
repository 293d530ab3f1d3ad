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
    q: Annotated[str, Query(description="A query, as in run.params.optimizer.lr < 1e-3.")] = "",
    sort: Annotated[
        str | None, Query(description="What to sort by, as in -run.duration; newest first without.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 100,
    offset: Annotated[int, Query(ge=0, le=LARGEST)] = 0,
) -> models.RunList:
    """Runs that a query fits, each with its series that have no context."""
    found = project.runs(q, sort, limit, offset)
    metrics = project.plain_series([run.id for run in found])
    return models.RunList(
        total=project.count_runs(q),
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


@router.patch("/runs/{run_id}", operation_id="editRun")
def edit_run(run_id: str, changes: models.RunChanges, project: Opened) -> models.RunDetail:
    """Changes name, experiment, tags, notes, or puts a run into the archive and back."""
    project.edit(run_id, **changes.model_dump(exclude_unset=True, exclude_none=True))
    return get_run(run_id, project)


@router.delete("/runs/{run_id}", operation_id="deleteRun", status_code=204)
def delete_run(run_id: str, project: Opened) -> None:
    """Takes a run away for good, with its series, media and output; its artifacts stay."""
    project.delete_run(run_id)


@router.get("/runs/{run_id}/console", operation_id="getConsole")
def get_console(run_id: str, project: Opened) -> models.Printed:
    """What a run printed."""
    return models.Printed(text=project.console(project.run(run_id).id))


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
        "archived": run.archived,
        "parent": run.parent,
        "metrics": {one.name: models.Metric(last=one.last, best=one.best, min=one.min, max=one.max) for one in series},
    }
