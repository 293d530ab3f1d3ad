"""How a label's grid differs from its scan's, in words: a shift, a flip, exchanged axes, another spacing, a turn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from voxloop.data.geometry import Affine, Geometry

# Below this, two positions are one that was rounded; above, one sees it.
TOLERANCE_MM = 0.5
ROUNDING_MM = 0.01
AXES = "ijk"
SIDES = ("left", "right"), ("back", "front"), ("down", "up")


@dataclass(frozen=True, slots=True)
class Difference:
    """A kind of the catalogue, the distance in millimetres at the worst corner, and a sentence's end that says it all."""

    kind: str
    mm: float
    words: str
    numbers: dict[str, Any]


def compare(label: Geometry, scan: Geometry) -> Difference | None:
    """What is different, or None where both put every voxel in the same place."""
    order, signs, steps = _signed_permutation(label, scan)
    same_shape = label.shape == scan.shape
    apart = label.distance_mm(scan) if same_shape else _corners_apart(label, scan)
    if same_shape and apart <= TOLERANCE_MM:
        if apart <= ROUNDING_MM:
            return None
        return Difference("grid_rounding", apart, f"lies {apart:.2f} mm away at the worst corner", {"mm": apart})
    if steps is None:
        return _not_aligned(label, scan, apart)
    turned = order != (0, 1, 2) or signs != (1, 1, 1)
    if turned and _fits(label, scan, order, signs):
        words = f"lies in the right place, but its voxels are stored {_turned(order, signs)}"
        return Difference("label_reoriented", apart, words, {"mm": apart, "axes": order, "signs": signs})
    if label.shape != tuple(scan.shape[axis] for axis in order):
        return _other_shape(label, scan, apart)
    numbers: dict[str, Any] = {"mm": apart, "axes": order, "signs": signs}
    if order != (0, 1, 2):
        words = f"has its axes {_turned(order, signs)}, {apart:.1f} mm away at the worst corner"
        return Difference("label_permuted", apart, words, numbers)
    if signs != (1, 1, 1):
        words = (
            f"is {_turned(order, signs)} and its origin was not moved with it, {apart:.1f} mm away at the worst corner"
        )
        return Difference("label_flipped", apart, words, numbers)
    moved = label.affine[:3, 3] - scan.affine[:3, 3]
    voxels = np.linalg.solve(scan.affine[:3, :3], moved)
    numbers |= {"shift_mm": moved.round(3).tolist(), "shift_voxels": voxels.round(3).tolist()}
    by = ", ".join(f"{value:+.1f}" for value in voxels)
    words = f"is shifted by {np.linalg.norm(moved):.1f} mm ({_towards(moved)}; {by} voxels along i, j, k)"
    return Difference("label_shifted", apart, words, numbers)


def _signed_permutation(
    label: Geometry, scan: Geometry
) -> tuple[tuple[int, ...], tuple[int, ...], npt.NDArray[Any] | None]:
    """Which axis of the scan each axis of the label runs along, which way, and the matrix between them; None where neither.

    One voxel of the label is one of the scan, in a direction of the scan: to within half a voxel over the whole length.
    """
    steps = np.linalg.solve(scan.affine[:3, :3], label.affine[:3, :3])
    order = tuple(int(axis) for axis in np.abs(steps).argmax(axis=0))
    if sorted(order) != [0, 1, 2]:
        return (0, 1, 2), (1, 1, 1), None
    signs = tuple(1 if steps[order[axis], axis] > 0 else -1 for axis in range(3))
    exact = np.zeros((3, 3))
    for axis in range(3):
        exact[order[axis], axis] = signs[axis]
    # A shift with a little rounding is a shift: the residue counts in millimetres over the whole volume.
    rest = scan.affine[:3, :3] @ (steps - exact)
    drift = np.linalg.norm(rest * np.asarray(label.shape), axis=0).max()
    return order, signs, steps if drift <= TOLERANCE_MM else None


