"""Polygons filled exactly: a pixel belongs where its centre lies inside, by the even-odd rule."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

# Many programs draw through pixel centres. This puts all of them on one side: the lower and left edge belongs, the upper and
# right one does not, so that the area stays right and rounding does not decide. In pixels.
TIE = 1e-3
MOST_CROSSINGS = 4_000_000


def fill(polygons: Sequence[Points], shape: tuple[int, int]) -> Mask:
    """The pixels [i, j] whose centres lie inside an odd number of these closed polygons of points (i, j).

    So a polygon inside another is a hole, and one that returns to its hole along a channel without width (a "keyhole")
    leaves the hole open. Each line of pixels toggles wherever an edge crosses it; the sum of toggles up to a pixel says
    whether it is inside.
    """
    # Counted modulo 256: only whether it is odd matters.
    toggles = np.zeros((shape[0] + 1, shape[1]), np.uint8)
    for polygon in polygons:
        start = polygon - TIE
        end = np.roll(start, -1, axis=0)
        # A centre line j is crossed by edges that begin below or on it and end above it, so a corner counts once.
        low = np.clip(np.ceil(np.minimum(start[:, 1], end[:, 1])), 0, shape[1]).astype(np.intp)
        high = np.clip(np.ceil(np.maximum(start[:, 1], end[:, 1])), 0, shape[1]).astype(np.intp)
        crossed = np.flatnonzero(high > low)
        per_block = max(1, MOST_CROSSINGS // max(1, shape[1]))
        for block in range(0, len(crossed), per_block):
            _toggle(toggles, start, end, low, high, crossed[block : block + per_block])
    return (np.bitwise_xor.accumulate(toggles[:-1], axis=0) & 1).astype(bool)


def _toggle(
    toggles: npt.NDArray[np.uint8],
    start: Points,
    end: Points,
    low: npt.NDArray[np.intp],
    high: npt.NDArray[np.intp],
    edges: npt.NDArray[np.intp],
) -> None:
    lines = high[edges] - low[edges]
    edge = np.repeat(edges, lines)
    j = np.arange(lines.sum()) - np.repeat(np.cumsum(lines) - lines, lines) + low[edge]
    share = (j - start[edge, 1]) / (end[edge, 1] - start[edge, 1])
    i = start[edge, 0] + share * (end[edge, 0] - start[edge, 0])
    np.add.at(toggles, (np.clip(np.ceil(i), 0, toggles.shape[0] - 1).astype(np.intp), j), 1)
