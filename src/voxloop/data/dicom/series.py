"""A series of slices as one scan: its geometry from where the slices lie, its values as they are meant."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from voxloop.data.dicom.layout import Layout
from voxloop.data.dicom.parts import Part, parts_of
from voxloop.data.dicom.pixels import frames_of, layout_of
from voxloop.data.dicom.planes import Plane, planes_of
from voxloop.data.dicom.stack import Stack, stack_of
from voxloop.data.dicom.stream import quiet, read_raw
from voxloop.data.dicom.tags import PIXEL_KEYWORDS, PLACE_KEYWORDS, tags
from voxloop.data.dicom.unpacking import Unpacker
from voxloop.data.dicom.values import items
from voxloop.data.geometry import Geometry
from voxloop.data.scans import Scan, require_believable
from voxloop.errors import VoxloopError

# float32 holds whole numbers exactly up to here.
EXACT_FLOAT32 = 2**24
MOST_VALUE = 1e30


@dataclass(frozen=True, slots=True)
class _File:
    layout: Layout
    planes: tuple[Plane, ...]


# How a person asks for `fill_missing`.
FILLING = '"voxloop data import --allow-gaps"'


def open_series(files: Sequence[Path], fill_missing: bool = False, filling: str = FILLING) -> Scan:
    """The slices in these files as one scan, in whatever order they are given; none of their pixels is read yet.

    Positions, orientations and pixel spacing alone decide on the geometry; a tilted gantry gives a sheared affine. Slices that
    are missing or unevenly spaced are refused, unless `fill_missing` asks for an even grid that is interpolated linearly; `filling` is
    the option that the refusal names.
    A file of many frames that holds several volumes on one grid (times, echoes, b-values) becomes a scan of as many channels.
    """
    if not files:
        raise VoxloopError("A series needs at least one file; none was given.")
    opened = {path: _open(path) for path in dict.fromkeys(Path(file) for file in files)}
    planes = [plane for one in opened.values() for plane in one.planes]
    name = _name(list(opened))
    parts = parts_of(planes)
    _require_one_volume(name, parts, many_files=len(opened) > 1)
    stacks = [stack_of(part.planes) for part in parts]
    grid = stacks[0].geometry()
    require_believable(stacks[0].planes[0].file, grid.shape, grid.affine)
    for stack in stacks:
        _require_even(name, stack, fill_missing, filling)
        if not stack.geometry().same_as(grid):
            raise VoxloopError(f"{name} holds volumes on different grids; export each as a series of its own.")
    dtype = _dtype(opened, planes)
    layouts = {path: one.layout for path, one in opened.items()}
    read = partial(_voxels, tuple(stacks), layouts, grid, dtype)
    return Scan(stacks[0].planes[0].file, grid, len(stacks), dtype, read)


def _name(files: Sequence[Path]) -> str:
    return files[0].name if len(files) == 1 else f"{files[0].name} and {len(files) - 1} more files"


def _open(path: Path) -> _File:
    if not path.is_file():
        raise VoxloopError(f"No slice is at {path}; check the path.")
    raw = read_raw(path, tags(*PIXEL_KEYWORDS, *PLACE_KEYWORDS))
    with quiet():
        layout = layout_of(raw)
        planes = planes_of(path, raw.elements)
        curved = len(items(raw.elements, "ModalityLUTSequence")) > 0
    if isinstance(planes, str):
        raise VoxloopError(f"{path.name} {planes}; it is no slice of a volume, leave it out.")
    if curved:
        raise VoxloopError(
            f"{path.name} gives its values by a table, which is not read here; convert it to NIfTI first."
        )
    if any(plane.slope == 0 for plane in planes):
        raise VoxloopError(f"{path.name} scales all its values to one (a slope of 0); its header is damaged.")
    return _File(layout, planes)


def _require_one_volume(name: str, parts: Sequence[Part], many_files: bool) -> None:
    repeated = sum(len(part.repeated) for part in parts)
    if repeated:
        raise VoxloopError(f"{name}: {repeated} of the slices lie where others do; leave the repeated files out.")
    if len(parts) > 1 and many_files:
        raise VoxloopError(
            f"{name} are no single volume: {len(parts[1].planes)} slices have {parts[1].differs_from(parts[0])}; "
            'choose the slices of one, as "voxloop data import" does.'
        )


def _require_even(name: str, stack: Stack, fill_missing: bool, filling: str) -> None:
    """Refuses gaps unless they are to be filled, and what no interpolation can mend in any case."""
    if not (wrong := stack.wrong()):
        return
    if not stack.in_line:
        raise VoxloopError(f"{name}: the slices do not lie in a line; export the series again.")
    if not stack.mendable:
        raise VoxloopError(f"{name}: {wrong}, more than there are; export the series again.")
    if not fill_missing:
        raise VoxloopError(
            f"{name}: {wrong}; export the series again, or let gaps be filled by interpolation ({filling})."
        )


def _dtype(opened: dict[Path, _File], planes: Sequence[Plane]) -> np.dtype[Any]:
    """int16 where every value that the stored bits can say is a whole number in its range; else float, as wide as needed."""
    ends = [end * plane.slope + plane.intercept for plane in planes for end in opened[plane.file].layout.bounds]
    if max(map(abs, ends)) > MOST_VALUE:
        raise VoxloopError(f"{planes[0].file.name} scales its values beyond any number; its header is damaged.")
    if all(plane.slope.is_integer() and plane.intercept.is_integer() for plane in planes):
        if min(ends) >= -(2**15) and max(ends) < 2**15:
            return np.dtype(np.int16)
        if max(abs(min(ends)), abs(max(ends))) > EXACT_FLOAT32:
            return np.dtype(np.float64)
    return np.dtype(np.float32)


def _voxels(
    stacks: tuple[Stack, ...], layouts: dict[Path, Layout], grid: Geometry, dtype: np.dtype[Any]
) -> npt.NDArray[Any]:
    """[i, j, k] or [i, j, k, channel], each slice scaled by its own slope and intercept."""
    # Slices are written whole, so they lie together in memory and the axes are turned by a view.
    out = np.empty((len(stacks), *grid.shape[::-1]), dtype)
    where: dict[Path, dict[int, tuple[int, int]]] = defaultdict(dict)
    gaps = [bool(stack.wrong()) for stack in stacks]
    loose = [
        np.empty((len(stack.planes), *out.shape[2:]), dtype) if gap else out[n]
        for n, (stack, gap) in enumerate(zip(stacks, gaps, strict=True))
    ]
    for channel, stack in enumerate(stacks):
        for place, plane in enumerate(stack.planes):
            where[plane.file][plane.frame] = channel, place
    with Unpacker() as unpacker:
        for path, frames in where.items():
            wanted = sorted(frames)
            for frame, values in zip(wanted, frames_of(layouts[path], wanted, unpacker), strict=True):
                channel, place = frames[frame]
                plane = stacks[channel].planes[place]
                loose[channel][place] = _scaled(values, plane.slope, plane.intercept, dtype)
    for channel, (stack, gap) in enumerate(zip(stacks, gaps, strict=True)):
        if gap:
            _fill(loose[channel], stack, out[channel])
    return out[0].transpose(2, 1, 0) if len(stacks) == 1 else out.transpose(3, 2, 1, 0)


def _scaled(values: npt.NDArray[Any], slope: float, intercept: float, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    if dtype == np.int16:
        return values.astype(np.int32) * int(slope) + int(intercept)
    return values if (slope, intercept) == (1.0, 0.0) else values * np.float64(slope) + intercept


def _fill(slices: npt.NDArray[Any], stack: Stack, out: npt.NDArray[Any]) -> None:
    """Puts slices on the even grid of their stack, each new one between its neighbours by their distance."""
    along = stack.along_mm
    wanted = np.linspace(along[0], along[-1], len(out))
    for k, at in enumerate(wanted):
        above = int(np.clip(np.searchsorted(along, at), 1, len(along) - 1))
        share = float(np.clip((at - along[above - 1]) / (along[above] - along[above - 1]), 0.0, 1.0))
        mixed = slices[above - 1] * (1 - share) + slices[above] * share
        out[k] = np.rint(mixed) if out.dtype.kind == "i" else mixed
