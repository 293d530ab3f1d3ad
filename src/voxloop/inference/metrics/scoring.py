"""How well a label map agrees with the truth, class by class, with a defined answer where a class is absent."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from voxloop.data.geometry import Geometry
from voxloop.data.scans import sides
from voxloop.errors import VoxloopError
from voxloop.inference.metrics.boxes import Box, around, box_of, boxes_of
from voxloop.inference.metrics.catalogue import METRICS
from voxloop.inference.metrics.distances import surface_figures
from voxloop.inference.metrics.lesions import lesion_figures
from voxloop.inference.metrics.overlap import overlap_figures
from voxloop.inference.metrics.surfaces import KINDS
from voxloop.monai.output import Labels, Part


@dataclass(frozen=True, slots=True)
class Scoring:
    """How to score: within which distance two surfaces count as the same, by class where classes differ, what a surface is, and when
    a lesion is found.

    `surface` is "elements", the area-weighted pieces between voxels of Nikolov et al. (2018), or "voxels", the mask's outermost voxels
    as MONAI takes them. At a `lesion_iou` of 0 a lesion is found where one of its voxels is predicted; above, where a predicted lesion
    of its own is as much alike.
    """

    tolerance_mm: float = 2.0
    tolerances_mm: Mapping[str, float] = field(default_factory=dict)
    surface: str = "elements"
    lesion_iou: float = 0.0

    def __post_init__(self) -> None:
        for tolerance in (self.tolerance_mm, *self.tolerances_mm.values()):
            if not (math.isfinite(tolerance) and tolerance >= 0):
                raise VoxloopError(f"A tolerance of {tolerance} mm is none; give 0 mm or more.")
        if self.surface not in KINDS:
            raise VoxloopError(f'A surface cannot be made of "{self.surface}"; choose one of: {", ".join(KINDS)}.')
        if not 0 <= self.lesion_iou <= 1:
            raise VoxloopError(f"Lesions cannot share an IoU of {self.lesion_iou}; give a number from 0 to 1.")

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


def score(
    truth: Labels, predicted: Labels, parts: Sequence[Part], geometry: Geometry, how: Scoring | None = None
) -> list[ClassScore]:
    """Scores every class, or every region. Both maps hold class numbers on the one grid of `geometry`."""
    how = how or Scoring()
    names = [part.name for part in parts]
    unknown = [name for name in how.tolerances_mm if name not in names]
    if unknown:
        raise VoxloopError(
            f'A tolerance is given for "{unknown[0]}", which is not scored; what is: {", ".join(names)}.'
        )
    _require_grid(geometry, truth.shape, predicted.shape)
    boxes = [boxes_of(labels) for labels in (truth, predicted)]
    scores = []
    for part in parts:
        box = around(found.get(value) for found in boxes for value in part.values)
        scores.append(_score(part.name, part.mask(truth[box]), part.mask(predicted[box]), geometry, how))
    return scores


def score_masks(
    name: str,
    truth: npt.NDArray[np.bool_],
    predicted: npt.NDArray[np.bool_],
    geometry: Geometry,
    how: Scoring,
) -> ClassScore:
    """Every metric of the catalogue for two masks on one grid."""
    _require_grid(geometry, truth.shape, predicted.shape)
    box: Box = around((box_of(truth), box_of(predicted)))
    return _score(name, truth[box], predicted[box], geometry, how)


def _score(
    name: str,
    truth: npt.NDArray[np.bool_],
    predicted: npt.NDArray[np.bool_],
    geometry: Geometry,
    how: Scoring,
) -> ClassScore:
    """For the part of the scan that holds all of both masks."""
    truth, predicted = (np.ascontiguousarray(mask, dtype=bool) for mask in (truth, predicted))
    values = {
        **overlap_figures(truth, predicted, geometry.voxel_ml),
        **surface_figures(truth, predicted, geometry, how.surface, how.tolerance_of(name)),
        **lesion_figures(truth, predicted, how.lesion_iou),
    }
    return ClassScore(name, {metric.key: values[metric.key] for metric in METRICS})


def _require_grid(geometry: Geometry, *shapes: tuple[int, ...]) -> None:
    for what, shape in zip(("truth", "prediction"), shapes, strict=True):
        if shape != geometry.shape:
            raise VoxloopError(
                f"The {what} has {sides(shape)} voxels and the scan {sides(geometry.shape)}; bring both onto the scan's grid."
            )
