"""The first page as the API tells it. Times are seconds since 1970."""

from __future__ import annotations

from typing import Literal

from voxloop.server.models.answer import Answer

Goal = Literal["max", "min"]


class Spark(Answer):
    """The metric that a run is judged by, as a small curve."""

    name: str
    goal: Goal
    last: float | None
    best: float | None
    values: list[float | None]


class Progress(Answer):
    """How far a run is; `of` and `ends` only where it has said how far it will go."""

    unit: Literal["epoch", "step"]
    done: int
    of: int | None
    ends: float | None


class RunningRun(Answer):
    """A run that is going on. `logged` is when it last said something of its own, `gap_s` how long it usually takes to."""

    id: str
    name: str
    experiment: str
    created: float
    heartbeat: float
    logged: float
    gap_s: float | None
    progress: Progress | None
    metric: Spark | None
    line: str | None


class EndedRun(Answer):
    """A run that came to some end; `line` is what an unhappy one printed last."""

    id: str
    name: str
    experiment: str
    status: str
    ended: float
    duration_s: float
    metric: str | None
    value: float | None
    line: str | None


class MadeVersion(Answer):
    """A new version of a model, a dataset, an evaluation."""

    ref: str
    name: str
    kind: str
    aliases: list[str]
    created: float
    run_id: str | None
    run_name: str | None
    dice: float | None
    cases: int | None


class Rival(Answer):
    """A run that another is held against."""

    id: str
    name: str
    value: float


class DroppedCase(Answer):
    """A class of a case that has become worse."""

    case: str
    class_name: str
    metric: str
    before: float
    now: float
    has_volume: bool


class Verdict(Answer):
    """An experiment's newest finished run against the best one before it that saw the same data."""

    experiment: str
    runs: int
    run: Rival
    ended: float
    metric: str
    goal: Goal
    word: Literal["better", "same", "worse", "first"]
    best: Rival | None
    trend: list[float]
    dropped: list[DroppedCase]
    dropped_total: int


class Home(Answer):
    """What is running, what is new, what got worse. `now` is the server's clock; `since` counts ends after the moment asked."""

    now: float
    runs: int
    running: list[RunningRun]
    running_total: int
    ended: list[EndedRun]
    made: list[MadeVersion]
    verdicts: list[Verdict]
    since: dict[str, int]


class HomeDisk(Answer):
    """What the project takes, in bytes, and how much room there is."""

    free: int
    total: int
    blobs: int
    database: int
    cache: int
    other: int


class FoundRun(Answer):
    id: str
    name: str
    experiment: str
    status: str
    created: float


class FoundName(Answer):
    """An artifact, with its newest version."""

    name: str
    kind: str
    version: int


class Found(Answer):
    """What bears the words in its name."""

    runs: list[FoundRun]
    artifacts: list[FoundName]
