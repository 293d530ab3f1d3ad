"""Segmentations (DICOM SEG): which frames show which segment, and what they say of each pixel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from voxloop.data.dicom.drawn import Drawn, drawn
from voxloop.data.dicom.layout import Layout
from voxloop.data.dicom.pixels import frames_of, layout_of
from voxloop.data.dicom.placement import Volume, placement_of
from voxloop.data.dicom.planes import Plane, planes_of
from voxloop.data.dicom.stream import quiet, read_raw
from voxloop.data.dicom.tags import PIXEL_KEYWORDS, PLACE_KEYWORDS, SEGMENT_KEYWORDS, tags
from voxloop.data.dicom.unpacking import Unpacker
from voxloop.data.dicom.values import all_items, number, text, whole
from voxloop.data.geometry import Geometry
from voxloop.errors import VoxloopError


@dataclass(frozen=True, slots=True)
class Segmentation:
    """The header of a segmentation; `full` is what a fraction of one is written as."""

    path: Path
    names: dict[int, str]
    form: str
    full: int
    planes: tuple[Plane, ...]
    layout: Layout


def segment_names(elements: Any) -> dict[int, str]:
    """Segment numbers and labels, in the order of the file."""
    found = {}
    for one in all_items(elements, "SegmentSequence"):
        value = whole(one, "SegmentNumber", -1)
        found[value] = text(one, "SegmentLabel") or f"segment {value}"
    # A map of labels may describe its background as segment 0.
    return {value: name for value, name in found.items() if value > 0}


def read_segmentation(path: Path) -> Segmentation:
    """Reads what is said before the pixels, and refuses what cannot be placed."""
    raw = read_raw(path, tags(*PIXEL_KEYWORDS, *PLACE_KEYWORDS, *SEGMENT_KEYWORDS))
    with quiet():
        ds = raw.elements
        layout = layout_of(raw)
        planes = planes_of(path, ds)
        form = text(ds, "SegmentationType").upper()
        if isinstance(planes, str):
            raise VoxloopError(f"{path.name} {planes}; it cannot be laid on a scan, export it again.")
        if form not in ("BINARY", "FRACTIONAL", "LABELMAP"):
            raise VoxloopError(f'{path.name} is a segmentation of the unknown type "{form}"; export it as binary.')
        return Segmentation(
            path, segment_names(ds), form, int(number(ds, "MaximumFractionalValue") or 255), planes, layout
        )


def draw(seg: Segmentation, names: Sequence[str], grid: Geometry, problems: list[str]) -> list[Drawn]:
    """The segments of these names on the scan's grid; what is to be known about them is added to the problems."""
    place = placement_of(seg.path.name, seg.planes, grid)
    problems += place.said
    if seg.form == "FRACTIONAL":
        problems.append(f"{seg.path.name} holds fractions; a voxel belongs to a segment from one half on.")
    result, lost = [], 0
    for codes, frames in _layers(seg, names):
        volume = place.empty()
        for at, codes_there in frames:
            lost += place.put(volume, at, codes_there)
        volume = place.on_scan(volume)
        for code, value in enumerate(codes, 1):
            one = drawn(seg.names[value], volume == code)
            if one.voxels:
                result.append(one)
            else:
                problems.append(f'"{seg.names[value]}" covers no voxel of the scan; it is left out.')
    if lost:
        problems.append(f"{seg.path.name} reaches beyond the scan by {lost:,} voxels; they are left out.")
    return result


Frames = Iterator[tuple[int, Volume]]


def _layers(seg: Segmentation, names: Sequence[str]) -> Iterator[tuple[list[int], Frames]]:
    """Volumes to draw one after the other, so that memory holds one: the segments in each, and its frames.

    A map of labels is one volume of all its segments, else each segment has frames of its own and may overlap others.
    """
    values = [value for value, name in seg.names.items() if name in names]
    if seg.form == "LABELMAP":
        if len(values) > 255:
            raise VoxloopError(f"{seg.path.name} holds {len(values)} segments, 255 are possible; choose some by name.")
        table = np.zeros(2**seg.layout.allocated, np.uint8)
        table[[value for value in values if value < len(table)]] = np.arange(1, len(values) + 1)
        yield values, ((at, table[frame]) for at, frame in _frames(seg, list(range(len(seg.planes)))))
        return
    least = seg.full / 2 if seg.form == "FRACTIONAL" else 1
    for value in values:
        own = [at for at, plane in enumerate(seg.planes) if plane.segment == value]
        yield [value], ((at, (frame >= least).astype(np.uint8)) for at, frame in _frames(seg, own))


def _frames(seg: Segmentation, wanted: list[int]) -> Iterator[tuple[int, npt.NDArray[Any]]]:
    if wanted:
        with Unpacker() as unpacker:
            yield from zip(wanted, frames_of(seg.layout, wanted, unpacker), strict=True)
