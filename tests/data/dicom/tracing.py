"""Outlines of masks along the edges of their voxels, as a planning system would store them."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import numpy.typing as npt

from voxloop.data.geometry import Geometry

Points = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


def outlines(layer: Mask) -> list[Points]:
    """Closed loops of (i, j) around the pixels of a layer; holes are loops of their own."""
    after: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    for i, j in np.argwhere(layer).tolist():
        corners = [(i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1)]
        for here, there in zip(corners, corners[1:] + corners[:1], strict=True):
            # The same edge from the neighbour's side lies between two pixels of the mask, and both go.
            if here in after[there]:
                after[there].remove(here)
            else:
                after[here].append(there)
    loops = []
    for begin in list(after):
        while after[begin]:
            loop = [begin]
            while (there := after[loop[-1]].pop()) != begin:
                loop.append(there)
            loops.append(np.array(loop, float) - 0.5)
    return loops


def contours_of(mask: Mask, grid: Geometry) -> list[Points]:
    """The outlines of all slices k, in the millimetres of the grid."""
    return [in_mm(loop, k, grid) for k in range(mask.shape[2]) for loop in outlines(mask[:, :, k])]


def in_mm(loop: Points, k: float, grid: Geometry) -> Points:
    index = np.column_stack([loop, np.full(len(loop), k), np.ones(len(loop))])
    return (index @ grid.affine.T)[:, :3]


def blob(seed: int, shape: tuple[int, int, int], share: float = 0.3) -> Mask:
    """A random structure in several pieces, with holes."""
    from scipy.ndimage import gaussian_filter

    noise = gaussian_filter(np.random.default_rng(seed).normal(size=shape), 0.8)
    return np.asarray(noise > np.quantile(noise, 1 - share))
