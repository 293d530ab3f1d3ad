"""Carrying labels and probabilities from the model's grid back to the scan's, voxel by voxel through millimetres."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from voxloop.data.geometry import Geometry

Labels = npt.NDArray[np.uint8]
Values = npt.NDArray[np.float32]
Affine = npt.NDArray[np.float64]

# A voxel of the target belongs to the source voxel that its centre falls into; on a tie the upper one wins, and
# this keeps floating point from deciding it. In voxels.
TIE = 1e-4
SLAB_VOXELS = 4_000_000


def labels_on_grid(labels: Labels, affine: Affine, target: Geometry) -> Labels:
    """Nearest-neighbour labels on the target's grid; background where the source does not reach.

    Each voxel centre of the target is taken through its millimetres into the source. Reorienting, resampling and
    cropping keep the axes parallel, and then one index list per axis says it all; other grids go slab by slab.
    """
    to_source = np.linalg.inv(affine) @ target.affine
    axes = _axis_of(to_source)
    if axes is None:
        return _general(labels, to_source, target.shape)
    picks: list[npt.NDArray[np.intp]] = [np.zeros(0, np.intp)] * 3
    inside: list[npt.NDArray[np.bool_]] = [np.zeros(0, np.bool_)] * 3
    for source_axis, target_axis in enumerate(axes):
        steps = np.arange(target.shape[target_axis])
        position = _round(to_source[source_axis, target_axis] * steps + to_source[source_axis, 3])
        inside[target_axis] = (position >= 0) & (position < labels.shape[source_axis])
        picks[target_axis] = np.clip(position, 0, labels.shape[source_axis] - 1)
    out: Labels = labels.transpose(_inverse(axes))[np.ix_(*picks)]
    for axis, kept in enumerate(inside):
        if not kept.all():
            out[(slice(None),) * axis + (~kept,)] = 0
    return out


def values_on_grid(
    values: Values, affine: Affine, target: Geometry, outside: float = 0.0
) -> Iterator[tuple[slice, Values]]:
    """Values between the source's voxels by linear interpolation, as slabs along the target's last axis.

    A voxel of the target that a label would not reach is `outside`, so that both agree where the source ends; within its
    outermost half voxel the value of the last centre is kept.
    """
    to_source = np.linalg.inv(affine) @ target.affine
    axes = _axis_of(to_source)
    depth = max(1, SLAB_VOXELS // max(1, target.shape[0] * target.shape[1]))
    for start in range(0, target.shape[2], depth):
        rows = slice(start, min(start + depth, target.shape[2]))
        if axes is None:
            yield rows, _between(values, to_source, target.shape, rows, outside)
        else:
            yield rows, _along_axes(values, to_source, axes, target.shape, rows, outside)


def _along_axes(
    values: Values,
    to_source: Affine,
    axes: tuple[int, int, int],
    shape: tuple[int, int, int],
    rows: slice,
    outside: float,
) -> Values:
    """Parallel axes are interpolated one after the other; the one that is cut into slabs first, so that little is held."""
    order = _inverse(axes)
    slab, beyond = values.transpose(order), []
    for axis in (2, 0, 1):
        source_axis = order[axis]
        steps = np.arange(shape[axis])[rows] if axis == 2 else np.arange(shape[axis])
        position = to_source[source_axis, axis] * steps + to_source[source_axis, 3]
        lower, share, inside = _neighbours(position, values.shape[source_axis])
        upper = np.minimum(lower + 1, values.shape[source_axis] - 1)
        weight = share.astype(np.float32).reshape([-1 if one == axis else 1 for one in range(3)])
        slab = slab.take(lower, axis) * (1 - weight) + slab.take(upper, axis) * weight
        beyond.append((axis, ~inside))
    for axis, out in beyond:
        slab[(slice(None),) * axis + (out,)] = outside
    return slab


def _between(values: Values, to_source: Affine, shape: tuple[int, int, int], rows: slice, outside: float) -> Values:
    """The eight neighbours of each voxel centre, for axes that are not parallel."""
    i, j, k = np.ix_(np.arange(shape[0]), np.arange(shape[1]), np.arange(shape[2])[rows])
    near = []
    kept = np.ones((shape[0], shape[1], k.size), bool)
    for axis in range(3):
        weight = to_source[axis]
        lower, share, inside = _neighbours(
            weight[0] * i + weight[1] * j + weight[2] * k + weight[3], values.shape[axis]
        )
        kept &= inside
        share = share.astype(np.float32)
        near.append(((lower, 1 - share), (np.minimum(lower + 1, values.shape[axis] - 1), share)))
    slab = np.zeros(kept.shape, np.float32)
    for at_i, share_i in near[0]:
        for at_j, share_j in near[1]:
            for at_k, share_k in near[2]:
                slab += values[at_i, at_j, at_k] * (share_i * share_j * share_k)
    slab[~kept] = outside
    return slab


def _neighbours(
    position: npt.NDArray[np.float64], size: int
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """The voxel before each position, how far it is to the next one, and whether the source reaches there at all."""
    nearest = _round(position)
    # What lies on a voxel's centre but for floating point is that voxel, so that reorienting changes no value.
    exact = np.where(np.abs(position - nearest) < TIE, nearest, position).clip(0, size - 1)
    lower = np.floor(exact).astype(np.intp)
    return lower, exact - lower, (nearest >= 0) & (nearest < size)


def _axis_of(to_source: Affine) -> tuple[int, int, int] | None:
    """For each source axis the one target axis that moves along it, or None where axes are not parallel."""
    turn = np.abs(to_source[:3, :3])
    main = turn.argmax(axis=1)
    if len(set(main.tolist())) < 3:
        return None
    off = turn.copy()
    off[np.arange(3), main] = 0.0
    # Headers hold float32: over a long axis, a stray share below this stays under a tenth of a voxel.
    if off.max() * 1000 > 0.1:
        return None
    return int(main[0]), int(main[1]), int(main[2])


def _inverse(axes: tuple[int, int, int]) -> list[int]:
    return [axes.index(axis) for axis in range(3)]


def _round(position: npt.NDArray[np.float64]) -> npt.NDArray[np.intp]:
    return np.floor(position + 0.5 + TIE).astype(np.intp)


def _general(labels: Labels, to_source: Affine, shape: tuple[int, int, int]) -> Labels:
    """Any affine at all, in slabs along the first axis so that memory stays bounded."""
    out: Labels = np.zeros(shape, np.uint8)
    depth = max(1, SLAB_VOXELS // max(1, shape[1] * shape[2]))
    j, k = np.meshgrid(np.arange(shape[1]), np.arange(shape[2]), indexing="ij")
    for start in range(0, shape[0], depth):
        rows = np.arange(start, min(start + depth, shape[0]))[:, None, None]
        index: list[Any] = []
        kept = np.ones((len(rows), shape[1], shape[2]), bool)
        for axis in range(3):
            weight = to_source[axis]
            at = _round(weight[0] * rows + weight[1] * j + weight[2] * k + weight[3])
            kept &= (at >= 0) & (at < labels.shape[axis])
            index.append(np.clip(at, 0, labels.shape[axis] - 1))
        out[start : start + len(rows)] = np.where(kept, labels[tuple(index)], 0)
    return out
