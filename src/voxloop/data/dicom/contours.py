"""Structure sets (RTSTRUCT): closed contours, drawn slice by slice in the plane of a scan's slices."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from voxloop.data.dicom.drawn import Drawn
from voxloop.data.dicom.polygons import Points, fill
from voxloop.data.dicom.stack import LPS_TO_RAS
from voxloop.data.dicom.stream import quiet, read_raw
from voxloop.data.dicom.tags import STRUCTURE_KEYWORDS, tags
from voxloop.data.dicom.values import all_items, items, text, whole
from voxloop.data.geometry import Geometry

CONTOUR_DATA = 0x30060050
CLOSED = ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR")
# How far a contour may lie beside its slice, in slices: positions are rounded, half a slice would be a guess.
ON_SLICE = 0.2


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """A named structure of the file and its contours, as the file has them: LPS millimetres."""

    name: str
    frame_of_reference: str
    contours: tuple[Points, ...]
    open: int
    damaged: int


def read_regions(path: Path) -> list[Region]:
    """The structures in the order of the file."""
    with quiet():
        elements = read_raw(path, tags(*STRUCTURE_KEYWORDS)).elements
        found: dict[int, list[Any]] = defaultdict(list)
        for one in items(elements, "ROIContourSequence"):
            found[whole(one, "ReferencedROINumber", -1)] += items(one, "ContourSequence")
        return [
            _region(said, found[whole(said, "ROINumber", -1)]) for said in items(elements, "StructureSetROISequence")
        ]


def region_names(elements: Any) -> list[str]:
    return [_name(one) for one in all_items(elements, "StructureSetROISequence")]


def draw(region: Region, grid: Geometry, problems: list[str]) -> Drawn | None:
    """Draws a structure on a scan's grid; None where nothing of it can be drawn, and the reason among the problems."""
    slices, beside = _by_slice(region, grid)
    _say(region, beside, problems)
    layers: dict[int, npt.NDArray[np.bool_]] = {}
    for k, polygons in slices.items():
        layers[k] = fill(_once(polygons), grid.shape[:2])
    filled = sorted(k for k, layer in layers.items() if layer.any())
    if not filled:
        if region.contours and slices:
            problems.append(f'"{region.name}" covers no voxel centre of the scan; it is left out.')
        return None
    gaps = filled[-1] - filled[0] + 1 - len(filled)
    if gaps:
        problems.append(f'"{region.name}" has no contour on {gaps} of the slices between its ends; they stay empty.')
    low, high = filled[0], filled[-1] + 1
    covered = np.logical_or.reduce([layers[k] for k in filled])
    rows, columns = (np.flatnonzero(covered.any(axis=axis)) for axis in (1, 0))
    box = slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
    mask = np.zeros((box[0].stop - box[0].start, box[1].stop - box[1].start, high - low), bool)
    for k in filled:
        mask[:, :, k - low] = layers[k][box]
    return Drawn(region.name, (box[0].start, box[1].start, low), mask)


def _region(said: Any, contours: list[Any]) -> Region:
    kept: list[Points] = []
    open_ones = damaged = 0
    for contour in contours:
        if text(contour, "ContourGeometricType").upper() not in CLOSED:
            open_ones += 1
        elif (points := _points(contour)) is None:
            damaged += 1
        else:
            kept.append(points)
    return Region(_name(said), text(said, "ReferencedFrameOfReferenceUID"), tuple(kept), open_ones, damaged)


def _name(said: Any) -> str:
    return text(said, "ROIName") or f"ROI {whole(said, 'ROINumber')}"


def _points(contour: Any) -> Points | None:
    """The corners of a contour, read from its bytes: through pydicom each number would become an object of its own."""
    try:
        raw = contour.get_item(CONTOUR_DATA).value
        numbers = np.array(raw.split(b"\\") if isinstance(raw, bytes) else [float(one) for one in raw]).astype(float)
    except (AttributeError, TypeError, ValueError):
        return None
    if len(numbers) < 9 or len(numbers) % 3 or not np.isfinite(numbers).all() or np.abs(numbers).max() > 1e6:
        return None
    return numbers.reshape(-1, 3)


def _by_slice(region: Region, grid: Geometry) -> tuple[dict[int, list[Points]], list[Points]]:
    """The contours in voxel indices, by the slice that they lie on; and those that lie on none."""
    to_index = np.linalg.inv(grid.affine) @ LPS_TO_RAS
    slices: dict[int, list[Points]] = defaultdict(list)
    beside: list[Points] = []
    for contour in region.contours:
        index = contour @ to_index[:3, :3].T + to_index[:3, 3]
        k = round(float(np.median(index[:, 2])))
        if np.abs(index[:, 2] - k).max() <= ON_SLICE and 0 <= k < grid.shape[2]:
            slices[k].append(index[:, :2])
        else:
            beside.append(index)
    return slices, beside


def _say(region: Region, beside: list[Points], problems: list[str]) -> None:
    """What of a structure cannot be drawn, and why."""
    heights = [index[:, 2] for index in beside]
    crossing = sum(float(np.ptp(height)) > 2 * ON_SLICE for height in heights)
    outside = sum(
        float(np.ptp(height)) <= 2 * ON_SLICE
        and abs(float(np.median(height)) - round(float(np.median(height)))) <= ON_SLICE
        for height in heights
    )
    for count, why in (
        (crossing, "lie across the slices of the scan, in planes of their own"),
        (outside, "lie beyond the first or last slice of the scan"),
        (len(beside) - crossing - outside, "lie between the slices of the scan"),
        (region.open, "are points or open lines, which enclose nothing"),
        (region.damaged, "have damaged coordinates"),
    ):
        if count:
            problems.append(f'"{region.name}": {count} of its contours {why}; they are left out.')
    if not (region.contours or region.open or region.damaged):
        problems.append(f'"{region.name}" has no contours; it is left out.')


def _once(polygons: list[Points]) -> list[Points]:
    """Each contour once: drawn twice by the even-odd rule it would vanish."""
    return list({np.round(polygon, 6).tobytes(): polygon for polygon in polygons}.values())
