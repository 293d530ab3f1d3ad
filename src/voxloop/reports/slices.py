"""The slice of a volume in which truth and prediction differ most, as a picture with both drawn over it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from voxloop.data.geometry import Geometry
from voxloop.data.pictures.drawing import draw, range_of, window_of
from voxloop.data.pictures.palette import colour_at, colours_of
from voxloop.data.pictures.planes import planes_of
from voxloop.store.contents import VolumeContents

LONGEST = 420
# As in the viewer.
MISSED, EXTRA, OTHER = (240, 228, 66), (222, 80, 150), (60, 215, 230)


@dataclass(frozen=True, slots=True)
class Seen:
    """Two pictures of one slice: the scan with the truth's outline, and where the prediction missed it or went beyond it."""

    truth: bytes
    difference: bytes
    said: str


def worst_slice(volume: VolumeContents, class_name: str) -> Seen:
    """The axial slice with the most voxels that differ; without a prediction the one with the most truth, else the middle one."""
    image = volume.image if volume.image.ndim == 3 else volume.image[..., 0]
    grid = Geometry((image.shape[0], image.shape[1], image.shape[2]), volume.affine)
    plane = planes_of(grid)["axial"]
    truth, prediction = volume.layers.get("truth"), volume.layers.get("prediction")
    value = next((number for number, name in volume.classes.items() if name == class_name), None)
    marked = _marked(truth, prediction, value)
    counts = None if marked is None else np.count_nonzero(marked, axis=tuple(a for a in range(3) if a != plane.axis))
    at = int(np.argmax(counts)) if counts is not None and counts.any() else image.shape[plane.axis] // 2
    finite = image[np.isfinite(image)]
    window = window_of(range_of(finite), True, None)
    size = (plane.width_mm, plane.height_mm)
    cut = plane.picture(np.take(image, at, axis=plane.axis).T)
    numberless = not np.isfinite(cut).all()
    if numberless:
        # Black, as in the viewer: the usual colour for it means "extra" here.
        cut = np.where(np.isfinite(cut), cut, window.low)
    over = None if truth is None else plane.picture(np.take(truth, at, axis=plane.axis).T)
    against = np.zeros(cut.shape, np.uint8)
    if over is not None and prediction is not None:
        guessed = plane.picture(np.take(prediction, at, axis=plane.axis).T)
        against = _differ(over, guessed, value)
    # A label without a name is drawn as well.
    unnamed = {} if over is None else {int(one): colour_at(int(one) - 1) for one in np.unique(over) if one}
    colours = unnamed | colours_of(volume.classes)
    place = f"axial slice {at + 1} of {image.shape[plane.axis]}, {window.name}: {window.low:g} … {window.high:g}"
    if numberless:
        place += "; black too where the scan holds no number"
    for name, layer in (("truth", truth), ("prediction", prediction)):
        if layer is None:
            place += f"; no {name} was logged"
    shown = (window.low, window.high)
    return Seen(
        draw(cut, over, size, LONGEST, shown, "outline", {value: colours[value]} if value in colours else colours),
        draw(cut, against, size, LONGEST, shown, "fill", {1: MISSED, 2: EXTRA, 3: OTHER}),
        place,
    )


def _differ(truth: npt.NDArray[Any], prediction: npt.NDArray[Any], value: int | None) -> npt.NDArray[np.uint8]:
    """1 missed, 2 extra, 3 another class; of one class only where it is told of that class."""
    if value is not None:
        truth, prediction = truth == value, prediction == value
    kinds = np.where(prediction == 0, 1, np.where(truth == 0, 2, 3))
    return np.where(truth != prediction, kinds, 0).astype(np.uint8)


def _marked(
    truth: npt.NDArray[np.uint8] | None, prediction: npt.NDArray[np.uint8] | None, value: int | None
) -> npt.NDArray[np.bool_] | None:
    if truth is None:
        return None
    if prediction is None:
        return np.asarray(truth > 0 if value is None else truth == value)
    return np.asarray(truth != prediction if value is None else (truth == value) != (prediction == value))
