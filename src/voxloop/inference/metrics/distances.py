"""How far two surfaces are from each other: the worst, all but the worst twentieth, the mean, and how much is near enough."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from voxloop.data.geometry import Geometry
from voxloop.inference.metrics.nearest import nearest_mm
from voxloop.inference.metrics.surfaces import Surface, surface_of

# Headers keep spacings in single precision, so that five voxels of 0.8 mm may be a little over 4 mm; no scan resolves this.
_HAIR_MM = 1e-4
# Shares of an area are sums of thousands of terms; which twentieth of it is the last must not depend on their order.
_HAIR = 1e-9


# Of how many distances only those of one bin are sorted.
_BINS = 4096


@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """How much of one surface lies how far from the other: what they have in common, and each other point by its kind.

    Nothing is sorted as a whole, because noise has as many points as the scan has voxels.
    """

    common: float
    mm: npt.NDArray[np.float64]
    kind: npt.NDArray[np.uint8]
    weights: npt.NDArray[np.float64]

    @property
    def total(self) -> float:
        return self.common + self._amount(self.kind)

    @property
    def moment(self) -> float:
        return float(np.bincount(self.kind, weights=self.mm, minlength=len(self.weights)) @ self.weights)

    @property
    def farthest(self) -> float:
        return float(self.mm.max(initial=0.0))

    def within(self, tolerance_mm: float) -> float:
        """How much of the surface is at most this far away."""
        return self.common + self._amount(self.kind[self.mm <= tolerance_mm + _HAIR_MM])

    def reach(self, share: float) -> float:
        """The shortest distance within which a share of the area lies, as Nikolov et al. (2018) have it."""
        least = share * self.total * (1 - _HAIR) - self.common
        if least <= 0:
            return 0.0
        bins = np.minimum(self.mm * (_BINS / self.farthest), _BINS - 1).astype(np.uint16)
        filled = np.cumsum(np.bincount(bins, weights=self.weights[self.kind], minlength=_BINS))
        at = min(int(np.searchsorted(filled, least)), int(bins.max()))
        here = bins == at
        mm, weights = self.mm[here], self.weights[self.kind[here]]
        order = np.argsort(mm)
        before = filled[at - 1] if at else 0.0
        last = int(np.searchsorted(np.cumsum(weights[order]), least - before))
        return float(mm[order[min(last, len(mm) - 1)]])

    def quantile(self, share: float) -> float:
        """A quantile over voxels, between two of them in proportion, as NumPy and MONAI have it."""
        rank = share * (self.total - 1) - self.common
        low, high = (self._ranked(int(at)) for at in (np.floor(rank), np.ceil(rank)))
        return low + (high - low) * (rank % 1)

    def _ranked(self, rank: int) -> float:
        return float(np.partition(self.mm, rank)[rank]) if rank >= 0 else 0.0

    def _amount(self, kind: npt.NDArray[np.uint8]) -> float:
        return float(np.bincount(kind, minlength=len(self.weights)) @ self.weights)


def spread(surface: Surface, other: Surface, matrix: npt.NDArray[np.float64]) -> Spread:
    """How far each point of one surface is from the other one; neither may be empty."""
    here, there = surface.kind != 0, other.kind != 0
    # In common they have most of it, often; nobody is asked for a distance of 0.
    common = surface.weight(here & there)
    here &= ~there
    places = np.flatnonzero(here)
    return Spread(common, nearest_mm(places, there, matrix), surface.kind[here], surface.weights)


def surface_figures(
    truth: npt.NDArray[np.bool_],
    predicted: npt.NDArray[np.bool_],
    geometry: Geometry,
    kind: str,
    tolerance_mm: float,
) -> dict[str, float]:
    """All metrics that know of surfaces. The masks may be a part of the scan, as long as it holds all of both."""
    if not (truth.any() and predicted.any()):
        both_empty = not (truth.any() or predicted.any())
        far = 0.0 if both_empty else diagonal_mm(geometry)
        return {"nsd": float(both_empty), "hd95_mm": far, "hd_mm": far, "assd_mm": far}
    matrix = geometry.affine[:3, :3]
    one, other = (surface_of(mask, matrix, kind) for mask in (truth, predicted))
    spreads = (spread(one, other, matrix), spread(other, one, matrix))
    total = sum(each.total for each in spreads)
    return {
        "nsd": sum(each.within(tolerance_mm) for each in spreads) / total,
        "hd95_mm": max(each.reach(0.95) if kind == "elements" else each.quantile(0.95) for each in spreads),
        "hd_mm": max(each.farthest for each in spreads),
        "assd_mm": sum(each.moment for each in spreads) / total,
    }


def diagonal_mm(geometry: Geometry) -> float:
    """The longest line within a scan, from corner to corner."""
    sides = geometry.affine[:3, :3] * geometry.shape
    signs = np.array([(1, 1, 1), (1, 1, -1), (1, -1, 1), (-1, 1, 1)])
    return float(np.linalg.norm(signs @ sides.T, axis=1).max())
