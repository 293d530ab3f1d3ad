"""How well a label map agrees with the truth, class by class, with a defined answer where a class is absent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from voxloop.data.geometry import Geometry
from voxloop.monai.output import Labels, Part


@dataclass(frozen=True, slots=True)
class Scoring:
    """How to score: within which distance two surfaces count as the same, by class where classes differ, and what a surface is.

    `surface` is "elements", the area-weighted pieces between voxels of Nikolov et al. (2018), or "voxels", the mask's outermost voxels
    as MONAI takes them.
    """

    tolerance_mm: float = 2.0
    tolerances_mm: Mapping[str, float] = field(default_factory=dict)
    surface: str = "elements"

    def tolerance_of(self, name: str) -> float:
        return self.tolerances_mm.get(name, self.tolerance_mm)


@dataclass(frozen=True, slots=True)
class ClassScore:
    """One class, or one region, of one case: a number for each metric of the catalogue, NaN where it has no answer."""

    name: str
    values: Mapping[str, float]

    @property
    def dice(self) -> float:
        return self.values["dice"]


def dice(truth: npt.NDArray[np.bool_], predicted: npt.NDArray[np.bool_]) -> float:
    """Overlap of two masks: 1 where they agree, 0 where they share nothing, and 1 where both are empty.

    >>> dice(np.array([True, True, False]), np.array([True, False, False]))
    0.6666666666666666
    """
    total = int(truth.sum()) + int(predicted.sum())
    return 1.0 if total == 0 else 2.0 * int((truth & predicted).sum()) / total


def score(
    truth: Labels, predicted: Labels, parts: Sequence[Part], geometry: Geometry, how: Scoring | None = None
) -> list[ClassScore]:
    """Scores every class, or every region. Both maps hold class numbers on the one grid of `geometry`."""
    return [
        score_masks(part.name, part.mask(truth), part.mask(predicted), geometry, how or Scoring()) for part in parts
    ]


def score_masks(
    name: str,
    truth: npt.NDArray[np.bool_],
    predicted: npt.NDArray[np.bool_],
    geometry: Geometry,
    how: Scoring,
) -> ClassScore:
    """Every metric of the catalogue for two masks on one grid."""
    truth_ml, predicted_ml = (float(mask.sum()) * geometry.voxel_ml for mask in (truth, predicted))
    return ClassScore(
        name,
        {
            "dice": dice(truth, predicted),
            "truth_ml": truth_ml,
            "predicted_ml": predicted_ml,
            "difference_ml": predicted_ml - truth_ml,
        },
    )
