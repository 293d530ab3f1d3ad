"""Where voxels are in the patient. Axes are RAS millimetres: +x right, +y anterior, +z superior."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Affine = npt.NDArray[np.float64]
Point = tuple[float, float, float]
Index = tuple[int, int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Geometry:
    """Shape, and a 4×4 affine from voxel index to RAS millimetres.

    >>> Geometry((512, 512, 90), np.diag([-0.8, 0.8, 5.0, 1.0]))
    Geometry(512×512×90, 0.80×0.80×5.00 mm, LAS)
    """

    shape: Index
    affine: Affine

    @property
    def spacing_mm(self) -> Point:
        """The distance between voxel centres along each axis."""
        x, y, z = np.linalg.norm(self.affine[:3, :3], axis=0).tolist()
        return x, y, z

    @property
    def orientation(self) -> str:
        """Where each axis points, to the nearest: `LAS` runs to the left, to the front, upwards."""
        from nibabel.orientations import aff2axcodes

        return "".join(code or "?" for code in aff2axcodes(self.affine))

    @property
    def voxel_ml(self) -> float:
        """The volume of one voxel in millilitres."""
        return abs(float(np.linalg.det(self.affine[:3, :3]))) / 1000.0

    def point_of(self, index: Point) -> Point:
        """The millimetres of a voxel's centre."""
        x, y, z = (self.affine @ (*index, 1.0))[:3].tolist()
        return x, y, z

    def voxel_of(self, point_mm: Point) -> Index:
        """The voxel that a point lies in; it may be outside the volume."""
        exact = (np.linalg.inv(self.affine) @ (*point_mm, 1.0))[:3]
        i, j, k = np.floor(exact + 0.5).astype(int).tolist()
        return i, j, k

    def contains(self, index: Index) -> bool:
        return all(0 <= at < size for at, size in zip(index, self.shape, strict=True))

    def distance_mm(self, other: Geometry) -> float:
        """How far apart the same voxel lies in both, at the corner where it is worst."""
        corners = np.array(
            [(i, j, k, 1) for i in (0, self.shape[0]) for j in (0, self.shape[1]) for k in (0, self.shape[2])]
        )
        return float(np.linalg.norm(corners @ (self.affine - other.affine).T, axis=1).max())

    def same_as(self, other: Geometry, tolerance_mm: float = 0.1) -> bool:
        """Whether both put every voxel in the same place."""
        return self.shape == other.shape and self.distance_mm(other) <= tolerance_mm

    def __repr__(self) -> str:
        shape = "×".join(map(str, self.shape))
        spacing = "×".join(f"{side:.2f}" for side in self.spacing_mm)
        return f"Geometry({shape}, {spacing} mm, {self.orientation})"
