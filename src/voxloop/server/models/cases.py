"""The table of cases."""

from __future__ import annotations

from pydantic import Field

from voxloop.server.models.answer import Answer


class CaseRow(Answer):
    """One class of one case over the validations; `values` runs along the table's steps."""

    case: str
    class_: str = Field(alias="class")
    values: list[float | None]
    last: float | None
    best: float | None
    worst: float | None
    has_volume: bool


class CaseTable(Answer):
    """Cases by their last value, the worst first."""

    metric: str
    steps: list[int]
    rows: list[CaseRow]
