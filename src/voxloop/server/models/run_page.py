"""What the page of one run asks beside the run itself."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from voxloop.server.models.answer import Answer
from voxloop.server.models.numbers import Number

Goal = Literal["max", "min"]


class Relative(Answer):
    """Another run, in a few words."""

    id: str
    name: str
    status: str
    created: float


class Relatives(Answer):
    """Who is around a run: in its experiment, where it is the `place`-th of `total`, and by forking."""

    previous: Relative | None
    next: Relative | None
    parent: Relative | None
    children: list[Relative]
    place: int
    total: int


class KeyFigure(Answer):
    """A series of the whole run in a few numbers; what is best is said by the run's definitions."""

    id: int
    name: str
    context: dict[str, str | int | float | bool]
    count: int
    goal: Goal | None
    axis: str
    last: float | None
    last_step: int | None
    best: float | None
    best_step: int | None
    best_epoch: int | None
    min: float | None
    max: float | None


class WorstCase(Answer):
    """What a run says of one class of one case; `volume_step` is the last at which the case can be looked at."""

    case: str
    class_: str = Field(alias="class")
    last: Number | None
    best: Number | None
    last_step: int | None
    volume_step: int | None


class WorstCases(Answer):
    """The worst cases of a run by one of its metrics; without a metric, it says nothing of cases."""

    metric: str | None
    metrics: list[str]
    goal: Goal
    total: int
    cases: list[WorstCase]


class NotesChange(Answer):
    """A text for the notes of a run, and the one that was read before it was written."""

    text: str = Field(max_length=1_000_000)
    before: str


class Notes(Answer):
    """The notes as they are now; not `kept` where somebody else had changed them meanwhile."""

    kept: bool
    text: str
