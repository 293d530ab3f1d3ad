"""What the page of one run asks beside the run itself: its relatives, its key figures, its worst cases, its notes."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query

from voxloop.server.api.opened import Opened, Remembered
from voxloop.server.models import run_page as models
from voxloop.server.models.numbers import number
from voxloop.store import figures, notes, relatives

router = APIRouter(tags=["runs"])


@router.get("/runs/{run_id}/relatives", operation_id="getRelatives")
def get_relatives(run_id: str, project: Opened) -> models.Relatives:
    """The runs before and after a run in its experiment, what it was forked from, and what was forked from it."""
    run = project.run(run_id)
    with project.reading() as connection:
        found = relatives.of_run(connection, run)
    return models.Relatives.model_validate(asdict(found))


@router.get("/runs/{run_id}/figures", operation_id="listKeyFigures")
def list_key_figures(run_id: str, project: Opened, kept: Remembered) -> list[models.KeyFigure]:
    """The series of the whole run in a few numbers each; first those of which the run says what is best."""
    run = project.run(run_id)
    return [
        models.KeyFigure(
            id=one.series.id,
            name=one.series.name,
            context=one.series.context,
            count=one.series.count,
            goal="max" if one.goal == "max" else "min" if one.goal == "min" else None,
            axis=one.axis,
            last=one.series.last,
            last_step=one.series.last_step,
            best=one.series.best,
            best_step=one.best_step,
            best_epoch=one.best_epoch,
            min=one.series.min,
            max=one.series.max,
        )
        for one in kept.answer(("figures", run.id), lambda: figures.key_figures(project, run))
    ]


@router.get("/runs/{run_id}/worst", operation_id="listWorstCases")
def list_worst_cases(
    run_id: str,
    project: Opened,
    metric: Annotated[str | None, Query(description="The usual one of the run without it.")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 8,
) -> models.WorstCases:
    """The cases that a run does worst on, by their last value of one metric."""
    found = figures.worst_cases(project, project.run(run_id), metric, limit)
    if found is None:
        return models.WorstCases(metric=None, metrics=[], goal="max", total=0, cases=[])
    return models.WorstCases(
        metric=found.metric,
        metrics=list(found.metrics),
        goal="min" if found.goal == "min" else "max",
        total=found.total,
        cases=[
            models.WorstCase(
                case=one.case,
                **{"class": one.class_name},
                last=number(one.last),
                best=number(one.best),
                last_step=one.last_step,
                volume_step=one.volume_step,
            )
            for one in found.cases
        ],
    )


@router.put("/runs/{run_id}/notes", operation_id="changeNotes")
def change_notes(run_id: str, change: models.NotesChange, project: Opened) -> models.Notes:
    """Puts a text in the place of the notes that were read before; somebody else's changes are never written over."""
    run = project.run(run_id)
    with project.writing() as connection:
        kept, text = notes.change(connection, run.id, change.text, change.before)
    return models.Notes(kept=kept, text=text)
