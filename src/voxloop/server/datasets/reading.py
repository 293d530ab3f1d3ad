"""A scan read front to back in bounded memory: for one cut and its range, or onto disk, where any cut is then at hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from voxloop.data.check.slabs import Slab, bomb_in, slabs
from voxloop.data.pictures.drawing import Range, usual
from voxloop.data.pictures.planes import cut_shape
from voxloop.data.scans import Scan, as_labels, open_scan
from voxloop.data.whole import whole
from voxloop.errors import VoxloopError

# Every so many voxels one is looked at for the range: odd, so that it falls into step with no side.
EVERY = 61
Voxels = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Amounts:
    """How much of each class is in each slice along each axis: `along[value]` has three rows of counts."""

    along: dict[int, tuple[npt.NDArray[np.int64], ...]]

    def most(self, axis: int, value: int | None) -> int | None:
        """The slice with the most of a class, or of all together."""
        rows = [each[axis] for one, each in self.along.items() if value in (None, one)]
        return int(np.argmax(np.sum(rows, axis=0))) if rows else None


def open_believed(path: Path) -> Scan:
    """A scan that does not unpack to more than a scan can be."""
    if (bomb := bomb_in(path)) is not None:
        raise VoxloopError(f"{bomb.rstrip('.')}, which no scan does; get it from its source again.")
    return open_scan(path)


def amounts_of(labels: Scan) -> Amounts:
    """The classes of a label map, added up along each axis."""
    ni, nj, nk = labels.geometry.shape
    found: dict[int, tuple[npt.NDArray[np.int64], ...]] = {}
    for slab in _channel(labels, 0):
        values = as_labels(slab.values, labels.path.name)
        at = np.flatnonzero(values)
        here = values[at]
        for value in np.unique(here):
            mine = at[here == value]
            counts = found.setdefault(int(value), tuple(np.zeros(side, np.int64) for side in (ni, nj, nk)))
            for axis, index in enumerate((mine % ni, mine // ni % nj, slab.first + mine // (ni * nj))):
                counts[axis][:] += np.bincount(index, minlength=counts[axis].size)
    return Amounts(dict(sorted(found.items())))


def cut_of(scan: Scan, channel: int, axis: int, index: int) -> tuple[Voxels, Range]:
    """One cut of a channel and the channel's range, with no more of it in memory than a few planes."""
    ni, nj, _ = scan.geometry.shape
    cut: Voxels | None = None
    ranged = _Ranging()
    for slab in _channel(scan, channel):
        ranged.add(slab.values)
        part = slab.values.reshape(slab.planes, nj, ni)
        if cut is None:
            cut = np.zeros(cut_shape(scan.geometry.shape, axis), slab.values.dtype)
        here = slice(slab.first, slab.first + slab.planes)
        if axis == 0:
            cut[here] = part[:, :, index]
        elif axis == 1:
            cut[here] = part[:, index, :]
        elif here.start <= index < here.stop:
            cut[:] = part[index - slab.first]
    assert cut is not None, "a scan has at least one slab"
    return cut, ranged.range()


def unpack(scan: Scan, channel: int, path: Path, labels: bool = False) -> Range:
    """Writes a channel as an array that can be mapped into memory, its last axis first."""
    ranged = _Ranging()
    ni, nj, nk = scan.geometry.shape
    # Written in one go and not through a map: on a full disk that ends in an error, and not in the end of the process.
    with whole(path) as partial, partial.open("wb") as file:
        began = False
        for slab in _channel(scan, channel):
            values = as_labels(slab.values, scan.path.name) if labels else slab.values
            # A picture shows no more digits than these.
            values = values.astype(np.float32) if values.dtype.itemsize > 4 else values
            if not began:
                form = {"descr": np.lib.format.dtype_to_descr(values.dtype), "fortran_order": False}
                np.lib.format.write_array_header_1_0(file, {**form, "shape": (nk, nj, ni)})
                began = True
            ranged.add(values)
            file.write(values.data)
    return ranged.range()


def mapped_cut(path: Path, axis: int, index: int) -> Voxels:
    """One cut of what was unpacked."""
    mapped = np.load(path, mmap_mode="r", allow_pickle=False)
    return np.array(mapped[index] if axis == 2 else mapped[:, index] if axis == 1 else mapped[:, :, index])


def _channel(scan: Scan, channel: int) -> Iterator[Slab]:
    if not 0 <= channel < scan.channels:
        raise VoxloopError(f"{scan.path.name} has {scan.channels} channels, from 0 on, and none is number {channel}.")
    for slab in slabs(scan):
        if slab.channel == channel:
            yield slab
        elif slab.channel > channel:
            break


class _Ranging:
    """A range that is made up while values go by."""

    def __init__(self) -> None:
        self._least, self._most = np.inf, -np.inf
        self._parts: list[npt.NDArray[np.float32]] = []

    def add(self, values: Voxels) -> None:
        finite = values if values.dtype.kind in "iu" else values[np.isfinite(values)]
        if finite.size:
            self._least = min(self._least, float(finite.min()))
            self._most = max(self._most, float(finite.max()))
            self._parts.append(finite[::EVERY].astype(np.float32))

    def range(self) -> Range:
        if not self._parts:
            return Range(0.0, 1.0, 0.0, 1.0)
        low, high = usual(np.concatenate(self._parts))
        if high <= low:
            low, high = self._least, max(self._most, self._least + 1.0)
        return Range(self._least, self._most, low, high)
