"""Voxels as a text header describes them: which bytes of which files, packed or not, and how they become an array."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from voxloop.data.formats.packed import cut_off, require_plausible, require_unpacks, unpack_into
from voxloop.errors import VoxloopError

MOST_FILES = 100_000
# `slice%03d.raw 1 90 1`, as printf means it.
PATTERN = re.compile(r"(?P<before>[^%]*)%0?(?P<width>\d{0,2})d(?P<after>[^%]*)")


@dataclass(frozen=True, slots=True)
class Stored:
    """Where a header says its voxels are. `start` bytes of each file come before them (-1: they are its last bytes).

    `shape` has the fastest axis first, as all of these headers do; `channel_axis` is the one that is none of space.
    """

    header: Path
    files: tuple[Path, ...]
    start: int
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    channel_axis: int | None = None
    packed: bool = False
    packed_bytes: int | None = None
    skip: int = 0

    @property
    def bytes_each(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize // len(self.files)


def require_whole(stored: Stored) -> None:
    """Refuses files that cannot hold the voxels that their header claims, before any is read."""
    count = math.prod(stored.shape)
    if count * stored.dtype.itemsize % len(stored.files):
        raise VoxloopError(
            f"{stored.header.name} divides {count:,} voxels among {len(stored.files)} files, which does not come out even; "
            "its header is damaged."
        )
    each = stored.bytes_each
    for file in stored.files:
        size = file.stat().st_size
        if not stored.packed:
            there = size - max(0, stored.start) - stored.skip
            if there < each:
                raise cut_off(file, max(0, there), each)
        elif stored.packed_bytes is not None:
            if size - stored.start < stored.packed_bytes:
                raise cut_off(file, max(0, size - stored.start), stored.packed_bytes)
            require_plausible(file, stored.packed_bytes, stored.skip + each)
        else:
            require_unpacks(file, stored.start, stored.skip + each)


def voxels(stored: Stored) -> npt.NDArray[Any]:
    """The voxels in this machine's byte order, channels last."""
    each = stored.bytes_each
    content = np.empty(each * len(stored.files), np.uint8)
    for number, path in enumerate(stored.files):
        part = content[number * each : (number + 1) * each]
        try:
            if stored.packed:
                unpack_into(part, path, stored.start, stored.skip)
                continue
            with path.open("rb") as file:
                start = stored.start + stored.skip if stored.start >= 0 else path.stat().st_size - each
                file.seek(max(0, start))
                there = file.readinto(part.data)
        except OSError as error:
            raise VoxloopError(
                f"{path.name} cannot be read ({error.strerror}); check the disk and its rights."
            ) from error
        if there < each:
            raise cut_off(path, there, each)
    array = content.view(stored.dtype).reshape(stored.shape, order="F")
    array = array.astype(stored.dtype.newbyteorder("="), copy=False)
    if stored.channel_axis is None:
        return array
    array = np.moveaxis(array, stored.channel_axis, -1)
    return array[..., 0] if array.shape[-1] == 1 else array


def beside(header: Path, name: str) -> Path:
    """A file that a header names; refused where it lies outside the header's own folder, wherever links lead.

    A header may be a link itself; then its voxels lie beside the link or beside the file that it leads to.
    """
    if not name or "\0" in name:
        raise VoxloopError(f"{header.name} does not say which file holds its voxels; write it anew from its source.")
    folders = dict.fromkeys((header.parent.resolve(), header.resolve().parent))
    inside = [path for folder in folders if (path := (folder / name).resolve()).is_relative_to(folder)]
    for path in inside:
        if path.is_file():
            return path
    if inside:
        raise VoxloopError(
            f'{header.name} keeps its voxels in "{name[:120]}", which is not beside it; copy both files together.'
        )
    raise VoxloopError(
        f'{header.name} keeps its voxels in "{name[:120]}", which lies outside its own folder; move both files into one folder.'
    )


def numbered(header: Path, pattern: str, first: int, last: int, step: int) -> tuple[Path, ...]:
    """The files `slice%03d.raw` from `first` to `last`."""
    parts = PATTERN.fullmatch(pattern)
    if parts is None:
        raise VoxloopError(
            f'{header.name} names its files by "{pattern[:120]}", which is not understood; save it in one file.'
        )
    count = (last - first) // step + 1 if step else 0
    if not 1 <= count <= MOST_FILES:
        raise VoxloopError(f"{header.name} claims {max(0, count):,} files of voxels; its header is damaged.")
    width = int(parts["width"] or 0)
    return tuple(
        beside(header, f"{parts['before']}{first + number * step:0{width}d}{parts['after']}") for number in range(count)
    )


def listed(header: Path, names: list[str]) -> tuple[Path, ...]:
    """The files that a header lists, one a line."""
    if not 1 <= len(names) <= MOST_FILES:
        raise VoxloopError(f"{header.name} lists {len(names):,} files of voxels; its header is damaged.")
    return tuple(beside(header, name) for name in names)
