"""Figures for two masks on one grid, in millimetres and millilitres; NumPy and SciPy only, no files and no models."""

from voxloop.inference.metrics.catalogue import BY_KEY, METRICS, Metric
from voxloop.inference.metrics.overlap import dice
from voxloop.inference.metrics.scoring import ClassScore, Scoring, score, score_masks

__all__ = ["BY_KEY", "METRICS", "ClassScore", "Metric", "Scoring", "dice", "score", "score_masks"]
