"""The table of a run's cases, step by step, worst first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from voxloop.store.goals import Goal
from voxloop.store.results.cases import CaseEpochs


@dataclass(frozen=True, slots=True)
class Row:
    """One class of one case; `values` runs along the table's steps."""

    case: str
    class_name: str
    values: tuple[float | None, ...]
    last: float | None
    best: float | None
    worst: float | None
    has_volume: bool


@dataclass(frozen=True, slots=True)
class Table:
    steps: tuple[int, ...]
    rows: tuple[Row, ...]


def of_cases(told: CaseEpochs, goal: Goal, has_volume: Sequence[bool]) -> Table:
    """All rows by their last value; `has_volume` runs along them as they come."""
    rows = []
    for (case, class_name), values, volume in zip(told.rows, told.values, has_volume, strict=True):
        numbers = [value for value in values if value is not None]
        low, high = (min(numbers), max(numbers)) if numbers else (None, None)
        rows.append(
            Row(
                case=case,
                class_name=class_name,
                values=tuple(values),
                last=numbers[-1] if numbers else None,
                best=low if goal == "min" else high,
                worst=high if goal == "min" else low,
                has_volume=volume,
            )
        )

    def badness(row: Row) -> tuple[bool, float, str, str]:
        # A case without any value has nothing to be judged by and comes last.
        value = row.last if row.last is not None else 0.0
        return (row.last is None, -value if goal == "min" else value, row.case, row.class_name)

    return Table(tuple(told.steps), tuple(sorted(rows, key=badness)))
