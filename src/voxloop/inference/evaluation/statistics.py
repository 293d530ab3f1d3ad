"""What the figures of many cases say together: for each class and metric where they lie, how they spread, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from voxloop.inference.evaluation.resampling import Resampling, Values, mean_intervals, units_of
from voxloop.inference.evaluation.results import Evaluation
from voxloop.inference.metrics import METRICS

NAN = float("nan")


@dataclass(frozen=True, slots=True)
class Summary:
    """One metric of one class over all cases; NaN where there is nothing to say it of."""

    mean: float
    sd: float
    median: float
    q1: float
    q3: float
    # Cases with an answer, and cases whose truth has nothing of the class.
    n: int
    absent: int
    low: float
    high: float


def summarise(evaluation: Evaluation, how: Resampling) -> dict[str, dict[str, Summary]]:
    """By class and metric. The interval is that of the mean, with patients as what is drawn; cases in any order give the same."""
    keys = [(name, metric.key) for name in evaluation.classes for metric in METRICS]
    if not keys:
        return {}
    table = np.column_stack([evaluation.figures(name, key) for name, key in keys])
    cases = sorted(case.case for case in evaluation.cases)
    intervals = mean_intervals(table, units_of(cases, evaluation.patients()), how)
    found: dict[str, dict[str, Summary]] = {name: {} for name in evaluation.classes}
    for column, (name, key) in enumerate(keys):
        absent = int((evaluation.figures(name, "truth_ml") == 0).sum())
        found[name][key] = summary(table[:, column], absent, intervals[:, column])
    return found


def summary(values: Values, absent: int, interval: Values) -> Summary:
    """Of one column of figures."""
    there = values[~np.isnan(values)]
    low, high = interval.tolist()
    if not len(there):
        return Summary(NAN, NAN, NAN, NAN, NAN, 0, absent, NAN, NAN)
    q1, median, q3 = np.quantile(there, [0.25, 0.5, 0.75]).tolist()
    sd = float(np.std(there, ddof=1)) if len(there) > 1 else NAN
    return Summary(float(there.mean()), sd, median, q1, q3, len(there), absent, low, high)
