"""A cut of a scan as a picture: windowed, in its true proportions, with the label's edge or area in the colours of its classes."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from voxloop.data.colours import Rgb

Look = Literal["outline", "fill", "none"]
# Hounsfield units, as in the viewer.
ABDOMEN, LUNG, BONE = ("abdomen", -160.0, 240.0), ("lung", -1350.0, 150.0), ("bone", -450.0, 1050.0)
# What is no number is painted in the colour of what is wrong, for no grey would be true.
NO_NUMBER: Rgb = (222, 80, 150)
FILL = 0.45
RIM = 2


# A value that such a share of the voxels has is nothing that one looks at.
BACKGROUND = 0.2
SAMPLE = 100_003


@dataclass(frozen=True, slots=True)
class Range:
    """The values of one channel: the least and most of all, and between which nearly all of those that are no background lie."""

    least: float
    most: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Window:
    """Which values are drawn from black to white, and what that is called."""

    name: str
    low: float
    high: float


def usual(values: npt.NDArray[Any]) -> tuple[float, float]:
    """Between which values nearly all lie, without the one that surrounds the body; equal where there is but one."""
    numbers, counts = np.unique(values, return_counts=True)
    most = int(np.argmax(counts))
    body = values[values != numbers[most]] if counts[most] >= BACKGROUND * values.size else values
    low, high = np.percentile(body if body.size else values, (0.5, 99.5)).tolist()
    return low, high


def range_of(values: npt.NDArray[Any]) -> Range:
    """The range of finite values, of which there may be none."""
    if not values.size:
        return Range(0.0, 1.0, 0.0, 1.0)
    # A sample shows the same, and is sorted in no time.
    low, high = usual(values[:: values.size // SAMPLE | 1])
    least, most = float(values.min()), float(values.max())
    return Range(least, most, low, high) if high > low else Range(least, most, least, max(most, least + 1.0))


def window_of(seen: Range, is_ct: bool, under: float | None) -> Window:
    """Hounsfield units have windows of their own, chosen by what lies under the label; all else is shown over its own range."""
    if is_ct and seen.least <= -200 and seen.most >= 100:
        name, low, high = LUNG if under is not None and under < -400 else BONE if (under or 0) > 250 else ABDOMEN
        return Window(name, low, high)
    return Window("99 % of the values", seen.low, seen.high)


def draw(
    cut: npt.NDArray[Any],
    labels: npt.NDArray[Any] | None,
    size_mm: tuple[float, float],
    longest: int,
    window: tuple[float, float],
    look: Look,
    colours: Mapping[int, Rgb],
) -> bytes:
    """A PNG whose longer side has `longest` pixels. Labels without a colour are left out."""
    from PIL import Image

    scale = longest / max(size_mm)
    size = max(1, round(size_mm[0] * scale)), max(1, round(size_mm[1] * scale))
    low, high = window
    with np.errstate(invalid="ignore", over="ignore"):
        grey = (cut.astype(np.float32) - low) * (255.0 / max(high - low, 1e-6))
        shown = np.nan_to_num(np.clip(grey, 0, 255)).astype(np.uint8)
    picture = np.repeat(np.asarray(Image.fromarray(shown).resize(size, Image.Resampling.BILINEAR))[..., None], 3, 2)
    if labels is not None and look != "none":
        _paint(picture, _resized(labels.astype(np.uint8), size), look, colours)
    if cut.dtype.kind == "f" and not np.isfinite(cut).all():
        picture[_resized((~np.isfinite(cut)).astype(np.uint8), size) > 0] = NO_NUMBER
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "PNG", compress_level=3)
    return out.getvalue()


def _resized(labels: npt.NDArray[np.uint8], size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """Without blending: between two classes there is no third."""
    from PIL import Image

    return np.asarray(Image.fromarray(np.ascontiguousarray(labels)).resize(size, Image.Resampling.NEAREST))


def _paint(picture: npt.NDArray[Any], labels: npt.NDArray[np.uint8], look: Look, colours: Mapping[int, Rgb]) -> None:
    known = np.zeros(256, np.bool_)
    known[list(colours)] = True
    labels = np.where(known[labels], labels, 0)
    table = np.zeros((256, 3), np.float32)
    for value, colour in colours.items():
        table[value] = colour
    if look == "fill":
        inside = labels > 0
        picture[inside] = (1 - FILL) * picture[inside] + FILL * table[labels[inside]]
    edge = np.zeros(labels.shape, np.bool_)
    # As far as the picture's own border the label goes on: only where it ends is there an edge.
    for step in range(1, RIM + 1):
        edge[step:] |= labels[step:] != labels[:-step]
        edge[:-step] |= labels[:-step] != labels[step:]
        edge[:, step:] |= labels[:, step:] != labels[:, :-step]
        edge[:, :-step] |= labels[:, :-step] != labels[:, step:]
    edge &= labels > 0
    picture[edge] = table[labels[edge]]
