"""How much each param goes with a metric, by ranks: told with what chance alone would do, and no word of cause."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from voxloop.store.results.columns import Column
from voxloop.store.results.values import Values

Shape = Literal["rises", "falls", "bends", "groups"]
Floats = npt.NDArray[np.float64]
# Fewer runs say nothing, whatever they are asked.
FEWEST = 4
# So many values are taken as they are; more are cut into five parts with as many runs each.
MOST_LEVELS = 10
PARTS = 5
# A bend has to say clearly more than a straight line, or every row would be one by chance.
BEND = 0.1


@dataclass(frozen=True, slots=True)
class Importance:
    """How one param goes with a metric.

    `share` is the part of the differences in the metric's rank that goes with the param, corrected for what any param would
    take: of a number from Spearman's `rho`, of levels Kruskal and Wallis's epsilon². `chance` is what a param without any
    bearing reaches once in twenty times. `best` is the value, or the part of the range, with the best median.
    """

    key: str
    term: str
    kind: Literal["number", "level"]
    runs: int
    distinct: int
    share: float | None = None
    chance: float | None = None
    rho: float | None = None
    shape: Shape | None = None
    best: str | None = None
    why: str | None = None


def of_param(param: Values, metric: Values | None, lower: bool) -> Importance:
    """How a param goes with a metric, where `lower` values of it are better; without one, only how it varies."""
    pairs = _pairs(param, metric)
    told = Importance(
        param.key, param.term, param.kind, len(pairs), len({one for one in param.values if one is not None})
    )
    if metric is None:
        return told
    x = np.array([pair[0] for pair in pairs], np.float64)
    y = np.array([pair[1] for pair in pairs], np.float64)
    why = _reason(param, x, y)
    if why is not None:
        return replace(told, why=why)
    groups, names = _groups(param, x)
    several = 2 <= len(names) < len(x)
    by_group = _adjusted(epsilon_squared(groups, y), len(x), len(names)) if several else None
    best = _best(groups, names, y, lower) if several else None
    if param.kind == "level":
        chance = _adjusted(_chi_squared_95(len(names) - 1) / (len(x) - 1), len(x), len(names))
        return replace(told, share=by_group, chance=chance, shape="groups", best=best)
    rho = spearman(x, y)
    share = _adjusted(rho**2, len(x), 2)
    chance = _adjusted(_chi_squared_95(1) / (len(x) - 1), len(x), 2)
    shape: Shape = "rises" if rho > 0 else "falls"
    if by_group is not None and len(names) > 2 and by_group > share + BEND:
        share, shape = by_group, "bends"
        chance = _adjusted(_chi_squared_95(len(names) - 1) / (len(x) - 1), len(x), len(names))
    return replace(told, share=share, chance=chance, rho=rho, shape=shape, best=best)


def by_likelihood(columns: Sequence[Column]) -> list[Column]:
    """Metrics, the one that a person most likely asks about first: of validations, then what most runs have."""
    metrics = [column for column in columns if column.kind == "metric"]
    said = ("metrics.val/", "metrics.eval/")

    def place(column: Column) -> tuple[int, bool, int, str]:
        rank = next((at for at, start in enumerate(said) if column.key.startswith(start)), len(said))
        return rank, not column.differs, -column.runs, column.key

    return sorted(metrics, key=place)


def ranks(values: Floats) -> Floats:
    """The place of each value among all, from 1; equal ones share the mean of their places."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[place], np.float64)


def spearman(x: Floats, y: Floats) -> float:
    """Spearman's rank correlation; 0 where one of both is always the same."""
    a, b = ranks(x) - (len(x) + 1) / 2, ranks(y) - (len(y) + 1) / 2
    size = math.sqrt(float(a @ a) * float(b @ b))
    return float(a @ b) / size if size else 0.0


def epsilon_squared(groups: npt.NDArray[np.int64], y: Floats) -> float:
    """The part of the differences between ranks that lies between groups: Kruskal and Wallis's H over n - 1."""
    placed = ranks(y) - (len(y) + 1) / 2
    whole = float(placed @ placed)
    between = sum(float(placed[groups == one].sum()) ** 2 / int((groups == one).sum()) for one in np.unique(groups))
    return between / whole if whole else 0.0


def _pairs(param: Values, metric: Values | None) -> list[tuple[float, float]]:
    other: Sequence[Any] = metric.values if metric is not None else [0.0] * len(param.values)
    both = zip(param.values, other, strict=True)
    return [(x, y) for x, y in both if x is not None and y is not None and math.isfinite(x) and math.isfinite(y)]


def _reason(param: Values, x: Floats, y: Floats) -> str | None:
    """Why nothing can be said, if nothing can."""
    distinct = len(np.unique(x))
    if len(x) < FEWEST:
        return f"only {len(x)} of the runs have both"
    if distinct < 2:
        return "always the same where the metric is known"
    if len(np.unique(y)) < 2:
        return "the metric is always the same"
    if param.kind == "level" and distinct > len(x) / 2:
        return "almost every run has a value of its own"
    return None


def _groups(param: Values, x: Floats) -> tuple[npt.NDArray[np.int64], list[str]]:
    """Which group each run belongs to, and what the groups are called."""
    found, place = np.unique(x, return_inverse=True)
    if param.kind == "level":
        return place, [param.levels[int(one)].text for one in found]
    if len(found) <= MOST_LEVELS:
        return place, [_short(one) for one in found]
    if len(x) < PARTS * 5:
        return np.zeros(len(x), np.int64), ["all"]
    cuts = np.unique(np.quantile(x, np.linspace(0, 1, PARTS + 1)[1:-1]))
    cut = np.searchsorted(cuts, x, side="right")
    parts, place = np.unique(cut, return_inverse=True)
    return place, [f"{_short(x[cut == part].min())} to {_short(x[cut == part].max())}" for part in parts]


def _best(groups: npt.NDArray[np.int64], names: Sequence[str], y: Floats, lower: bool) -> str:
    medians = [float(np.median(y[groups == place])) for place in range(len(names))]
    return names[int(np.argmin(medians) if lower else np.argmax(medians))]


def _adjusted(share: float, runs: int, groups: int) -> float:
    """A share less what so many groups take by chance."""
    return min(1.0, max(0.0, 1 - (1 - share) * (runs - 1) / max(1, runs - groups)))


def _chi_squared_95(freedom: int) -> float:
    """What a chi-squared of so many degrees of freedom exceeds once in twenty times, as Wilson and Hilferty come near it."""
    part = 2 / (9 * freedom)
    return freedom * (1 - part + 1.6449 * math.sqrt(part)) ** 3


def _short(value: float) -> str:
    return f"{value:.2g}" if abs(value) < 100 else f"{value:.4g}"
