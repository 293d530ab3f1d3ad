"""Boxes over an image, in its pixels: (0, 0) is the upper left corner of the first pixel."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from voxloop.errors import VoxloopError
from voxloop.tracking.params import text


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle with what it is said to hold, and how surely."""

    left: float
    top: float
    right: float
    bottom: float
    label: str = ""
    score: float | None = None


def boxes_within(given: Iterable[Any], width: int, height: int) -> list[dict[str, Any]]:
    """Boxes as JSON; refused where one is none or reaches beyond the image."""
    found = []
    for number, one in enumerate(given):
        box = _box(one, number)
        corners = (box.left, box.top, box.right, box.bottom)
        if not (0 <= box.left < box.right <= width and 0 <= box.top < box.bottom <= height):
            said = ", ".join(f"{corner:g}" for corner in corners)
            raise VoxloopError(
                f"Box {number} ({said}) does not lie within the image of {width}×{height} pixels; "
                "a box is left, top, right, bottom in pixels."
            )
        if box.score is not None and not math.isfinite(box.score):
            raise VoxloopError(f"Box {number} has the score {box.score}; a score is a number, or None.")
        found.append(asdict(box))
    return found


def _box(given: Any, number: int) -> Box:
    try:
        box = given if isinstance(given, Box) else Box(**given) if isinstance(given, Mapping) else Box(*given)
        score = None if box.score is None else float(box.score)
        return Box(float(box.left), float(box.top), float(box.right), float(box.bottom), text(box.label), score)
    except (TypeError, ValueError) as error:
        raise VoxloopError(
            f"Box {number} is {given!r:.80}; a box is (left, top, right, bottom), with a label and a score if you like."
        ) from error
