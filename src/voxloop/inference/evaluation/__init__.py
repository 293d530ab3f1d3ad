"""A model, or a folder of label maps, against the truth of a dataset: scores by case, their statistics, and how they are told."""

from voxloop.inference.evaluation.evaluate import CaseScore, Evaluation, evaluate, evaluate_tracked

__all__ = ["CaseScore", "Evaluation", "evaluate", "evaluate_tracked"]
