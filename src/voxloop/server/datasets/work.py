"""What a process of its own does for a picture: reads a case once, keeps what it has seen of it, and draws.

Everything is kept in one folder for each case, named by the content of its files: `about.json`, a `channel-N.json` and a
`channel-N.npy` for each channel that was stepped through, `label.npy`, and the pictures.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from voxloop.data.colours import Rgb
from voxloop.data.pictures.drawing import Look, Range, draw, window_of
from voxloop.data.pictures.planes import Plane, planes_of
from voxloop.data.scans import Scan, require_same_grid, sides
from voxloop.data.whole import make_folder, whole, write_json
from voxloop.errors import VoxloopError
from voxloop.server.datasets.reading import (
    Voxels,
    amounts_of,
    cut_of,
    mapped_cut,
    open_believed,
    unpack,
)

TILE, LEAST, MOST = 256, 640, 1024
# What is larger, or does not fit beside this much, is read anew for each picture.
MOST_UNPACKED, SPARE = 3 << 30, 1 << 30
WAY_OUT = "free some space for the project's cache"


@dataclass(frozen=True, slots=True)
class Case:
    """The files of a case, and where what was seen of them is kept."""

    image: Path
    label: Path | None
    folder: Path
    is_ct: bool


@dataclass(frozen=True, slots=True)
class Slice:
    """Which slice, and how it is shown; without a window it is the channel's own."""

    plane: str
    index: int
    channel: int
    look: Look
    window: tuple[float, float] | None


def about(case: Case) -> dict[str, Any]:
    """The grid and the planes of a scan, and where its label has most of each class."""
    kept = case.folder / "about.json"
    if kept.is_file():
        os.utime(case.folder)
        found: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8"))
        return found
    make_folder(case.folder)
    scan = open_believed(case.image)
    grid = scan.geometry
    told: dict[str, Any] = {
        "shape": list(grid.shape),
        "spacing_mm": list(grid.spacing_mm),
        "orientation": grid.orientation,
        "channels": scan.channels,
        "dtype": str(scan.dtype),
        "planes": {name: asdict(plane) for name, plane in planes_of(grid).items()},
        **_labels(case, scan),
    }
    write_json(kept, told)
    return told


def _labels(case: Case, scan: Scan) -> dict[str, Any]:
    """Which classes there are, and in which slice most of each; or why the label cannot be drawn on its scan."""
    nothing: dict[str, Any] = {"drawn": False, "problem": None, "classes": [], "most": None}
    if case.label is None:
        return nothing
    try:
        labels = open_believed(case.label)
        if labels.geometry.shape != scan.geometry.shape or labels.channels != 1:
            return {
                **nothing,
                "problem": f"The label has {sides(labels.geometry.shape)} voxels in {labels.channels} channel"
                f"{'' if labels.channels == 1 else 's'} and the scan {sides(scan.geometry.shape)}, so it cannot be drawn on it.",
            }
        amounts = amounts_of(labels)
    except VoxloopError as error:
        return {**nothing, "problem": str(error)}
    axes = range(3)
    return {
        "drawn": True,
        "problem": _apart(labels, scan),
        "classes": [
            {"value": value, "voxels": int(rows[0].sum()), "most": [amounts.most(axis, value) for axis in axes]}
            for value, rows in amounts.along.items()
        ],
        "most": [amounts.most(axis, None) for axis in axes] if amounts.along else None,
    }


def _apart(labels: Scan, scan: Scan) -> str | None:
    try:
        require_same_grid(labels.path.name, labels.geometry, scan.geometry)
    except VoxloopError as error:
        verdict = str(error).split("; ")[0]
        return f"{verdict}. Here it is drawn voxel by voxel, whatever the headers say."
    return None


def described(case: Case) -> dict[str, Any]:
    """What is known of a case, with the usual window of its first channel."""
    return {**about(case), "window": channel(case, 0)["window"]}


def channel(case: Case, number: int) -> dict[str, Any]:
    """The range of a channel and its usual window; the channel lies unpacked in the case's folder afterwards, if there is room."""
    kept = case.folder / f"channel-{number}.json"
    if kept.is_file():
        found: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8"))
        return found
    told = about(case)
    plane = Plane(**told["planes"]["axial"])
    index = _usual(told, plane.axis, None)
    scan = open_believed(case.image)
    array = case.folder / f"channel-{number}.npy"
    if _fits(case, scan):
        seen = unpack(scan, number, array)
        cut = mapped_cut(array, plane.axis, index)
    else:
        cut, seen = cut_of(scan, number, plane.axis, index)
    return _ranged(case, number, seen, cut, _label_cut(case, told, plane.axis, index))


