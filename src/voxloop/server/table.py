"""The table of cases: what series with a case and a class say, step by step, worst first."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from voxloop.store import Points, SeriesRecord


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


def of_cases(series: Sequence[SeriesRecord], points: Mapping[int, Points], with_volume: Collection[str]) -> Table:
    """Rows for all series that have a case, by their last value. Of two values at one step the later counts."""
    series = [one for one in series if "case" in one.context]
    lower_is_better = any(_is_a_cost(one) for one in series)
    by_step: dict[int, dict[int, float]] = {
        one.id: {
            int(step): float(value) for step, value in zip(points[one.id].steps, points[one.id].values, strict=True)
        }
        for one in series
    }
    steps = tuple(sorted({step for values in by_step.values() for step in values}))
    rows = []
    for one in series:
        values = tuple(_number(by_step[one.id].get(step)) for step in steps)
        numbers = [value for value in values if value is not None]
        low, high = (min(numbers), max(numbers)) if numbers else (None, None)
        case = str(one.context["case"])
        rows.append(
            Row(
                case=case,
                class_name=str(one.context.get("class", "")),
                values=values,
                last=numbers[-1] if numbers else None,
                best=low if lower_is_better else high,
                worst=high if lower_is_better else low,
                has_volume=case in with_volume,
            )
        )

    def badness(row: Row) -> tuple[bool, float, str, str]:
        # A case without any value has nothing to be judged by and comes last.
        value = row.last if row.last is not None else 0.0
        return (row.last is None, -value if lower_is_better else value, row.case, row.class_name)

    return Table(steps, tuple(sorted(rows, key=badness)))


def _is_a_cost(series: SeriesRecord) -> bool:
    """Whether the run defined the lowest value as the best, as for a distance. Undefined, higher is better."""
    return series.best is not None and series.best == series.min and series.min != series.max


def _number(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
