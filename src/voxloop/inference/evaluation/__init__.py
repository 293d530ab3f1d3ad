"""A model, or a folder of label maps, against the truth of a dataset: scores by case, their statistics, and how they are told."""

from voxloop.inference.evaluation.contest import Contest, evaluate_several, evaluate_tracked
from voxloop.inference.evaluation.evaluate import evaluate
from voxloop.inference.evaluation.resampling import Resampling
from voxloop.inference.evaluation.results import CaseScore, Evaluation, Failure
from voxloop.inference.evaluation.tracked import Asked

__all__ = [
    "Asked",
    "CaseScore",
    "Contest",
    "Evaluation",
    "Failure",
    "Resampling",
    "evaluate",
    "evaluate_several",
    "evaluate_tracked",
]
