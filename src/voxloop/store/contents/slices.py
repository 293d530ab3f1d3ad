"""One slice of a volume, as it is looked at: from below, the front upwards, its pixels square."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from voxloop.data.geometry import Geometry
from voxloop.data.pictures.planes import planes_of
from voxloop.errors import VoxloopError
from voxloop.store.contents import crops
from voxloop.store.contents.windows import own_window, shown

if TYPE_CHECKING:
    from voxloop.store.blobs import Blobs

MOST_SIDE = 480
# What CT is looked at through first, in Hounsfield units; only CT has air.
CT = (-160.0, 240.0)
AIR, TISSUE = -200, 0
ORIGIN = (0, 0, 0)
Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Slice:
    """Slice `index` (from 0) of `count` from the feet upwards, through a window, with the label maps over it."""

    index: int
    count: int
    window: tuple[float, float]
    image: Bytes
    layers: dict[str, Bytes]


def middle(blobs: Blobs, data: dict[str, Any]) -> Slice:
    """The slice where most of the truth is, so that it is the same at each step; without a truth, the middle one."""
    try:
        return _middle(blobs, data)
    except (OSError, EOFError, KeyError, TypeError, ValueError) as error:
        raise VoxloopError(
            f"This volume is damaged ({' '.join(str(error).split())[:100]}); restore the project from a backup."
        ) from error


def _middle(blobs: Blobs, data: dict[str, Any]) -> Slice:
    i, j, k = (int(side) for side in data["geometry"]["shape"])
    shape = (i, j, k)
    grid = Geometry(shape, np.array(data["geometry"]["affine"], np.float64))
    axial = planes_of(grid)["axial"]
    axis, upwards = axial.axis, axial.ends == ("I", "S")
    truth = next((layer for layer in data["layers"] if layer["name"] == "truth"), None)
    with _opened(blobs, data["image"]) as scan:
        count = scan.shape[axis]
        at = count // 2 if truth is None else _fullest(blobs, truth, axis, count // 2)
        plane = axial.picture(_cut(scan, axis, at).T)
    layers = {}
    for layer in data["layers"]:
        with _opened(blobs, layer) as labels:
            over = crops.plane(labels, layer.get("start", ORIGIN), shape, axis, at)
        layers[str(layer["name"])] = axial.picture(over.T)
    finite = plane[np.isfinite(plane)]
    is_ct = finite.size and finite.min() <= AIR and finite.max() >= TISSUE
    window = CT if is_ct else own_window(plane)
    rows, columns = grid.spacing_mm[axial.down], grid.spacing_mm[axial.across]
    place = _square(plane.shape[0], plane.shape[1], rows, columns)
    seen = shown(plane, window)
    return Slice(
        at if upwards else count - 1 - at,
        count,
        window,
        seen[place],
        {name: labels[place] for name, labels in layers.items()},
    )


def _fullest(blobs: Blobs, layer: dict[str, Any], axis: int, otherwise: int) -> int:
    """The slice with the most labels; read one after the other, so that no large map is held."""
    with _opened(blobs, layer) as labels:
        counts = [int(np.count_nonzero(_cut(labels, axis, at))) for at in range(labels.shape[axis])]
    return int(layer.get("start", ORIGIN)[axis] + np.argmax(counts)) if any(counts) else otherwise


def _cut(voxels: Any, axis: int, at: int) -> npt.NDArray[Any]:
    return np.asarray(voxels[tuple(at if one == axis else slice(None) for one in range(3))])


def _square(rows: int, columns: int, row_mm: float, column_mm: float) -> Any:
    """Which pixels to take so that they are square and no more than a tile shows; each is one that is there."""
    height, width = rows * row_mm, columns * column_mm
    pixel = max(min(row_mm, column_mm), max(height, width) / MOST_SIDE)
    count = [max(1, round(side / pixel)) for side in (height, width)]
    of_rows = ((np.arange(count[0]) + 0.5) * rows / count[0]).astype(int)
    of_columns = ((np.arange(count[1]) + 0.5) * columns / count[1]).astype(int)
    return np.ix_(of_rows, of_columns)


@contextmanager
def _opened(blobs: Blobs, named: dict[str, Any]) -> Iterator[Any]:
    """The voxels of a NIfTI blob, read piece by piece."""
    import nibabel as nib

    path = Path(named["reference"]) if "reference" in named else blobs.path(named["digest"])
    try:
        with path.open("rb") as plain:
            packed = plain.read(2) == b"\x1f\x8b"
        with gzip.open(path) if packed else path.open("rb") as file:
            start = file.read(4)
            file.seek(0)
            two = 540 in (int.from_bytes(start, "little"), int.from_bytes(start, "big"))
            voxels = (nib.Nifti2Image if two else nib.Nifti1Image).from_stream(file).dataobj
            yield voxels if voxels.ndim == 3 else _First(voxels)
    except FileNotFoundError as error:
        what = str(path) if "reference" in named else f"The blob {named['digest'][:12]}… of this volume"
        raise VoxloopError(f"{what} is missing; restore it from a backup.") from error


class _First:
    """The first of several channels."""

    def __init__(self, voxels: Any) -> None:
        self.voxels = voxels
        self.shape = voxels.shape[:3]

    def __getitem__(self, place: tuple[Any, ...]) -> npt.NDArray[Any]:
        return np.asarray(self.voxels[(*place, 0)])
