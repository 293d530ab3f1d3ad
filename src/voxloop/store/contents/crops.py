"""Label maps as they are kept: only the box in which anything is marked, and where in the scan it begins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Labels = npt.NDArray[np.uint8]


def crop(labels: Labels) -> tuple[Labels, tuple[int, int, int]]:
    """The smallest box around all labels, and its first voxel; of a map without any, one voxel of background."""
    start = [0, 0, 0]
    for axis in range(3):
        marked = np.flatnonzero(labels.any(axis=tuple(other for other in range(3) if other != axis)))
        first, last = (int(marked[0]), int(marked[-1])) if marked.size else (0, 0)
        start[axis] = first
        # Each axis leaves less to look at for the next.
        labels = labels[tuple(slice(first, last + 1) if one == axis else slice(None) for one in range(3))]
    return labels, (start[0], start[1], start[2])


def whole(box: Labels, start: Sequence[int], shape: Sequence[int]) -> Labels:
    """The label map that `crop` was given."""
    labels = np.zeros(shape, np.uint8)
    labels[tuple(slice(first, first + side) for first, side in zip(start, box.shape, strict=True))] = box
    return labels


def plane(box: Any, start: Sequence[int], shape: Sequence[int], axis: int, at: int) -> Labels:
    """Slice `at` across an axis of the whole map; of the box, which may be a file's, no more is read."""
    beside = [one for one in range(3) if one != axis]
    made = np.zeros([shape[one] for one in beside], np.uint8)
    if 0 <= at - start[axis] < box.shape[axis]:
        inside = tuple(slice(start[one], start[one] + box.shape[one]) for one in beside)
        made[inside] = box[tuple(at - start[axis] if one == axis else slice(None) for one in range(3))]
    return made
