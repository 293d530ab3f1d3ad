"""Which way a metric is better: as its run has said, else as its name is usually read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any, Literal

Goal = Literal["max", "min"]
# What of a pattern fits any text.
ANYTHING = re.compile(r"\[.*?\]|[*?]")
LOWER = {
    "asd",
    "assd",
    "difference",
    "distance",
    "error",
    "hausdorff",
    "hd",
    "hd95",
    "loss",
    "mae",
    "mse",
    "perplexity",
    "rmse",
}
HIGHER = {
    "acc",
    "accuracy",
    "auc",
    "auroc",
    "dice",
    "f1",
    "iou",
    "jaccard",
    "nsd",
    "precision",
    "recall",
    "sensitivity",
}


def definition_of(name: str, definitions: Mapping[str, Any]) -> dict[str, str]:
    """What a run has defined for a name: a close pattern such as `val/hd95` speaks before a wide one such as `val/*`."""
    fitting = [
        pattern for pattern, said in definitions.items() if fnmatchcase(name, pattern) and isinstance(said, dict)
    ]
    told: dict[str, str] = {}
    # The closest first, and of two equally close the one that was said first.
    for pattern in sorted(fitting, key=lambda one: -len(ANYTHING.sub("", one))):
        told = definitions[pattern] | told
    return told


def goal_of(name: str, definitions: Mapping[str, Any]) -> Goal | None:
    """Which way a metric is better; None where neither its run nor its name says."""
    said = definition_of(name, definitions).get("best")
    if said in ("max", "min"):
        return "max" if said == "max" else "min"
    words = set(words_of(name))
    return "min" if words & LOWER else "max" if words & HIGHER else None


def words_of(name: str) -> list[str]:
    """`val/mean_dice` is val, mean, dice."""
    return [word for word in re.split(r"[^a-z0-9]+", name.lower()) if word]
