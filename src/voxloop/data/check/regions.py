"""A label added up slab by slab: volumes, boxes, borders, pieces, what touches what, and the intensities under each class."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from voxloop.data.check.facts import Class, Odd, Spread
from voxloop.data.check.intensities import place, spread
from voxloop.data.check.slabs import Slab
from voxloop.data.geometry import Index

# Pieces are counted on a grid of at most so many cells along each side.
CELLS = 128
# Of the intensities under a class, percentiles are made from about this many.
SAMPLES = 20_000
# Neighbours are counted where the classes are few.
MOST_NEIGHBOURS = 16
Ints = npt.NDArray[np.int64]
FACES = (("i", "first"), ("i", "last")), (("j", "first"), ("j", "last")), (("k", "first"), ("k", "last"))


@dataclass(slots=True)
class _Region:
    """One class while it is added up."""

    voxels: int = 0
    first: Index | None = None
    low: Ints = field(default_factory=lambda: np.full(3, np.iinfo(np.int64).max))
    high: Ints = field(default_factory=lambda: np.full(3, -1))
    cells: list[tuple[Ints, Ints]] = field(default_factory=list)
    under: dict[int, _Under] = field(default_factory=dict)


@dataclass(slots=True)
class _Under:
    """Intensities of one channel under one class: sums of all, and every n-th as a sample."""

    every: int = 1
    seen: int = 0
    parts: list[npt.NDArray[np.float64]] = field(default_factory=list)
    number: int = 0
    total: float = 0.0
    squares: float = 0.0
    least: float = np.inf
    most: float = -np.inf

    def add(self, values: npt.NDArray[Any]) -> None:
        exact = values.astype(np.float64)
        exact = exact[np.isfinite(exact)]
        if exact.size == 0:
            return
        self.number += exact.size
        self.total += float(exact.sum())
        self.squares += float((exact * exact).sum())
        self.least, self.most = min(self.least, float(exact.min())), max(self.most, float(exact.max()))
        self.parts.append(exact[-self.seen % self.every :: self.every])
        self.seen += exact.size
        while sum(part.size for part in self.parts) > 2 * SAMPLES:
            self.parts, self.every = [np.concatenate(self.parts)[::2]], self.every * 2

    def spread(self) -> Spread | None:
        sampled = spread(np.sort(np.concatenate(self.parts))) if self.parts else None
        if sampled is None:
            return None
        mean = self.total / self.number
        std = max(0.0, self.squares / self.number - mean**2) ** 0.5
        return Spread(self.number, mean, std, self.least, self.most, sampled.percentiles)


@dataclass(slots=True)
class Regions:
    """Classes are only believed where all values are whole numbers; the odd ones are counted."""

    shape: Index
    regions: dict[int, _Region] = field(default_factory=dict)
    odd: dict[str, Odd] = field(default_factory=dict)
    contacts: Ints = field(default_factory=lambda: np.zeros((MOST_NEIGHBOURS, MOST_NEIGHBOURS), np.int64))
    lattice: list[npt.NDArray[Any]] = field(default_factory=list)
    before: npt.NDArray[Any] | None = None
    where: Any = field(default_factory=hashlib.sha256)
    what: Any = field(default_factory=hashlib.sha256)

    def add(self, slab: Slab, neighbours: bool) -> tuple[Ints, Ints]:
        """Adds planes of the label; answers where it is not background, and with which class, both in the order of classes."""
        at = nonzero(slab.values)
        values = slab.values[at]
        start = slab.first * self.shape[0] * self.shape[1]
        self.where.update((at + start).data)
        self.what.update(np.ascontiguousarray(values, np.float64).data)
        classes = self._whole(slab, at, values)
        if neighbours:
            self._neighbours(slab, at)
        order = np.argsort(classes, kind="stable")
        at, classes = at[order], classes[order]
        self._measure(slab, at, classes)
        return at, classes

    def _whole(self, slab: Slab, at: Ints, values: npt.NDArray[Any]) -> Ints:
        """The values as whole numbers; those that are none become class 0."""
        if values.dtype.kind == "f":
            finite = np.isfinite(values)
            self._odd("not_finite", slab, at, values, ~finite)
            values = np.where(finite, values, 0)
            fractions = np.abs(values - np.rint(values)) > 1e-3
            self._odd("fractions", slab, at, values, fractions)
            values = np.where(fractions, 0, np.clip(np.rint(values), -(2**31), 2**31))
        elif values.dtype.kind == "u" and values.dtype.itemsize == 8:
            values = np.minimum(values, 2**31)
        classes = values.astype(np.int64)
        self._odd("negative", slab, at, classes, classes < 0)
        self._odd("too_large", slab, at, classes, classes > 255)
        return np.where((classes < 0) | (classes > 255), 0, classes)

    def _odd(self, name: str, slab: Slab, at: Ints, values: npt.NDArray[Any], which: npt.NDArray[np.bool_]) -> None:
        if not which.any():
            return
        first = int(np.flatnonzero(which)[0])
        known = self.odd.get(name)
        count = int(which.sum()) + (known.count if known is not None else 0)
        example = float(values[first]) if np.isfinite(values[first]) else 0.0
        self.odd[name] = Odd(
            count,
            known.at if known is not None else place(int(at[first]), slab, self.shape),
            known.example if known is not None else example,
        )

    def _measure(self, slab: Slab, at: Ints, classes: Ints) -> None:
        ni, nj, _ = self.shape
        if classes.size == 0:
            return
        numbers, starts = np.unique(classes, return_index=True)
        index = np.stack([at % ni, at // ni % nj, slab.first + at // (ni * nj)])
        low = np.minimum.reduceat(index, starts, axis=1)
        high = np.maximum.reduceat(index, starts, axis=1)
        sizes = [max(1, -(-side // CELLS)) for side in self.shape]
        cells = (index[0] // sizes[0] * CELLS + index[1] // sizes[1]) * CELLS + index[2] // sizes[2]
        ends = [*starts[1:].tolist(), classes.size]
        for number, (value, start, end) in enumerate(zip(numbers.tolist(), starts.tolist(), ends, strict=True)):
            if value == 0:
                continue
            region = self.regions.setdefault(value, _Region())
            region.voxels += end - start
            if region.first is None:
                region.first = place(int(at[start]), slab, self.shape)
            region.low = np.minimum(region.low, low[:, number])
            region.high = np.maximum(region.high, high[:, number])
            occupied, count = np.unique(cells[start:end], return_counts=True)
            region.cells.append((occupied, count))

    def under(self, channel: int, intensities: npt.NDArray[Any], at: Ints, classes: Ints) -> None:
        """Intensities of the same planes of a scan, at the places that `add` answered with."""
        if classes.size == 0:
            return
        numbers, starts = np.unique(classes, return_index=True)
        ends = [*starts[1:].tolist(), classes.size]
        for value, start, end in zip(numbers.tolist(), starts.tolist(), ends, strict=True):
            if value:
                self.regions[value].under.setdefault(channel, _Under()).add(intensities[at[start:end]])

    def _neighbours(self, slab: Slab, at: Ints) -> None:
        """How many faces each class shares with each other one, background included."""
        ni, nj, _ = self.shape
        planes = slab.values.reshape(slab.planes, nj, ni)
        before, self.before = self.before, planes[-1]
        if at.size and (slab.values[at].max() >= MOST_NEIGHBOURS or slab.values[at].min() < 0):
            return
        pairs = [] if before is None else [(before, planes[0])]
        if at.size:
            j, k = at // ni % nj, at // (ni * nj)
            i = at % ni
            box = planes[
                max(0, k.min() - 1) : k.max() + 2, max(0, j.min() - 1) : j.max() + 2, max(0, i.min() - 1) : i.max() + 2
            ]
            pairs += [(box[:-1], box[1:]), (box[:, :-1], box[:, 1:]), (box[:, :, :-1], box[:, :, 1:])]
        for one, other in pairs:
            apart = one != other
            a, b = one[apart].astype(np.int64), other[apart].astype(np.int64)
            if a.size and max(a.max(), b.max()) < MOST_NEIGHBOURS and min(a.min(), b.min()) >= 0:
                counts = np.bincount(a * MOST_NEIGHBOURS + b, minlength=MOST_NEIGHBOURS**2)
                self.contacts += counts.reshape(MOST_NEIGHBOURS, MOST_NEIGHBOURS)

    def digest(self) -> str:
        return hashlib.sha256(str(self.shape).encode() + self.where.digest() + self.what.digest()).hexdigest()

    def touching(self) -> tuple[tuple[int, int, int], ...]:
        both = np.triu(self.contacts + self.contacts.T, 1)
        return tuple((int(a), int(b), int(both[a, b])) for a, b in zip(*np.nonzero(both), strict=True))

    def classes(self, channels: int) -> tuple[Class, ...]:
        return tuple(self._class(value, self.regions[value], channels) for value in sorted(self.regions))

    def _class(self, value: int, region: _Region, channels: int) -> Class:
        assert region.first is not None, "a class has a voxel"
        low, high = region.low.tolist(), region.high.tolist()
        faces = [
            " ".join(FACES[axis][end])
            for axis in range(3)
            for end, at in ((0, low[axis] == 0), (1, high[axis] == self.shape[axis] - 1))
            if at and self.shape[axis] > 1
        ]
        pieces, specks, speck = self._pieces(region)
        spreads = [region.under[channel].spread() for channel in range(channels) if channel in region.under]
        return Class(
            value,
            region.voxels,
            region.first,
            (low[0], low[1], low[2]),
            (high[0], high[1], high[2]),
            tuple(faces),
            pieces,
            specks,
            speck,
            tuple(one for one in spreads if one is not None),
        )

    def _pieces(self, region: _Region) -> tuple[int, int, Index | None]:
        """Connected pieces on the coarse grid; specks are those with less than a thousandth of the class."""
        from scipy.ndimage import label, sum_labels

        cells = np.concatenate([one for one, _ in region.cells])
        counts = np.concatenate([count for _, count in region.cells])
        index = np.stack([cells // CELLS**2, cells // CELLS % CELLS, cells % CELLS])
        low = index.min(axis=1)
        box = np.zeros(index.max(axis=1) - low + 1, np.int64)
        np.add.at(box, tuple(index - low[:, None]), counts)
        named, pieces = label(box > 0, np.ones((3, 3, 3)))
        if pieces == 1:
            return 1, 0, None
        sizes = np.asarray(sum_labels(box, named, np.arange(1, pieces + 1)))
        small = np.flatnonzero(sizes < max(2.0, region.voxels / 1000))
        if small.size == 0:
            return pieces, 0, None
        cell = np.argwhere(named == small[0] + 1)[0] + low
        at = [int(c) * max(1, -(-side // CELLS)) for c, side in zip(cell, self.shape, strict=True)]
        return pieces, int(small.size), (at[0], at[1], at[2])


def nonzero(values: npt.NDArray[Any]) -> Ints:
    """Where a row is not zero. Labels are mostly zero: one byte a voxel is looked through eight at a time."""
    if values.dtype.itemsize != 1 or values.size < 64:
        return np.flatnonzero(values)
    whole = values.size // 8 * 8
    blocks = np.flatnonzero(np.ascontiguousarray(values[:whole]).view(np.uint64))
    near = (blocks[:, None] * 8 + np.arange(8)).ravel()
    near = np.concatenate([near, np.arange(whole, values.size)])
    found: Ints = near[values[near] != 0]
    return found
