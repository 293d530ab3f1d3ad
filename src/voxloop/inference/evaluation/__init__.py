"""A model, or a folder of label maps, against the truth of a dataset: scores by case, their statistics, and how they are told."""

from voxloop.inference.evaluation.evaluate import evaluate
from voxloop.inference.evaluation.results import CaseScore, Evaluation, Failure
from voxloop.inference.evaluation.tracked import Contest, evaluate_several, evaluate_tracked

__all__ = ["CaseScore", "Contest", "Evaluation", "Failure", "evaluate", "evaluate_several", "evaluate_tracked"]
