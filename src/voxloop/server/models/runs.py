"""Runs as the API tells them."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from voxloop.server.models.answer import Answer
from voxloop.server.models.artifacts import Artifact


class Metric(Answer):
    """A series without a context, in four numbers."""

    last: float | None
    best: float | None
    min: float | None
    max: float | None


class RunSummary(Answer):
    """A row of the list of runs. Times are seconds since 1970."""

    id: str
    name: str
    experiment: str
    status: str
    created: float
    ended: float | None
    duration_s: float
    tags: list[str]
    archived: bool
    parent: str | None
    metrics: dict[str, Metric]


class RunColumn(Answer):
    """A column that a table of runs may show. A metric's key ends in its statistic, which is left open here."""

    key: str
    term: str
    kind: Literal["run", "param", "metric"]
    runs: int
    differs: bool
    numbers: bool


class RunRow(Answer):
    """A row of a table of runs: what every row has, and the cells that were asked for."""

    id: str
    name: str
    status: str
    tags: list[str]
    archived: bool
    cells: list[Any]


class RunRows(Answer):
    """A part of a table of runs, and how many there are in all."""

    total: int
    rows: list[RunRow]


class GroupCell(Answer):
    """A column of a group. Of numbers: how many there are and their figures; of anything else: how many different values, and
    the most frequent ones."""

    count: int
    mean: float | None = None
    deviation: float | None = None
    median: float | None = None
    low: float | None = None
    high: float | None = None
    distinct: int | None = None
    values: list[Any] | None = None


class RunGroup(Answer):
    """Runs with the same values in the columns by which they are grouped, in the order of the table."""

    key: str
    values: list[Any]
    ids: list[str]
    cells: list[GroupCell | None]


class RunGroups(Answer):
    """The first groups of the runs that a query fits, and how many runs and groups there are in all."""

    runs: int
    total: int
    groups: list[RunGroup]


class RunChanges(Answer):
    """What a person says of a run after the fact; what is left out stays as it is."""

    name: str | None = Field(default=None, min_length=1)
    experiment: str | None = Field(default=None, min_length=1)
    tags: list[str] | None = None
    notes: str | None = None
    archived: bool | None = None


class ManyRunChanges(Answer):
    """What a person says of several runs, by their ids."""

    changes: dict[str, RunChanges]


class ManyRuns(Answer):
    """Several runs, by their ids."""

    runs: list[str]


class RunList(Answer):
    total: int
    runs: list[RunSummary]


class RunDetail(RunSummary):
    """Everything about one run but its numbers and volumes."""

    params: dict[str, Any]
    environment: dict[str, Any]
    notes: str
    artifacts: list[Artifact]
    used: list[Artifact]
