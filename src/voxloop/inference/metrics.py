"""How well a label map agrees with the truth, class by class, with a defined answer where a class is absent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from voxloop.monai.output import Labels, Part


@dataclass(frozen=True, slots=True)
class ClassScore:
    """One class, or one region, of one case."""

    name: str
    dice: float
    truth_ml: float
    predicted_ml: float

    @property
    def difference_ml(self) -> float:
        return self.predicted_ml - self.truth_ml


def dice(truth: npt.NDArray[np.bool_], predicted: npt.NDArray[np.bool_]) -> float:
    """Overlap of two masks: 1 where they agree, 0 where they share nothing, and 1 where both are empty.

    >>> dice(np.array([True, True, False]), np.array([True, False, False]))
    0.6666666666666666
    """
    total = int(truth.sum()) + int(predicted.sum())
    return 1.0 if total == 0 else 2.0 * int((truth & predicted).sum()) / total


def score(truth: Labels, predicted: Labels, parts: Sequence[Part], voxel_ml: float) -> list[ClassScore]:
    """Scores every class, or every region. Both maps hold class numbers on one grid."""
    scores = []
    for part in parts:
        here, said = part.mask(truth), part.mask(predicted)
        scores.append(
            ClassScore(part.name, dice(here, said), float(here.sum()) * voxel_ml, float(said.sum()) * voxel_ml)
        )
    return scores
