"""Which of a run's metrics is the one that it is judged by, and which way it is better."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, Literal

from voxloop.store.records import SeriesRecord

Goal = Literal["max", "min"]
# Where a run has not said which way is better, its metric's name often does.
LOWER = {"loss", "error", "distance", "hd", "hd95", "assd", "asd", "mae", "mse", "rmse", "perplexity"}
HIGHER = {
    "dice",
    "iou",
    "jaccard",
    "accuracy",
    "acc",
    "auc",
    "auroc",
    "f1",
    "nsd",
    "sensitivity",
    "precision",
    "recall",
}
PLACES = {"val": 0, "valid": 0, "validation": 0, "eval": 1, "test": 1, "train": 3}
WORDS = {"dice": 0, "iou": 1, "jaccard": 1, "f1": 2, "auc": 2, "auroc": 2, "accuracy": 2, "acc": 2, "loss": 4}
# Less than this share of a value is no difference.
SAME = 1e-3


def goal_of(name: str, definitions: Mapping[str, Any]) -> Goal | None:
    """Which way a metric is better: as its run has said, else as its name does."""
    for pattern, definition in definitions.items():
        if fnmatchcase(name, pattern) and isinstance(definition, dict) and definition.get("best") in ("max", "min"):
            return "max" if definition["best"] == "max" else "min"
    words = set(_words(name))
    return "min" if words & LOWER else "max" if words & HIGHER else None


def main_of(series: Sequence[SeriesRecord], definitions: Mapping[str, Any]) -> tuple[SeriesRecord, Goal] | None:
    """The series that a run is judged by: of validations before trainings, a Dice before a loss, a mean before its parts."""
    judged = [(one, goal) for one in series if (goal := goal_of(one.name, definitions)) is not None]

    def place(found: tuple[SeriesRecord, Goal]) -> tuple[int, int, bool, str]:
        name = found[0].name
        words = _words(name)
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


def _words(name: str) -> list[str]:
    return [word for word in re.split(r"[^a-z0-9]+", name.lower()) if word]
