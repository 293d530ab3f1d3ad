"""Every figure that an evaluation gives: its name everywhere, its unit, which way is better, and what it says of an empty mask."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure for one class, or region, of one case.

    `key` is its column in a CSV file, its key in JSON and, after `eval/`, the name of its series. `better` is "max", "min", "zero" (as
    near to it as can be, from either side) or "none". `absent` is the answer where truth, prediction or both hold nothing; "no answer"
    is NaN.
    """

    key: str
    title: str
    unit: str
    better: str
    says: str
    absent: str


_OVERLAP = "1 where truth and prediction are both empty, 0 where one of them is."
# The longest distance that the scan has room for: means stay finite, and no prediction scores worse than none. For the
# 240×240×155 mm of BraTS it is the 373 mm with which that challenge punishes a missed lesion.
_DISTANCE = "0 where truth and prediction are both empty, the length of the scan's diagonal where one of them is."

METRICS: tuple[Metric, ...] = (
    Metric("dice", "Dice", "", "max", "Twice the shared volume over the sum of both volumes.", _OVERLAP),
    Metric("iou", "IoU", "", "max", "The shared volume over the volume of both together (Jaccard).", _OVERLAP),
    Metric(
        "sensitivity",
        "sensitivity",
        "",
        "max",
        "The share of the truth that was predicted (recall).",
        "No answer where the truth is empty, 0 where only the prediction is.",
    ),
    Metric(
        "precision",
        "precision",
        "",
        "max",
        "The share of the prediction that is true (positive predictive value).",
        "No answer where the prediction is empty, 0 where only the truth is.",
    ),
    Metric(
        "nsd",
        "NSD",
        "",
        "max",
        "The share of both surfaces that lies within the tolerance of the other one (normalised surface distance, surface Dice).",
        _OVERLAP,
    ),
    Metric(
        "hd95_mm",
        "HD95",
        "mm",
        "min",
        "The distance within which 95 % of each surface is near the other: the larger of both directions.",
        _DISTANCE,
    ),
    Metric(
        "hd_mm",
        "HD",
        "mm",
        "min",
        "The distance from one surface to the other where it is longest (Hausdorff).",
        _DISTANCE,
    ),
    Metric(
        "assd_mm",
        "ASSD",
        "mm",
        "min",
        "The mean distance from all of both surfaces to the other one (average symmetric surface distance).",
        _DISTANCE,
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
    Metric(
        "difference_percent",
        "rel. difference",
        "%",
        "zero",
        "The volume of the prediction less that of the truth, in percent of the truth's.",
        "0 where both are empty, no answer where only the truth is, -100 where only the prediction is.",
    ),
    Metric(
        "lesions_truth",
        "lesions",
        "",
        "none",
        "How many lesions the truth has: parts that touch each other by no face, edge or corner of a voxel (26-connected).",
        "0 where it is empty.",
    ),
    Metric(
        "lesions_predicted",
        "lesions predicted",
        "",
        "none",
        "How many such parts the prediction has.",
        "0 where it is empty.",
    ),
    Metric(
        "lesions_found",
        "lesions found",
        "",
        "max",
        "Lesions of the truth that share a voxel with the prediction, however it is split or merged; where an IoU is asked for, "
        "the most pairs of one true and one predicted lesion that reach it.",
        "0 where one is empty.",
    ),
    Metric(
        "lesions_missed",
        "lesions missed",
        "",
        "min",
        "Lesions of the truth that were not found.",
        "0 where it is empty.",
    ),
    Metric(
        "lesions_false",
        "false lesions",
        "",
        "min",
        "Lesions of the prediction that share no voxel with the truth; where an IoU is asked for, those without a partner.",
        "0 where the prediction is empty.",
    ),
    Metric(
        "lesion_sensitivity",
        "lesion sensitivity",
        "",
        "max",
        "Found over found and missed.",
        "No answer where the truth is empty, 0 where only the prediction is.",
    ),
    Metric(
        "lesion_precision",
        "lesion precision",
        "",
        "max",
        "Found over found and false: several predicted pieces of one true lesion count once.",
        "No answer where the prediction is empty, 0 where only the truth is.",
    ),
    Metric(
        "lesion_f1", "lesion F1", "", "max", "Twice the found over twice the found, the missed and the false.", _OVERLAP
    ),
)
BY_KEY = {metric.key: metric for metric in METRICS}
