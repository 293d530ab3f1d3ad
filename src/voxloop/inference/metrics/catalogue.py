"""Every figure that an evaluation gives: its name everywhere, its unit, which way is better, and what it says of an empty mask."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure for one class, or region, of one case.

    `key` is its column in a CSV file, its key in JSON and, after `eval/`, the name of its series; `better` is "max", "min" or "zero".
    """

    key: str
    title: str
    unit: str
    better: str
    says: str
    absent: str


METRICS: tuple[Metric, ...] = (
    Metric(
        "dice",
        "Dice",
        "",
        "max",
        "Twice the shared volume over the sum of both volumes.",
        "1 where truth and prediction are both empty, 0 where one of them is.",
    ),
    Metric("truth_ml", "truth", "mL", "none", "The volume of the truth.", "0 where it is empty."),
    Metric("predicted_ml", "predicted", "mL", "none", "The volume of the prediction.", "0 where it is empty."),
    Metric(
        "difference_ml",
        "difference",
        "mL",
        "zero",
        "The volume of the prediction less that of the truth.",
        "0 where both are empty.",
    ),
)
BY_KEY = {metric.key: metric for metric in METRICS}
