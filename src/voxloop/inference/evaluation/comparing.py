"""Two models on the same cases: by how much one is better, how sure that is, and whether it could be chance.

Figures are compared case by case, and the cases of a patient speak together, by their mean. Which way is better is the
metric's own word; a metric that is best at zero is compared by its distance from it. Metrics that have no better way, such as
a volume, are not compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from voxloop.errors import VoxloopError
from voxloop.inference.evaluation.resampling import (
    Resampling,
    Values,
    by_unit,
    mean_intervals,
    median_interval,
    units_of,
)
from voxloop.inference.evaluation.results import Evaluation
from voxloop.inference.evaluation.signed_rank import holm, signed_rank
from voxloop.inference.metrics import METRICS, Metric


@dataclass(frozen=True, slots=True)
class Comparison:
    """One metric of one class by two models. Differences are a less b; of a metric best at zero, of the distances from it."""

    a: str
    b: str
    name: str
    metric: Metric
    # Cases that both have an answer for, cases that only one of them has, and what counts as one piece of evidence.
    cases: int
    only_a: int
    only_b: int
    units: int
    unit: str
    mean: float
    mean_low: float
    mean_high: float
    median: float
    median_low: float
    median_high: float
    # In how many units each is better; the rest are ties.
    better_a: int
    better_b: int
    p: float
    p_holm: float
    # Rank-biserial; above zero it speaks for a, whichever way is better.
    effect: float
    exact: bool
    least_p: float
    # How many comparisons Holm's correction is over.
    family: int
    confidence: float

    @property
    def alpha(self) -> float:
        return 1.0 - self.confidence / 100.0

    @property
    def too_few(self) -> bool:
        """Whether so few units could not give a significant result, however much they differ."""
        return self.least_p * self.family > self.alpha

    @property
    def significant(self) -> bool:
        return self.p_holm < self.alpha

    @property
    def favours(self) -> str | None:
        """The model that the mean speaks for."""
        gain = self.mean if self.metric.better == "max" else -self.mean
        return None if gain == 0 or np.isnan(gain) else self.a if gain > 0 else self.b


def comparable() -> list[Metric]:
    """The metrics of which one value is better than another."""
    return [metric for metric in METRICS if metric.better != "none"]


def badness(values: Values, metric: Metric) -> Values:
    """Figures of which less is better, whatever the metric."""
    return -values if metric.better == "max" else np.abs(values) if metric.better == "zero" else values


def shared_cases(evaluations: Sequence[Evaluation]) -> list[str]:
    """The cases that every model has figures for; at least two, or there is nothing to compare."""
    each = [{case.case for case in one.cases} for one in evaluations]
    shared = sorted(set.intersection(*each))
    if len(shared) < 2:
        names = ", ".join(one.model for one in evaluations)
        raise VoxloopError(
            f"{names} have {len(shared)} case{'' if len(shared) == 1 else 's'} in common, and a comparison needs two; "
            "evaluate them on the same cases."
        )
    return shared


def shared_classes(evaluations: Sequence[Evaluation]) -> list[str]:
    """The classes and regions that every model has, by their names."""
    shared = [name for name in evaluations[0].classes if all(name in one.classes for one in evaluations)]
    if not shared:
        have = "; ".join(f"{one.model} has {', '.join(one.classes)}" for one in evaluations)
        raise VoxloopError(f"The models have no class in common ({have}); compare models of one task.")
    return shared


def compare_all(evaluations: Sequence[Evaluation], how: Resampling) -> list[Comparison]:
    """Every pair of models, by class and metric.

    Holm's correction is over all pairs and classes of one metric: a metric is one question, asked of all of them.
    """
    cases, names = shared_cases(evaluations), shared_classes(evaluations)
    found: list[Comparison] = []
    for metric in comparable():
        family = [one for a, b in combinations(evaluations, 2) for one in _compare(a, b, cases, names, metric, how)]
        corrected = holm([one.p for one in family])
        found += [replace(one, p_holm=p, family=len(family)) for one, p in zip(family, corrected, strict=True)]
    return found


def _compare(
    a: Evaluation, b: Evaluation, cases: list[str], names: list[str], metric: Metric, how: Resampling
) -> list[Comparison]:
    units = units_of(cases, a.patients())
    unit = "case" if len(set(units.tolist())) == len(cases) else "patient"
    figures = [tuple(one.figures(name, metric.key, cases) for one in (a, b)) for name in names]
    if metric.better == "zero":
        figures = [(np.abs(of_a), np.abs(of_b)) for of_a, of_b in figures]
    table = np.column_stack([of_a - of_b for of_a, of_b in figures])
    intervals = mean_intervals(table, units, how)
    sums, counts = by_unit(table, units)
    towards_a = 1.0 if metric.better == "max" else -1.0
    found = []
    for column, (name, (of_a, of_b)) in enumerate(zip(names, figures, strict=True)):
        there = counts[:, column] > 0
        each = sums[there, column] / counts[there, column]
        test = signed_rank(towards_a * each)
        low, high = median_interval(each, how)
        found.append(
            Comparison(
                a=a.model,
                b=b.model,
                name=name,
                metric=metric,
                cases=int(counts[:, column].sum()),
                only_a=int((~np.isnan(of_a) & np.isnan(of_b)).sum()),
                only_b=int((np.isnan(of_a) & ~np.isnan(of_b)).sum()),
                units=len(each),
                unit=unit,
                mean=float(np.nanmean(table[:, column])) if len(each) else float("nan"),
                mean_low=float(intervals[0, column]),
                mean_high=float(intervals[1, column]),
                median=float(np.median(each)) if len(each) else float("nan"),
                median_low=low,
                median_high=high,
                better_a=int((towards_a * each > 0).sum()),
                better_b=int((towards_a * each < 0).sum()),
                p=test.p,
                p_holm=test.p,
                effect=test.effect,
                exact=test.exact,
                least_p=test.least_p,
                family=1,
                confidence=how.confidence,
            )
        )
    return found