def _ranged(case: Case, number: int, seen: Range, cut: Voxels, labels: Voxels | None) -> dict[str, Any]:
    under = cut[labels > 0] if labels is not None else np.zeros(0)
    under = under[np.isfinite(under)]
    window = window_of(seen, case.is_ct, float(np.median(under)) if under.size else None)
    told = {"range": asdict(seen), "window": asdict(window)}
    write_json(case.folder / f"channel-{number}.json", told)
    return told


def slice_of(case: Case, wanted: Slice, colours: Mapping[int, Rgb], path: Path) -> None:
    """Draws one slice into a file."""
    told = about(case)
    plane = Plane(**told["planes"][wanted.plane])
    if not 0 <= wanted.index < told["shape"][plane.axis]:
        raise VoxloopError(
            f"{case.image.name} has {told['shape'][plane.axis]} {wanted.plane} slices, from 0 on, and none is number {wanted.index}."
        )
    shown = channel(case, wanted.channel)
    cut = _cut(case, wanted.channel, plane.axis, wanted.index)
    labels = _label_cut(case, told, plane.axis, wanted.index) if wanted.look != "none" else None
    window = wanted.window or (shown["window"]["low"], shown["window"]["high"])
    longest = min(MOST, max(LEAST, *cut.shape))
    _write(path, plane, cut, labels, longest, window, wanted.look, colours)


def tile_of(case: Case, value: int | None, colours: Mapping[int, Rgb], path: Path) -> None:
    """Draws the axial slice with the most label, or with the most of a class, small, without unpacking the scan onto the disk."""
    told = about(case)
    plane = Plane(**told["planes"]["axial"])
    index = _usual(told, plane.axis, value)
    kept = case.folder / "channel-0.json"
    labels = _label_cut(case, told, plane.axis, index)
    if (case.folder / "channel-0.npy").is_file() and kept.is_file():
        cut = _cut(case, 0, plane.axis, index)
        window = json.loads(kept.read_text(encoding="utf-8"))["window"]
    else:
        cut, seen = cut_of(open_believed(case.image), 0, plane.axis, index)
        under = cut[labels > 0] if labels is not None else np.zeros(0)
        under = under[np.isfinite(under)]
        window = asdict(window_of(seen, case.is_ct, float(np.median(under)) if under.size else None))
    shown = {one: colour for one, colour in colours.items() if value in (None, one)}
    _write(path, plane, cut, labels, TILE, (window["low"], window["high"]), "fill", shown)


def _write(
    path: Path,
    plane: Plane,
    cut: Voxels,
    labels: Voxels | None,
    longest: int,
    window: tuple[float, float],
    look: Look,
    colours: Mapping[int, Rgb],
) -> None:
    content = draw(
        plane.picture(cut),
        None if labels is None else plane.picture(labels),
        (plane.width_mm, plane.height_mm),
        longest,
        window,
        look,
        colours,
    )
    with whole(path, WAY_OUT) as partial:
        partial.write_bytes(content)


def _usual(told: Mapping[str, Any], axis: int, value: int | None) -> int:
    """The slice with the most of a class, of all classes, or the one in the middle."""
    mine = next((one["most"] for one in told["classes"] if one["value"] == value), told["most"])
    return int(mine[axis]) if mine is not None else int(told["shape"][axis]) // 2


def _cut(case: Case, number: int, axis: int, index: int) -> Voxels:
    array = case.folder / f"channel-{number}.npy"
    if array.is_file():
        return mapped_cut(array, axis, index)
    return cut_of(open_believed(case.image), number, axis, index)[0]


def _label_cut(case: Case, told: Mapping[str, Any], axis: int, index: int) -> Voxels | None:
    if case.label is None or not told["drawn"]:
        return None
    array = case.folder / "label.npy"
    labels = open_believed(case.label)
    if not array.is_file() and (case.folder / "channel-0.npy").is_file():
        unpack(labels, 0, array, labels=True)
    if array.is_file():
        return mapped_cut(array, axis, index)
    return np.rint(cut_of(labels, 0, axis, index)[0]).astype(np.uint8)


def _fits(case: Case, scan: Scan) -> bool:
    size = int(np.prod(scan.geometry.shape)) * (min(4, scan.dtype.itemsize) + 1)
    return size <= MOST_UNPACKED and shutil.disk_usage(case.folder).free > size + SPARE
