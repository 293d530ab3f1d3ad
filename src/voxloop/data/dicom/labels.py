"""Structure sets and segmentations as label maps on a scan's grid, one door for both."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from voxloop.data.dicom import contours, segments
from voxloop.data.dicom.drawn import Drawn, chosen, combined
from voxloop.data.dicom.header import RTSTRUCT, SEGMENTATIONS, frame_of_reference, referenced_series
from voxloop.data.dicom.stream import quiet, read_raw
from voxloop.data.dicom.tags import SERIES_KEYWORDS, tags
from voxloop.data.dicom.values import text
from voxloop.data.scans import Scan
from voxloop.errors import VoxloopError


@dataclass(frozen=True, slots=True)
class Structures:
    """What a structure set or a segmentation holds: names in the order of the file, and the series it was drawn on."""

    kind: Literal["rtstruct", "seg"]
    names: tuple[str, ...]
    series: str | None
    frame_of_reference: str


@dataclass(frozen=True, slots=True, eq=False)
class LabelMap:
    """Labels on a scan's grid; `names` says which value (from 1) is which structure, `problems` what has to be known."""

    names: dict[int, str]
    labels: npt.NDArray[np.uint8]
    problems: tuple[str, ...]


def structures(path: Path) -> Structures:
    """Reads the names in a structure set (RTSTRUCT) or a segmentation (SEG), and draws nothing."""
    raw = read_raw(path, tags(*SERIES_KEYWORDS, "FrameOfReferenceUID", "StructureSetROISequence", "SegmentSequence"))
    with quiet():
        ds = raw.elements
        sop_class = text(ds, "SOPClassUID")
        series = next(iter(referenced_series(ds)), None)
        if sop_class == RTSTRUCT:
            return Structures("rtstruct", _unique(contours.region_names(ds)), series, frame_of_reference(ds))
        if sop_class in SEGMENTATIONS:
            return Structures("seg", _unique(segments.segment_names(ds).values()), series, frame_of_reference(ds))
    raise VoxloopError(f"{path.name} is no structure set (RTSTRUCT) and no segmentation (SEG); name a file that is.")


def labels_of(path: Path, scan: Scan, names: Sequence[str] | None = None) -> LabelMap:
    """Draws the structures of a file on a scan's grid: all of them, or those named, numbered from 1 in that order.

    A voxel belongs to a structure when its centre lies inside. Where structures overlap the smaller one wins, and a problem says
    how many voxels that are. What cannot be drawn is a problem too; a file of which nothing can be drawn is refused.
    """
    found = structures(path)
    wanted = chosen(path.name, found.names, names)
    if len(wanted) > 255:
        raise VoxloopError(f"{path.name} holds {len(wanted)} structures, and labels go to 255; choose some by name.")
    values = {name: value for value, name in enumerate(wanted.values(), 1)}
    problems: list[str] = []
    draw = _regions if found.kind == "rtstruct" else _segments
    parts = [Drawn(wanted[one.name], one.corner, one.mask) for one in draw(path, scan, found, list(wanted), problems)]
    if not parts:
        why = problems[0] if problems else "It names none."
        raise VoxloopError(f"{path.name}: none of its structures can be drawn on {scan.path.name}. {why}")
    labels, overlaps = combined(scan.geometry.shape, parts, values)
    return LabelMap({value: name for name, value in values.items()}, labels, (*problems, *overlaps))


def _regions(path: Path, scan: Scan, found: Structures, names: list[str], problems: list[str]) -> list[Drawn]:
    frame = _frame_of(scan)
    result = []
    for region in contours.read_regions(path):
        if region.name not in names:
            continue
        if frame and region.frame_of_reference and region.frame_of_reference != frame:
            problems.append(
                f'"{region.name}" was drawn in another frame of reference than {scan.path.name}, so its place in it is not known; '
                "it is left out, choose the series that it was drawn on."
            )
        elif one := contours.draw(region, scan.geometry, problems):
            result.append(one)
    return result


def _segments(path: Path, scan: Scan, found: Structures, names: list[str], problems: list[str]) -> list[Drawn]:
    frame = _frame_of(scan)
    if frame and found.frame_of_reference and found.frame_of_reference != frame:
        raise VoxloopError(
            f"{path.name} was drawn in another frame of reference than {scan.path.name}, so its place in it is not known; "
            "choose the series that it was drawn on."
        )
    return segments.draw(segments.read_segmentation(path), names, scan.geometry, problems)


def _frame_of(scan: Scan) -> str:
    """The frame of reference of a scan that is DICOM itself; other formats do not say theirs."""
    try:
        return frame_of_reference(read_raw(scan.path, tags("FrameOfReferenceUID")).elements)
    except VoxloopError:
        return ""


def _unique(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
