"""Frames of a segmentation on a scan's grid: laid on its voxels as they are, or carried over from a grid of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from voxloop.data.dicom.planes import Plane
from voxloop.data.dicom.stack import LPS_TO_RAS
from voxloop.data.geometry import Affine, Geometry
from voxloop.data.grid import labels_on_grid
from voxloop.errors import VoxloopError

# How far the corners of a frame may lie beside voxel centres of the scan, in voxels, to be laid on them as it is.
ON_GRID = 0.2
# Of a step from slice to slice: less is the rounding of headers.
SAME_STEP = 0.1
MOST_VOXELS = 2**32

Volume = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Laid:
    """A frame on the scan's voxels: its columns and rows run along two axes of the scan, one way or the other."""

    axes: tuple[int, int, int]
    start: tuple[int, int, int]
    backwards: tuple[bool, bool]


@dataclass(frozen=True, slots=True, eq=False)
class Placement:
    """Where frames go: on the scan's own voxels (`laid`), or into a grid of their own that is carried over at the end."""

    scan: Geometry
    own: Geometry | None
    heights: tuple[int, ...]
    laid: tuple[Laid, ...]
    said: tuple[str, ...]

    def empty(self) -> Volume:
        # Slices lie together in memory, for they are written one by one.
        return np.zeros((self.own or self.scan).shape, np.uint8, order="F")

    def put(self, volume: Volume, at: int, codes: Volume) -> int:
        """Adds a frame [row, column] to a volume; answers how many of its pixels lie beyond it."""
        if self.own:
            layer = volume[:, :, self.heights[at]]
            np.maximum(layer, codes.T, out=layer)
            return 0
        laid = self.laid[at]
        turned = np.moveaxis(volume, laid.axes, (0, 1, 2))
        if not 0 <= laid.start[2] < turned.shape[2]:
            return int(np.count_nonzero(codes))
        kept, columns = _span(codes.T, laid.start[0], laid.backwards[0], turned.shape[0])
        kept, rows = _span(kept.T, laid.start[1], laid.backwards[1], turned.shape[1])
        layer = turned[columns, rows, laid.start[2]]
        np.maximum(layer, kept.T, out=layer)
        return int(np.count_nonzero(codes)) - int(np.count_nonzero(kept))

    def on_scan(self, volume: Volume) -> Volume:
        return labels_on_grid(volume, self.own.affine, self.scan) if self.own else volume


def placement_of(name: str, planes: Sequence[Plane], scan: Geometry) -> Placement:
    """Decides how frames come onto the scan; refuses those that lie on no even grid and not on the scan's voxels either."""
    laid = [_laid(plane, scan) for plane in planes]
    on_scan = [one for one in laid if one is not None]
    step = _step(planes)
    if len(on_scan) == len(laid) and _fits(step, on_scan[0], scan):
        return Placement(scan, None, (), tuple(on_scan), ())
    own, heights = _own_grid(name, planes, step)
    said = (
        f"{name} lies on a grid of its own ({own!r}) and was carried to the scan's ({scan!r}), "
        "where each voxel takes the segment that its centre lies in."
    )
    return Placement(scan, own, heights, (), (said,))


def _affine(plane: Plane, step: npt.NDArray[np.float64]) -> Affine:
    lps = np.eye(4)
    lps[:3, 0] = np.array(plane.along_row) * plane.pixel_mm[1]
    lps[:3, 1] = np.array(plane.along_column) * plane.pixel_mm[0]
    lps[:3, 2] = step
    lps[:3, 3] = plane.position
    return LPS_TO_RAS @ lps


def _laid(plane: Plane, scan: Geometry) -> Laid | None:
    """Where a frame lies on the scan's voxels, or None where it lies between them or at an angle."""
    exact = np.linalg.inv(scan.affine) @ _affine(plane, plane.normal)
    turn, origin = np.rint(exact[:3, :2]), np.rint(exact[:3, 3])
    if (np.abs(turn).sum(axis=0) != 1).any() or np.abs(turn).sum(axis=1).max() != 1:
        return None
    corners = np.array([(i, j, 1) for i in (0, plane.columns - 1) for j in (0, plane.rows - 1)])
    off = corners @ (exact[:3, [0, 1, 3]] - np.column_stack([turn, origin])).T
    if np.abs(off).max() > ON_GRID:
        return None
    one, two = int(np.abs(turn[:, 0]).argmax()), int(np.abs(turn[:, 1]).argmax())
    across = 3 - one - two
    return Laid(
        (one, two, across),
        (int(origin[one]), int(origin[two]), int(origin[across])),
        (bool(turn[one, 0] < 0), bool(turn[two, 1] < 0)),
    )


def _span(codes: Volume, start: int, backwards: bool, side: int) -> tuple[Volume, slice]:
    """What of a frame's first axis lies within a side of the scan, and where, when it begins there and may run backwards."""
    if backwards:
        codes, start = codes[::-1], start - len(codes) + 1
    low, high = max(0, -start), max(0, min(len(codes), side - start))
    return codes[low:high], slice(start + low, max(start + low, start + high))


def _step(planes: Sequence[Plane]) -> float:
    """The distance between frames: as said, else the smallest there is; 0 where neither tells.

    Frames without a voxel are usually left out, so that the distances between those that are there may be several steps.
    """
    first = planes[0]
    along = np.unique(np.round([np.dot(plane.position, first.normal) for plane in planes], 3))
    least = float(np.diff(along).min()) if len(along) > 1 else 0.0
    if first.between_mm:
        return first.between_mm
    return min(least, first.thickness_mm) if least and first.thickness_mm else least or first.thickness_mm


def _fits(step: float, laid: Laid, scan: Geometry) -> bool:
    """Whether frames are as far apart as the scan's slices: along its axis, or, where a gantry was tilted, across the slices."""
    one, two, axis = (scan.affine[:3, axis] for axis in laid.axes)
    normal = np.cross(one, two)
    across = float(abs(axis @ normal) / np.linalg.norm(normal))
    along = scan.spacing_mm[laid.axes[2]]
    return step == 0 or any(abs(step - distance) <= SAME_STEP * distance for distance in (along, across))


def _own_grid(name: str, planes: Sequence[Plane], step: float) -> tuple[Geometry, tuple[int, ...]]:
    """The even grid that frames lie on, and the slice of each."""
    first = min(planes, key=lambda plane: float(np.dot(plane.position, planes[0].normal)))
    for plane in planes:
        turned = np.abs(np.array(plane.along_row + plane.along_column) - (first.along_row + first.along_column)).max()
        if plane.pixel_mm != first.pixel_mm or turned > 1e-3:
            raise VoxloopError(
                f"{name} has frames of different orientation or spacing, and they do not lie on the scan's voxels; "
                "export it on the scan's own grid."
            )
    positions = np.array([plane.position for plane in planes]) - first.position
    along = positions @ first.normal
    step = step or 1.0
    heights = np.rint(along / step)
    depth = int(heights.max()) + 1
    last = int(along.argmax())
    vector = positions[last] / heights[last] if heights[last] else first.normal * step
    off = np.linalg.norm(positions - heights[:, None] * vector, axis=1).max()
    if off > max(0.1, ON_GRID * step) or depth * first.rows * first.columns > MOST_VOXELS:
        raise VoxloopError(
            f"{name} has frames that lie neither on the scan's voxels nor evenly spaced ({off:.1f} mm beside their places); "
            "export it on the scan's own grid."
        )
    return Geometry((first.columns, first.rows, depth), _affine(first, vector)), tuple(heights.astype(int).tolist())
