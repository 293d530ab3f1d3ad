"""Cases: the table of a run, worst first; the board of several; and a run's epochs."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query

from voxloop.server import table
from voxloop.server.api.opened import Opened, Remembered
from voxloop.server.models import cases as models
from voxloop.server.models.numbers import number, numbers
from voxloop.store.results import cases

router = APIRouter(tags=["cases"])


@router.get("/runs/{run_id}/cases", operation_id="listCases")
def list_cases(run_id: str, project: Opened, metric: str = "val/dice") -> models.CaseTable:
    """Every case and class over the steps, the worst last value first."""
    board, told = project.case_board([run_id], metric), project.case_epochs(run_id, metric)
    made = table.of_cases(told, board.goal, board.columns[0].has_volume)
    rows = [
        models.CaseRow(
            case=row.case,
            **{"class": row.class_name},
            values=numbers(row.values),
            last=number(row.last),
            best=number(row.best),
            worst=number(row.worst),
            has_volume=row.has_volume,
        )
        for row in made.rows
    ]
    return models.CaseTable(metric=metric, steps=list(made.steps), rows=rows)


MOST_RUNS = 12
Runs = Annotated[
    list[str],
    Query(alias="run", min_length=1, max_length=MOST_RUNS, description="A run's id or name; several at once."),
]


@router.get("/cases", operation_id="getCaseBoard")
def get_case_board(
    project: Opened,
    kept: Remembered,
    run: Runs,
    metric: Annotated[str | None, Query(description="As in val/dice; Dice without.")] = None,
) -> models.CaseBoard:
    """The cases of several runs side by side, by one metric."""

    def read() -> models.CaseBoard:
        board = project.case_board(run, metric)
        said = [project.run(column.run_id) for column in board.columns]
        return models.CaseBoard(
            metrics=[models.CaseMetric(**asdict(one)) for one in board.metrics],
            metric=board.metric,
            goal=board.goal,
            cases=[case for case, _ in board.rows],
            classes=[name for _, name in board.rows],
            columns=[
                models.CaseColumn(
                    run_id=column.run_id,
                    name=one.name,
                    experiment=one.experiment,
                    last=numbers(column.last),
                    best=numbers(column.best),
                    worst=numbers(column.worst),
                    has_volume=column.has_volume,
                )
                for column, one in zip(board.columns, said, strict=True)
            ],
        )

    return kept.answer(("cases", tuple(run), metric), read)


@router.get("/cases/newest", operation_id="getNewestCases")
def get_newest_cases(project: Opened) -> models.NewestCases:
    """The newest run that says anything of cases."""
    with project.reading() as connection:
        return models.NewestCases(run_id=cases.newest_run(connection))


@router.get("/cases/epochs", operation_id="getCaseEpochs")
def get_case_epochs(project: Opened, kept: Remembered, run: str, metric: str) -> models.CaseEpochs:
    """Every value of a metric that a run has logged for cases."""

    def read() -> models.CaseEpochs:
        told = project.case_epochs(run, metric)
        return models.CaseEpochs(
            steps=told.steps,
            epochs=told.epochs,
            cases=[case for case, _ in told.rows],
            classes=[name for _, name in told.rows],
            values=[numbers(row) for row in told.values],
        )

    return kept.answer(("case epochs", run, metric), read)
