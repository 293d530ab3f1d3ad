"""Which of a run's metrics is the one that it is judged by, and when one value is better than another."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from voxloop.store.goals import Goal, goal_of, words_of
from voxloop.store.records import SeriesRecord

PLACES = {"val": 0, "valid": 0, "validation": 0, "eval": 1, "test": 1, "train": 3}
WORDS = {"dice": 0, "iou": 1, "jaccard": 1, "f1": 2, "auc": 2, "auroc": 2, "accuracy": 2, "acc": 2, "loss": 4}
# Less than this share of a value is no difference.
SAME = 1e-3


def main_of(series: Sequence[SeriesRecord], definitions: Mapping[str, Any]) -> tuple[SeriesRecord, Goal] | None:
    """The series that a run is judged by: of validations before trainings, a Dice before a loss, a mean before its parts."""
    judged = [(one, goal) for one in series if (goal := goal_of(one.name, definitions)) is not None]

    def place(found: tuple[SeriesRecord, Goal]) -> tuple[int, int, bool, str]:
        name = found[0].name
        words = words_of(name)
        return (
            PLACES.get(name.split("/", 1)[0].lower(), 2),
            min((WORDS.get(word, 3) for word in words), default=3),
            "mean" not in words,
            name,
        )

    return min(judged, key=place, default=None)


def value_of(series: SeriesRecord, goal: Goal) -> float | None:
    """The value that a run is judged by: its best, for that is what was kept of it."""
    value = series.max if goal == "max" else series.min
    return value if value is not None and math.isfinite(value) else None


def better(one: float, other: float, goal: Goal) -> int:
    """1 where `one` is better than `other`, -1 where it is worse, 0 where they hardly differ."""
    if abs(one - other) <= SAME * max(abs(one), abs(other)):
        return 0
    return 1 if (one > other) == (goal == "max") else -1
