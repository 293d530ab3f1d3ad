"""How far it is from points of a lattice to the nearest of some others, exactly and in millimetres, whatever angles the axes have.

Three ways, by what they cost. Most points of a good prediction are a step or two away from the truth: the nearest few hundred steps
are tried in order. What is farther is asked of a tree of points, whose memory is that of a surface and not of a scan. Where so many
are far that a tree would take minutes (noise against an organ), one pass over the lattice finds the nearest for all.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float64]
Distances = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]

_STEPS = 250
# In steps along one axis; beyond, the voxels are so flat that a tree is better.
_FARTHEST_STEP = 40
# A question to a tree costs up to 25 µs, a point of the lattice 0.15 µs in the pass over all.
_MANY = 1 / 100
_IN_ONE_TREE = 2_000_000
_AT_ONCE = 200_000
# Cosines of right angles that a header keeps in single precision are off by less.
_RIGHT_ANGLE = 1e-5


def nearest_mm(places: Places, targets: npt.NDArray[np.bool_], matrix: Matrix) -> Distances:
    """The distance from each place (in the flattened lattice) to the nearest target; there must be one."""
    many = targets.size * _MANY
    right_angles = _has_right_angles(matrix)
    if right_angles and len(places) > many:
        return _by_one_pass(places, targets, matrix)
    found, left = _by_steps(places, targets, matrix)
    if len(left):
        way = _by_one_pass if right_angles and len(left) > many else _by_trees
        found[left] = way(places[left], targets, matrix)
    return found


def _by_steps(places: Places, targets: npt.NDArray[np.bool_], matrix: Matrix) -> tuple[Distances, Places]:
    """The distances to what is near, and which of the places have nothing near."""
    steps, lengths = _shortest_steps(matrix)
    found = np.full(len(places), np.inf)
    left: Places = np.arange(len(places))
    margin = np.abs(steps).max(axis=0)
    padded = np.pad(targets, [(side, side) for side in margin.tolist()])
    strides = np.array([padded.shape[1] * padded.shape[2], padded.shape[2], 1])
    at = (np.stack(np.unravel_index(places, targets.shape), axis=1) + margin) @ strides
    flat = padded.ravel()
    for step, length in zip((steps @ strides).tolist(), lengths.tolist(), strict=True):
        hit = flat[at + step]
        found[left[hit]] = length
        left, at = left[~hit], at[~hit]
        if not len(left):
            break
    return found, left


def _shortest_steps(matrix: Matrix) -> tuple[npt.NDArray[np.intp], Distances]:
    """The shortest steps on the lattice, shortest first, and their lengths; none is left out that is shorter than the last."""
    # A step of length r goes at most r times this far along each axis.
    reach = np.linalg.norm(np.linalg.inv(matrix), axis=1)
    radius = (3 * _STEPS * abs(np.linalg.det(matrix)) / (4 * np.pi)) ** (1 / 3)
    sides = np.clip(np.ceil(radius * reach), 1, _FARTHEST_STEP).astype(int)
    grid = np.meshgrid(*(np.arange(-side, side + 1) for side in sides), indexing="ij")
    steps = np.stack(grid, axis=-1).reshape(-1, 3)
    lengths = np.linalg.norm(steps @ matrix.T, axis=1)
    order = np.argsort(lengths, kind="stable")
    order = order[lengths[order] < ((sides + 1) / reach).min()][:_STEPS]
    return steps[order], lengths[order]


def _by_trees(places: Places, targets: npt.NDArray[np.bool_], matrix: Matrix) -> Distances:
    """One tree after the other, so that none is larger than its share of the memory."""
    from scipy.spatial import cKDTree

    found = np.full(len(places), np.inf)
    there = np.flatnonzero(targets)
    for first in range(0, len(there), _IN_ONE_TREE):
        points = _points(there[first : first + _IN_ONE_TREE], targets.shape, matrix)
        # Points of a lattice are spread evenly, and a tree that is not balanced is built five times as fast.
        tree = cKDTree(points, balanced_tree=False, compact_nodes=False)
        for start in range(0, len(places), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            asked = _points(places[part], targets.shape, matrix)
            near, _ = tree.query(asked, distance_upper_bound=float(found[part].max()))
            found[part] = np.minimum(found[part], near)
    return found


def _by_one_pass(places: Places, targets: npt.NDArray[np.bool_], matrix: Matrix) -> Distances:
    """The nearest target of every point of the lattice; only where the axes meet at right angles."""
    from scipy.ndimage import distance_transform_edt

    sides = np.linalg.norm(matrix, axis=0)
    nearest = distance_transform_edt(~targets, sampling=sides, return_distances=False, return_indices=True).reshape(
        3, -1
    )
    found = np.empty(len(places))
    for start in range(0, len(places), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        here = np.stack(np.unravel_index(places[part], targets.shape))
        found[part] = np.linalg.norm(matrix @ (nearest[:, places[part]] - here), axis=0)
    return found


def _points(places: Places, shape: tuple[int, ...], matrix: Matrix) -> Distances:
    points: Distances = np.stack(np.unravel_index(places, shape), axis=1) @ matrix.T
    return points


def _has_right_angles(matrix: Matrix) -> bool:
    axes = matrix / np.linalg.norm(matrix, axis=0)
    return bool(np.abs(axes.T @ axes - np.eye(3)).max() < _RIGHT_ANGLE)
