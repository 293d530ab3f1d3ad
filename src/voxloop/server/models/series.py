"""Series and curves as the API tells them."""

from __future__ import annotations

from voxloop.server.models.answer import Answer


class Series(Answer):
    """A series and its summary."""

    id: int
    name: str
    context: dict[str, str | int | float | bool]
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


class CurveName(Answer):
    """A name under which runs have series; `plain` where some of them have no context."""

    name: str
    series: int
    plain: bool


class Curve(Answer):
    """A series of one of several runs, with its points."""

    id: int
    run_id: str
    name: str
    context: dict[str, str | int | float | bool]
    count: int
    points: Points


class Curves(Answer):
    """The curves of several runs. `total` counts those that there are, of which the first are told."""

    total: int
    curves: list[Curve]
