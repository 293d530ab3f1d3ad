"""What runs were told against what they reached, as the API tells it."""

from __future__ import annotations

from typing import Any, Literal

from voxloop.server.models.answer import Answer


class ValueLevel(Answer):
    """A value of a column that is not all numbers: as people read it, and as a query says it, if one can."""

    text: str
    literal: str | None


class ValueColumn(Answer):
    """A column of many runs: numbers (one that is none, as a text such as NaN), or places among its levels."""

    key: str
    term: str
    kind: Literal["number", "level"]
    values: list[Any]
    levels: list[ValueLevel]
    statistic: Literal["best", "last", "min", "max", "first"] | None
    goal: Literal["min", "max"] | None


class RunValues(Answer):
    """Columns of the newest of the runs that a query fits, and how many fit in all."""

    total: int
    ids: list[str]
    names: list[str]
    columns: list[ValueColumn]


class ParamImportance(Answer):
    """How one param goes with a metric, by ranks, and what chance alone would reach once in twenty times."""

    key: str
    term: str
    kind: Literal["number", "level"]
    runs: int
    distinct: int
    share: float | None
    chance: float | None
    rho: float | None
    shape: Literal["rises", "falls", "bends", "groups"] | None
    best: str | None
    why: str | None


class Importance(Answer):
    """The params in which runs differ, those that go with the metric most first."""

    runs: int
    metric: str | None
    statistic: Literal["best", "last", "min", "max", "first"] | None
    goal: Literal["min", "max"] | None
    params: list[ParamImportance]
