"""Predictions as files that other programs read, in the scan's own geometry: label maps, and the probabilities behind them.

What a format cannot hold is refused in a sentence, and a file is there whole or not at all.
"""

from voxloop.inference.saving.labels import ENDINGS, save
from voxloop.inference.saving.probabilities import save_probabilities

__all__ = ["ENDINGS", "save", "save_probabilities"]
