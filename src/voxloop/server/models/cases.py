"""The tables of cases."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from voxloop.server.models.answer import Answer
from voxloop.server.models.numbers import Number


class CaseRow(Answer):
    """One class of one case over the validations; `values` runs along the table's steps."""

    case: str
    class_: str = Field(alias="class")
    values: list[Number | None]
    last: Number | None
    best: Number | None
    worst: Number | None
    has_volume: bool


class CaseTable(Answer):
    """Cases by their last value, the worst first."""

    metric: str
    steps: list[int]
    rows: list[CaseRow]


class CaseMetric(Answer):
    """A name under which runs log a number for single cases, and which way it is better."""

    name: str
    goal: Literal["max", "min"]
    series: int


class CaseColumn(Answer):
    """One run along the rows of the board; null where it says nothing of one."""

    run_id: str
    name: str
    experiment: str
    last: list[Number | None]
    best: list[Number | None]
    worst: list[Number | None]
    has_volume: list[bool]


class CaseBoard(Answer):
    """Cases of several runs by one metric: a row for each class of each case, by case and class."""

    metrics: list[CaseMetric]
    metric: str
    goal: Literal["max", "min"]
    cases: list[str]
    classes: list[str]
    columns: list[CaseColumn]


class NewestCases(Answer):
    """The newest run that says anything of cases; null where none does."""

    run_id: str | None


class CaseEpochs(Answer):
    """A run's values step by step: a row of `values` for each place of `cases` and `classes`."""

    steps: list[int]
    epochs: list[int | None]
    cases: list[str]
    classes: list[str]
    values: list[list[Number | None]]