def _fits(label: Geometry, scan: Geometry, order: tuple[int, ...], signs: tuple[int, ...]) -> bool:
    """Whether the label covers the scan's voxels, one by one, in another order."""
    if label.shape != tuple(scan.shape[axis] for axis in order):
        return False
    start = [0.0, 0.0, 0.0]
    for axis in range(3):
        start[order[axis]] = 0.0 if signs[axis] > 0 else scan.shape[order[axis]] - 1.0
    first = np.asarray(scan.point_of((start[0], start[1], start[2])))
    return bool(np.linalg.norm(first - label.affine[:3, 3]) <= TOLERANCE_MM)


def _turned(order: tuple[int, ...], signs: tuple[int, ...]) -> str:
    parts = []
    if order != (0, 1, 2):
        parts.append(f"in the order {', '.join(AXES[axis] for axis in order)} instead of i, j, k")
    backwards = [AXES[axis] for axis in range(3) if signs[axis] < 0]
    if backwards:
        parts.append(f"flipped along {' and '.join(backwards)}")
    return " and ".join(parts)


def _not_aligned(label: Geometry, scan: Geometry, apart: float) -> Difference:
    ours, theirs = _directions(label.affine), _directions(scan.affine)
    degrees = _degrees_between(ours, theirs)
    if degrees < 0.1:
        words = f"has voxels of {_mm(label)} where the scan's are {_mm(scan)}"
        if label.shape != scan.shape:
            words += f", {_shape(label)} of them where the scan has {_shape(scan)}"
        words += f"; {apart:.1f} mm apart at the worst corner"
        return Difference(
            "label_spacing", apart, words, {"mm": apart, "label_mm": label.spacing_mm, "scan_mm": scan.spacing_mm}
        )
    if label.shape != scan.shape:
        return _other_shape(label, scan, apart)
    words = f"is turned by {degrees:.1f}° against the scan, {apart:.1f} mm away at the worst corner"
    return Difference("label_rotated", apart, words, {"mm": apart, "degrees": round(degrees, 3)})


def _other_shape(label: Geometry, scan: Geometry, apart: float) -> Difference:
    words = f"has {_shape(label)} voxels and the scan {_shape(scan)}; their corners are up to {apart:.1f} mm apart"
    return Difference("label_shape", apart, words, {"mm": apart, "label": label.shape, "scan": scan.shape})


def _directions(affine: Affine) -> npt.NDArray[np.float64]:
    columns = affine[:3, :3]
    return columns / np.linalg.norm(columns, axis=0)


def _degrees_between(ours: npt.NDArray[np.float64], theirs: npt.NDArray[np.float64]) -> float:
    """The largest angle between an axis and its counterpart."""
    cosines = np.clip((ours * theirs).sum(axis=0), -1, 1)
    return float(np.rad2deg(np.arccos(cosines)).max())


def _corners_apart(label: Geometry, scan: Geometry) -> float:
    """The worst distance between the two boxes' corresponding corners."""

    def corners(grid: Geometry) -> npt.NDArray[np.float64]:
        sides = [(-0.5, side - 0.5) for side in grid.shape]
        points = np.array([(i, j, k, 1.0) for i in sides[0] for j in sides[1] for k in sides[2]])
        return np.asarray(points @ grid.affine.T)[:, :3]

    return float(np.linalg.norm(corners(label) - corners(scan), axis=1).max())


def _towards(moved: npt.NDArray[np.float64]) -> str:
    parts = [
        f"{abs(value):.1f} mm {SIDES[axis][int(value > 0)]}" for axis, value in enumerate(moved) if abs(value) >= 0.05
    ]
    return ", ".join(parts)


def _shape(grid: Geometry) -> str:
    return "×".join(map(str, grid.shape))


def _mm(grid: Geometry) -> str:
    return "×".join(f"{side:.2f}" for side in grid.spacing_mm) + " mm"
