"""One channel of a scan, added up slab by slab: its spread, its digest, what is no number, and a lattice of samples."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from voxloop.data.check.facts import PERCENTILES, Channel, Spread
from voxloop.data.check.slabs import Slab
from voxloop.data.geometry import Index

# The lattice has at most so many points along each side.
LATTICE = 48
Samples = npt.NDArray[np.float32]


def steps_of(shape: Index) -> Index:
    """The distance in voxels between the points of the lattice."""
    i, j, k = (max(1, -(-side // LATTICE)) for side in shape)
    return i, j, k


@dataclass(slots=True)
class Intensities:
    """Whole numbers of 16 bits, as nearly all scans are, are counted exactly; others are spread by the lattice's samples."""

    shape: Index
    counts: npt.NDArray[np.int64] | None = field(default_factory=lambda: np.zeros(1 << 16, np.int64))
    digest: Any = field(default_factory=hashlib.sha256)
    lattice: list[Samples] = field(default_factory=list)
    number: int = 0
    total: float = 0.0
    squares: float = 0.0
    least: float = np.inf
    most: float = -np.inf
    not_finite: int = 0
    not_finite_at: Index | None = None

    def add(self, slab: Slab) -> None:
        values = plain(slab.values)
        if values.dtype.kind == "f":
            values = self._finite(slab, values)
        self.number += values.size
        if values.dtype == np.int16:
            self._count(values)
        else:
            self.counts = None
        self._sum(values)
        self._sample(slab)
        per_plane = self.shape[0] * self.shape[1]
        for plane in range(slab.planes):
            part = plain(slab.values[plane * per_plane : (plane + 1) * per_plane])
            self.digest.update(part.dtype.str.encode())
            self.digest.update(np.ascontiguousarray(part).data)

    def _finite(self, slab: Slab, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        good = np.isfinite(values)
        if good.all():
            return values
        bad = np.flatnonzero(~good)
        self.not_finite += bad.size
        if self.not_finite_at is None:
            self.not_finite_at = place(int(bad[0]), slab, self.shape)
        return values[good]

    def _count(self, values: npt.NDArray[Any]) -> None:
        if self.counts is not None:
            self.counts += np.bincount(values.view(np.uint16), minlength=1 << 16)

    def _sum(self, values: npt.NDArray[Any]) -> None:
        if values.size == 0:
            return
        self.least, self.most = min(self.least, float(values.min())), max(self.most, float(values.max()))
        if self.counts is None or values.dtype != np.int16:
            exact = values.astype(np.float64)
            with np.errstate(over="ignore"):
                self.total += float(exact.sum())
                self.squares += float((exact * exact).sum())

    def _sample(self, slab: Slab) -> None:
        ni, nj, _ = self.shape
        i, j, k = steps_of(self.shape)
        start = -slab.first % k
        if start < slab.planes:
            block = slab.values.reshape(slab.planes, nj, ni)[start::k, ::j, ::i]
            with np.errstate(over="ignore"):
                self.lattice.append(block.astype(np.float32))

    def samples(self) -> Samples:
        """The lattice as [i, j, k]."""
        return np.concatenate(self.lattice).transpose(2, 1, 0)

    def channel(self, background: float | None) -> Channel:
        """The facts; `background` is the value outside of the patient, where there is one."""
        samples = self.samples().ravel()
        samples = samples[np.isfinite(samples)]
        values, weights = self._histogram(samples)
        inside = values != background if background is not None else np.ones(values.shape, bool)
        all_of = self._exact(spread(values, weights))
        share = max(1, int(weights.sum()))

        def part(where: npt.NDArray[np.bool_]) -> float:
            return float(weights[where].sum() / share)

        at = (part(values == all_of.least), part(values == all_of.most)) if all_of is not None else (0.0, 0.0)
        bag = hashlib.sha256(str(sorted(self.shape)).encode())
        if self.counts is not None:
            bag.update(self.counts.data)
        shown = hashlib.sha256(str(self.shape).encode() + self.digest.digest()).hexdigest()
        return Channel(
            all=all_of,
            foreground=spread(values[inside], weights[inside]),
            digest=shown,
            bag=bag.hexdigest() if self.counts is not None and self.most > self.least else "",
            not_finite=self.not_finite,
            not_finite_at=self.not_finite_at,
            zero=part(values == 0),
            below_padding=part(values < -1500),
            below_air=part(values < -500),
            at_least=at[0],
            at_most=at[1],
        )

    def _histogram(self, samples: Samples) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
        """Values in ascending order and how many voxels have each."""
        if self.counts is None:
            values, weights = np.unique(samples.astype(np.float64), return_counts=True)
            return values, weights.astype(np.int64)
        there = np.flatnonzero(self.counts)
        values = there.astype(np.uint16).view(np.int16).astype(np.float64)
        order = np.argsort(values)
        return values[order], self.counts[there][order]

    def _exact(self, sampled: Spread | None) -> Spread | None:
        """Mean, spread and range over all voxels, where the percentiles are of samples."""
        if sampled is None or self.counts is not None or self.number == 0:
            return sampled
        mean = self.total / self.number
        variance = max(0.0, self.squares / self.number - mean**2)
        return Spread(self.number, mean, variance**0.5, self.least, self.most, sampled.percentiles)


def spread(values: npt.NDArray[np.float64], weights: npt.NDArray[np.int64] | None = None) -> Spread | None:
    """Of values in ascending order, each so many times; None of nothing."""
    if values.size == 0:
        return None
    times = np.ones(values.size, np.int64) if weights is None else weights
    total = int(times.sum())
    mean = float((values * times).sum() / total)
    std = float(np.sqrt((times * (values - mean) ** 2).sum() / total))
    reached = np.cumsum(times)
    at = np.searchsorted(reached, np.asarray(PERCENTILES) / 100 * (total - 1), side="right")
    percentiles = tuple(values[np.minimum(at, values.size - 1)].tolist())
    return Spread(total, mean, std, float(values[0]), float(values[-1]), percentiles)


def plain(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The same values in the smallest of int16, int32 and float32 that holds them: how they are stored says nothing."""
    if values.dtype == np.int16:
        return values
    if values.size == 0:
        return values.astype(np.int16)
    if values.dtype.kind == "f":
        least, most = values.min(), values.max()
        # A comparison with NaN is false, and so a slab with any stays as it is.
        whole = least >= -(2**31) and most < 2**31 and bool((np.rint(values) == values).all())
        if not whole:
            with np.errstate(over="ignore"):
                return values.astype(np.float32)
    least, most = values.min(), values.max()
    if least >= -(2**15) and most < 2**15:
        return values.astype(np.int16)
    if least >= -(2**31) and most < 2**31:
        return values.astype(np.int32)
    return values.astype(np.float32)


def place(at: int, slab: Slab, shape: Index) -> Index:
    """The voxel of a position in a slab's row."""
    ni, nj, _ = shape
    return at % ni, at // ni % nj, slab.first + at // (ni * nj)
