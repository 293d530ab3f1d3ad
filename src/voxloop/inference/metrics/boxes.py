"""The part of a scan that two masks take up: nothing outside it changes a figure, and a scan is mostly outside."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from voxloop.monai.output import Labels

Box = tuple[slice, slice, slice]


def boxes_of(labels: Labels) -> dict[int, Box]:
    """Where each value of a label map lies, found in one look at it."""
    from scipy.ndimage import find_objects

    # NIfTI's voxels lie in memory the other way round, and against that way the look takes ten times as long.
    turned = labels.flags.f_contiguous
    found = find_objects(labels.T if turned else labels)
    return {value: _box(box[::-1] if turned else box) for value, box in enumerate(found, start=1) if box is not None}


def box_of(mask: npt.NDArray[np.bool_]) -> Box | None:
    """Where a mask lies, or None where it is empty."""
    ends = []
    for axis in range(3):
        held = np.flatnonzero(mask.any(axis=tuple(other for other in range(3) if other != axis)))
        if not len(held):
            return None
        ends.append(slice(int(held[0]), int(held[-1]) + 1))
    return ends[0], ends[1], ends[2]


def around(boxes: Iterable[Box | None]) -> Box:
    """The smallest box that holds all others; an empty one where there is none."""
    some = [box for box in boxes if box is not None]
    if not some:
        return slice(0, 0), slice(0, 0), slice(0, 0)
    i, j, k = (
        slice(min(side.start for side in sides), max(side.stop for side in sides)) for sides in zip(*some, strict=True)
    )
    return i, j, k


def _box(sides: Iterable[slice]) -> Box:
    i, j, k = sides
    return i, j, k
