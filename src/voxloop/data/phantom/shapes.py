"""Bodies in space: ellipsoids, turned, bent and dented, as a rough distance to their surface in millimetres."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from voxloop.data.geometry import Geometry

Field = npt.NDArray[np.float32]
Vector = tuple[float, float, float]
# Slices of a voxel box that a shape can reach, and the millimetres of its voxels.
Box = tuple[slice, slice, slice]


@dataclass(frozen=True, slots=True)
class Wobble:
    """A few slow waves that move points about, so that no organ is a plain ellipsoid."""

    waves: npt.NDArray[np.float64]
    phases: npt.NDArray[np.float64]
    shifts: npt.NDArray[np.float64]

    @classmethod
    def draw(cls, rng: np.random.Generator, size_mm: float, wavelength_mm: float, count: int = 4) -> Wobble:
        directions = rng.normal(size=(count, 3))
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        lengths = wavelength_mm * rng.uniform(0.7, 1.6, (count, 1))
        shifts = rng.normal(size=(count, 3)) * size_mm / np.sqrt(count)
        return cls(directions * 2 * np.pi / lengths, rng.uniform(0, 2 * np.pi, count), shifts)

    def move(self, points: Field) -> Field:
        moved = points.copy()
        for wave, phase, shift in zip(self.waves, self.phases, self.shifts, strict=True):
            sway = np.sin(points @ wave.astype(np.float32) + np.float32(phase))
            moved += sway[..., None] * shift.astype(np.float32)
        return moved


@dataclass(frozen=True, slots=True)
class Ellipsoid:
    """Centre, half axes and turn, in RAS millimetres; `bend` curves it along its long axis as a bean is curved."""

    centre: Vector
    radii: Vector
    turn: npt.NDArray[np.float64] | None = None
    wobble: Wobble | None = None
    bend: float = 0.0

    def distance(self, points: Field) -> Field:
        """Below zero inside; near the surface about millimetres, farther away only monotonic."""
        local = points if self.wobble is None else self.wobble.move(points)
        local = local - np.asarray(self.centre, np.float32)
        if self.turn is not None:
            local = local @ self.turn.astype(np.float32)
        if self.bend:
            local[..., 0] += np.float32(self.bend) * local[..., 2] ** 2
        scaled = local / np.asarray(self.radii, np.float32)
        reach = np.sqrt(np.einsum("...i,...i->...", scaled, scaled))
        out: Field = (reach - 1) * np.float32(min(self.radii))
        return out

    def box(self, geometry: Geometry, margin_mm: float) -> Box | None:
        """The voxels that the shape can reach, or None where it misses the volume."""
        reach = max(self.radii) + margin_mm + abs(self.bend) * max(self.radii) ** 2
        if self.wobble is not None:
            reach += float(np.abs(self.wobble.shifts).sum())
        low = np.asarray(self.centre) - (
            reach if self.turn is not None or self.bend else np.asarray(self.radii) + reach - max(self.radii)
        )
        high = 2 * np.asarray(self.centre) - low
        corners = np.array(
            [(x, y, z, 1.0) for x in (low[0], high[0]) for y in (low[1], high[1]) for z in (low[2], high[2])]
        )
        index = corners @ np.linalg.inv(geometry.affine).T[:, :3]
        first = np.maximum(np.floor(index.min(axis=0)), 0).astype(int)
        last = np.minimum(np.ceil(index.max(axis=0)) + 1, geometry.shape).astype(int)
        if (first >= last).any():
            return None
        return slice(first[0], last[0]), slice(first[1], last[1]), slice(first[2], last[2])


def points_of(geometry: Geometry, box: Box) -> Field:
    """The millimetres of each voxel centre in a box."""
    i, j, k = (np.arange(one.start, one.stop, dtype=np.float32) for one in box)
    columns = geometry.affine.astype(np.float32)
    along = (
        i[:, None, None, None] * columns[:3, 0]
        + j[None, :, None, None] * columns[:3, 1]
        + k[None, None, :, None] * columns[:3, 2]
    )
    out: Field = along + columns[:3, 3]
    return out


def turn(rng: np.random.Generator, degrees: float) -> npt.NDArray[np.float64]:
    """A random rotation of about so many degrees on each axis."""
    x, y, z = np.deg2rad(rng.normal(0, degrees, 3))
    about_x = np.array([[1, 0, 0], [0, np.cos(x), -np.sin(x)], [0, np.sin(x), np.cos(x)]])
    about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    about_z = np.array([[np.cos(z), -np.sin(z), 0], [np.sin(z), np.cos(z), 0], [0, 0, 1]])
    return np.asarray(about_x @ about_y @ about_z)
