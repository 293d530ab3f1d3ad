"""The slice of a volume in which truth and prediction differ most, as a picture with both drawn over it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from voxloop.data.geometry import Geometry
from voxloop.data.pictures.drawing import Range, draw, window_of
from voxloop.data.pictures.palette import colour_at, colours_of
from voxloop.data.pictures.planes import Plane, planes_of
from voxloop.store.contents import VolumeContents

LONGEST = 420
MISSED, EXTRA = (240, 228, 66), (222, 80, 150)


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
    least, low, high, most = (
        np.percentile(finite, [0, 0.5, 99.5, 100]).tolist() if finite.size else (0.0, 0.0, 1.0, 1.0)
    )
    window = window_of(Range(least, most, low, high), True, None)
    size = (plane.width_mm, plane.height_mm)
    cut = plane.picture(np.take(image, at, axis=plane.axis).T)
    over = None if truth is None else _cut(truth, plane, at, value)
    against = np.zeros(cut.shape, np.uint8)
    if over is not None and prediction is not None:
        guessed = _cut(prediction, plane, at, value)
        wrong = np.asarray(over != guessed)
        against[wrong & np.asarray(over != 0)] = 1
        against[wrong & np.asarray(over == 0)] = 2
    # A label without a name is drawn as well.
    colours = {int(value): colour_at(int(value) - 1) for value in np.unique(over) if value} if over is not None else {}
    place = f"axial slice {at + 1} of {image.shape[plane.axis]}, {window.name}: {window.low:g} … {window.high:g}"
    shown = (window.low, window.high)
    return Seen(
        draw(cut, over, size, LONGEST, shown, "outline", colours | colours_of(volume.classes)),
        draw(cut, against, size, LONGEST, shown, "fill", {1: MISSED, 2: EXTRA}),
        place,
    )


def _cut(labels: npt.NDArray[np.uint8], plane: Plane, at: int, value: int | None) -> npt.NDArray[np.uint8]:
    """A slice of a label map: of the class that is told of, or of all. Among forty organs nobody finds the one that is meant."""
    cut = plane.picture(np.take(labels, at, axis=plane.axis).T)
    return np.asarray(cut if value is None else np.where(cut == value, cut, 0), np.uint8)


def _marked(
    truth: npt.NDArray[np.uint8] | None, prediction: npt.NDArray[np.uint8] | None, value: int | None
) -> npt.NDArray[np.bool_] | None:
    if truth is None:
        return None
    if prediction is None:
        return np.asarray(truth > 0 if value is None else truth == value)
    return np.asarray(truth != prediction if value is None else (truth == value) != (prediction == value))
