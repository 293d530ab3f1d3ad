"""Series and curves as the API tells them."""

from __future__ import annotations

from typing import Literal

from voxloop.server.models.answer import Answer

Context = dict[str, str | int | float | bool]


class Series(Answer):
    """A series and its summary."""

    id: int
    name: str
    context: Context
    count: int
    first: float | None
    last: float | None
    min: float | None
    max: float | None
    last_step: int | None
    best: float | None


class Points(Answer):
    """Columns of a series. A value that is no number is null, and so is an epoch that was not given."""

    steps: list[int]
    epochs: list[int | None]
    times: list[float]
    values: list[float | None]


class CurvePoints(Answer):
    """Columns of a curve in the order of its axis, to seven digits. A value that is no number is null.

    Times are seconds since the run began, and told where they are the axis. `epochs` is empty where no point has one, `x`
    where the axis is the step or a time, and `means`, what the stretch of each point is on average, where no point was left out.
    """

    steps: list[int]
    epochs: list[int | None]
    times: list[float]
    values: list[float | None]
    means: list[float | None]
    x: list[float]


class Broken(Answer):
    """Where values were no numbers: at most sixty of `count` places, in the columns of the points."""

    count: int
    steps: list[int]
    times: list[float]
    x: list[float]
    kinds: list[Literal["NaN", "Infinity", "-Infinity"]]


class CurveName(Answer):
    """A name under which runs have series; `plain` where some of them have no context."""

    name: str
    series: int
    plain: bool


class Curve(Answer):
    """A series of one of several runs, with its points. `began` is when its run did, in seconds since 1970.

    `unplaced` counts the points that the axis has no place for, as those without an epoch.
    """

    id: int
    run_id: str
    name: str
    context: Context
    count: int
    began: float
    points: CurvePoints
    broken: Broken | None
    unplaced: int


class Curves(Answer):
    """The curves of several runs. `total` counts those that there are, of which the first are told."""

    total: int
    curves: list[Curve]
