"""Runs: the list, and one."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from voxloop.server.api.artifacts import artifact
from voxloop.server.api.opened import LARGEST, Opened, Remembered
from voxloop.server.models import runs as models
from voxloop.store import RunRecord, SeriesRecord
from voxloop.store.results.groups import Figure, Groups
from voxloop.store.results.summaries import Summary
from voxloop.store.results.tables import json_value, to_csv

router = APIRouter(tags=["runs"])
# Signs of a text in a cell: more than anyone reads in a row.
LONGEST = 1000
Text = Annotated[str, Query(description="A query, as in run.params.optimizer.lr < 1e-3.")]
Sort = Annotated[str | None, Query(description="What to sort by, as in -run.duration; newest first without.")]


@router.get("/runs", operation_id="listRuns")
def list_runs(
    project: Opened,
    q: Text = "",
    sort: Sort = None,
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


Columns = Annotated[
    list[str] | None, Query(alias="column", description="As in params.optimizer.lr or metrics.val/dice.max.")
]


@router.get("/runs/columns", operation_id="listRunColumns")
def list_run_columns(project: Opened, kept: Remembered, q: Text = "") -> list[models.RunColumn]:
    """What a table of the runs that a query fits may show, and what of it tells them apart."""
    return [models.RunColumn(**asdict(column)) for column in kept.answer(("columns", q), lambda: project.columns(q))]


@router.get("/runs/groups", operation_id="listRunGroups", response_model=models.RunGroups)
def list_run_groups(
    project: Opened,
    kept: Remembered,
    by: Annotated[list[str], Query(min_length=1, max_length=2, description="As in params.optimizer.lr, or tags.")],
    q: Text = "",
    sort: Sort = None,
    column: Columns = None,
    order: Annotated[
        list[str] | None,
        Query(
            description="Which columns' figures order the groups, as in -metrics.val/dice.max, or -runs for their sizes."
        ),
    ] = None,
    figure: Annotated[Figure, Query(description="Which figure of a column of numbers they are ordered by.")] = "mean",
) -> Response:
    """The runs that a query fits, grouped by one or two columns; a run is in the group of each of its tags."""
    columns, terms = column or [], order or []

    def written() -> bytes:
        found = _groups(project.groups(by, q, columns, sort, terms, figure))
        return found.model_dump_json(exclude_none=True).encode()

    # Kept as it is sent: as objects, the figures of a thousand groups are ten times as large.
    answer = kept.answer(("groups", q, sort, figure, *map(tuple, (by, columns, terms))), written)
    return Response(answer, media_type="application/json")


@router.get("/runs/rows", operation_id="listRunRows")
def list_run_rows(
    project: Opened,
    q: Text = "",
    sort: Sort = None,
    column: Columns = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    offset: Annotated[int, Query(ge=0, le=LARGEST)] = 0,
) -> models.RunRows:
    """A part of the table of the runs that a query fits. A number that is none is a text such as NaN; long texts are cut."""
    found = project.runs(q, sort, limit, offset)
    # Which runs there are is told without looking for what they say.
    told = found.cells(column) if column else [[] for _ in found]
    return models.RunRows(
        total=project.count_runs(q),
        rows=[
            models.RunRow(
                id=run.id,
                name=run.name,
                status=run.status,
                tags=list(run.tags),
                archived=run.archived,
                cells=[_cell(cell) for cell in cells],
            )
            for run, cells in zip(found, told, strict=True)
        ],
    )


@router.get("/runs/table.csv", operation_id="getRunTable", response_class=Response)
def get_run_table(project: Opened, q: Text = "", sort: Sort = None, column: Columns = None) -> Response:
    """The whole table of the runs that a query fits, as CSV for a spreadsheet."""
    found = project.runs(q, sort)
    names = ["id", *(column or ["name", "experiment", "status", "created", "duration_s"])]
    rows = found.cells(names)
    text = to_csv({name: [row[place] for row in rows] for place, name in enumerate(names)}, None, spreadsheet=True)
    headers = {"content-disposition": 'attachment; filename="runs.csv"'}
    # Excel takes a file without this mark for one of its own country's.
    return Response(text.encode("utf-8-sig"), media_type="text/csv; charset=utf-8", headers=headers)


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
    project.edit(run_id, **_said(changes))
    return get_run(run_id, project)


@router.delete("/runs/{run_id}", operation_id="deleteRun", status_code=204)
def delete_run(run_id: str, project: Opened) -> None:
    """Takes a run away for good, with its series, media and output; its artifacts stay."""
    project.delete_run(run_id)


@router.patch("/runs", operation_id="editRuns", status_code=204)
def edit_runs(order: models.ManyRunChanges, project: Opened) -> None:
    """Changes several runs: all, or none where one cannot be changed."""
    project.edit_runs({run_id: _said(changes) for run_id, changes in order.changes.items()})


@router.post("/runs/delete", operation_id="deleteRuns", status_code=204)
def delete_runs(order: models.ManyRuns, project: Opened) -> None:
    """Takes runs away for good, with their series, media and output; their artifacts stay. All go, or none."""
    project.delete_runs(order.runs)


def _said(changes: models.RunChanges) -> dict[str, Any]:
    return changes.model_dump(exclude_unset=True, exclude_none=True)


def _cell(value: Any) -> Any:
    """A value as a table shows it: the notes of a run may be a book."""
    told = json_value(value)
    return f"{told[:LONGEST]}…" if isinstance(told, str) and len(told) > LONGEST else told


def _groups(found: Groups) -> models.RunGroups:
    return models.RunGroups(
        runs=found.runs,
        total=found.total,
        groups=[
            models.RunGroup(
                key=group.key,
                values=[_cell(value) for value in group.values],
                ids=list(group.ids),
                cells=[None if cell is None else _group_cell(cell) for cell in group.cells],
            )
            for group in found.groups
        ],
    )


def _group_cell(cell: Summary) -> models.GroupCell:
    return models.GroupCell(
        count=cell.count,
        mean=cell.mean,
        deviation=cell.deviation,
        median=cell.median,
        low=cell.low,
        high=cell.high,
        distinct=cell.distinct,
        values=[_cell(value) for value in cell.values] or None,
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
        "archived": run.archived,
        "parent": run.parent,
        "metrics": {one.name: models.Metric(last=one.last, best=one.best, min=one.min, max=one.max) for one in series},
    }
