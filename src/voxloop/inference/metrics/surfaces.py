"""Where the surface of a mask runs: a lattice of points, and how much of it each of them stands for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from voxloop.inference.metrics import elements

KINDS = ("elements", "voxels")


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """Points of a surface. `kind` has a number for each point of the lattice, 0 where no surface is; `weights` tells how much
    surface a point of that kind is, in mm² or in voxels.

    One byte a point, because an untrained network's noise has a surface nearly everywhere.
    """

    kind: npt.NDArray[np.uint8]
    weights: npt.NDArray[np.float64]

    def weight(self, on: npt.NDArray[np.bool_]) -> float:
        """How much of it lies at some points."""
        return float(np.bincount(self.kind[on], minlength=len(self.weights)) @ self.weights)


def surface_of(mask: npt.NDArray[np.bool_], matrix: npt.NDArray[np.float64], kind: str) -> Surface:
    """The surface of a mask; beyond the array there is nothing, so that it ends there."""
    return _elements(mask, matrix) if kind == "elements" else _voxels(mask)


def _elements(mask: npt.NDArray[np.bool_], matrix: npt.NDArray[np.float64]) -> Surface:
    """Between voxels, wherever not all or none of the eight around a point are in the mask."""
    kind = elements.codes(mask)
    kind[kind == elements.FULL] = 0
    return Surface(kind, elements.areas(matrix))


def _voxels(mask: npt.NDArray[np.bool_]) -> Surface:
    """The voxels of which one of the six neighbours is not in the mask, one as much as the other."""
    inner = mask.copy()
    for axis in range(3):
        here, there = np.moveaxis(inner, axis, 0), np.moveaxis(mask, axis, 0)
        here[1:] &= there[:-1]
        here[:-1] &= there[1:]
        here[[0, -1]] = False
    return Surface((mask & ~inner).view(np.uint8), np.array([0.0, 1.0]))
