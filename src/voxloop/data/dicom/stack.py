"""Slices in their order along the normal, and the grid that they make: straight, tilted, or with gaps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from voxloop.data.dicom.planes import Plane, Vector
from voxloop.data.geometry import Affine, Geometry
from voxloop.errors import VoxloopError

# DICOM's x runs to the left and y to the back, ours to the right and to the front; z is the same.
LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])

# Some scanners write positions to a tenth of a millimetre, which puts a slice this far beside its place.
EVEN_MM = 0.1
EVEN_SHARE = 0.05
# Rounded positions alone tilt a stack by less.
UPRIGHT_DEGREES = 0.1
MOST_JUMP = 2**16


@dataclass(frozen=True, slots=True, eq=False)
class Stack:
    """Slices sorted along their normal, the even grid nearest to them, and how well they lie on it.

    Slice n belongs at `origin + index[n] * step`; where an index is left out a slice is missing.
    """

    planes: tuple[Plane, ...]
    index: npt.NDArray[np.intp]
    origin: Vector
    step: Vector
    off_mm: npt.NDArray[np.float64]

    @property
    def along_mm(self) -> npt.NDArray[np.float64]:
        """The positions along the normal; for axial slices these are the heights z."""
        return np.array([plane.position for plane in self.planes]) @ self.planes[0].normal

    @property
    def step_mm(self) -> float:
        return float(np.linalg.norm(self.step))

    @property
    def missing(self) -> int:
        return int(self.index[-1] + 1 - len(self.planes))

    @property
    def tilt_degrees(self) -> float:
        """The angle between the way from slice to slice and the slices' normal: the tilt of a gantry."""
        cosine = float(self.step @ self.planes[0].normal) / self.step_mm
        return float(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))

    @property
    def uneven(self) -> bool:
        """Whether the spacing changes along the stack, or slices lie beside their line."""
        jumps = np.diff(self.index)
        # Gaps everywhere are no gaps but another spacing.
        many = (jumps > 1).sum() > max(1, len(jumps) // 4)
        return bool(many or self.off_mm.max() > max(EVEN_MM, EVEN_SHARE * self.step_mm))

    @property
    def in_line(self) -> bool:
        """Whether slices lie beside an even grid only along their stack."""
        positions = np.array([plane.position for plane in self.planes])
        share = (self.along_mm - self.along_mm[0]) / max(np.ptp(self.along_mm), 1e-9)
        line = positions[0] + share[:, None] * (positions[-1] - positions[0])
        return bool(np.linalg.norm(positions - line, axis=1).max() <= EVEN_MM)

    @property
    def mendable(self) -> bool:
        """Whether interpolation can make an even grid of what is there: more than is missing, in a line."""
        return self.in_line and self.missing <= len(self.planes)

    def geometry(self) -> Geometry:
        """The grid in RAS millimetres: i along a row, j down a column, k from slice to slice."""
        plane = self.planes[0]
        lps: Affine = np.eye(4)
        lps[:3, 0] = np.array(plane.along_row) * plane.pixel_mm[1]
        lps[:3, 1] = np.array(plane.along_column) * plane.pixel_mm[0]
        lps[:3, 2] = self.step
        lps[:3, 3] = self.origin
        return Geometry((plane.columns, plane.rows, int(self.index[-1]) + 1), LPS_TO_RAS @ lps)

    def wrong(self) -> str:
        """Why the slices are no even grid, and where; empty where they are one."""
        along = self.along_mm
        if self.uneven:
            steps = np.diff(along)
            worst = int(self.off_mm.argmax())
            return (
                f"the slices are not evenly spaced (from {steps.min():.2f} to {steps.max():.2f} mm apart, "
                f"furthest from an even grid at {along[worst]:.1f} mm along the stack)"
            )
        if self.missing:
            gaps = [
                f"{after - before - 1} between {along[at]:.1f} and {along[at + 1]:.1f} mm"
                for at, (before, after) in enumerate(zip(self.index, self.index[1:], strict=False))
                if after - before > 1
            ]
            more = f" and {len(gaps) - 3} more gaps" if len(gaps) > 3 else ""
            verb = "slice is" if self.missing == 1 else "slices are"
            return f"{self.missing} {verb} missing along the stack ({', '.join(gaps[:3])}{more})"
        return ""


def stack_of(planes: Sequence[Plane]) -> Stack:
    """Sorts slices by their positions, never by their numbers or names, and fits an even grid to them."""
    normal = planes[0].normal
    planes = tuple(sorted(planes, key=lambda plane: float(np.dot(plane.position, normal))))
    first = planes[0]
    positions = np.array([plane.position for plane in planes])
    if len(planes) == 1:
        step = normal * (first.between_mm or first.thickness_mm or 1.0)
        return Stack(planes, np.zeros(1, np.intp), positions[0], step, np.zeros(1))
    steps = np.diff(positions @ normal)
    usual = float(np.median(steps))
    if usual <= 0:
        raise VoxloopError(
            f"{first.file.name} and its series have several slices at one place; they are no single volume."
        )
    jumps = np.clip(np.rint(steps / usual), 1, MOST_JUMP)
    index = np.concatenate([[0], np.cumsum(jumps)]).astype(np.intp)
    step = (positions[-1] - positions[0]) / index[-1]
    off = np.linalg.norm(positions - positions[0] - index[:, None] * step, axis=1)
    return Stack(planes, index, positions[0], step, off)
