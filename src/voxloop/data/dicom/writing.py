"""A label map as a DICOM segmentation (SEG) that a PACS files beside its scan, and viewers lay over it.

One binary segment for each class, also for one that was not found: that is a result. Frames without a voxel are left out; of a
map without any, one empty frame a class is written at the middle of the scan, for DICOM knows no image without frames. A slice of the grid
that was interpolated over a gap has a frame as any other, which refers to no file.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt

from voxloop.data.dicom.frame_groups import Frame
from voxloop.data.dicom.origin import Origin, origin_of
from voxloop.data.dicom.segment_header import Maker, header_of
from voxloop.data.dicom.stream import quiet
from voxloop.data.geometry import Geometry
from voxloop.data.whole import whole
from voxloop.errors import VoxloopError

MOST_PIXEL_BYTES = 2**32 - 2
# Positions are written to a thousandth of a millimetre or better.
SAME_GRID_MM = 1e-2
BESIDE_PIXELS = 0.5
Labels = npt.NDArray[np.uint8]
Progress = Callable[[int, int, str], None]


def write_segmentation(
    path: Path,
    labels: Labels,
    geometry: Geometry,
    names: Mapping[int, str],
    slices: Sequence[Path],
    maker: Maker,
    *,
    moment: datetime | None = None,
    progress: Progress | None = None,
) -> None:
    """Writes labels [i, j, k], whose values from 1 have these names, for the scan that these slices are; whole or not at all.

    Of two files from the same labels only UIDs and the `moment` differ.
    """
    origin = origin_of(slices)
    _require_its_grid(path.name, origin, labels, geometry)
    _require_upright(path.name, origin)
    # Rows lie together, and each slice is read once for every class in it.
    volume = np.ascontiguousarray(labels.T)
    frames = _frames(path.name, volume, names)
    size = -(-len(frames) * volume[0].size // 8)
    if size > MOST_PIXEL_BYTES:
        raise VoxloopError(f"{path.name} would have {size >> 30} GB of pixels, and DICOM goes to 4; save as .seg.nrrd.")
    with quiet(), whole(path) as partial:
        try:
            header_of(origin, names, frames, maker, moment or datetime.now()).save_as(partial, enforce_file_format=True)
        except OSError:
            raise
        # What a header says of a patient may be refused anywhere in two libraries, in words that hold it.
        except Exception as error:
            raise VoxloopError(
                f"{slices[0].name} says something of its patient or study that cannot be said again ({type(error).__name__}); "
                "save as .seg.nrrd or .nii.gz."
            ) from error
        _append_pixels(partial, volume, frames, size, progress, path.name)


def _require_its_grid(name: str, origin: Origin, labels: Labels, geometry: Geometry) -> None:
    if labels.shape != geometry.shape or not origin.grid.same_as(geometry, SAME_GRID_MM):
        raise VoxloopError(
            f"{name}: the labels lie on {geometry!r}, and the DICOM slices on {origin.grid!r}; "
            "name the slices that the labels were made from."
        )


def _require_upright(name: str, origin: Origin) -> None:
    """Refuses a tilted gantry: the standard can hold it, and dcmqi, with which 3D Slicer reads, takes every stack for a straight one."""
    leaning = origin.step - origin.plane.normal * (origin.step @ origin.plane.normal)
    beside_mm = float(np.linalg.norm(leaning)) * (origin.grid.shape[2] - 1)
    if beside_mm > BESIDE_PIXELS * min(origin.plane.pixel_mm):
        raise VoxloopError(
            f"{name}: the slices are tilted against their stack (gantry tilt), and 3D Slicer would lay a DICOM segmentation of them "
            f"up to {beside_mm:.1f} mm beside its place without a word; save as .nii.gz or .nrrd, which hold the tilt."
        )


def _frames(name: str, volume: Labels, names: Mapping[int, str]) -> list[Frame]:
    """Class by class and upwards, the slices that hold it."""
    held = np.array([np.bincount(one.ravel(), minlength=256) > 0 for one in volume])
    values = sorted(names)
    if unnamed := sorted(set(np.flatnonzero(held.any(axis=0)).tolist()) - {0, *values}):
        raise VoxloopError(
            f"{name}: the labels hold {', '.join(map(str, unnamed[:8]))} without a name; say what each value means."
        )
    segments = list(enumerate(values, 1))
    frames = [Frame(segment, value, k) for segment, value in segments for k in np.flatnonzero(held[:, value]).tolist()]
    return frames or [Frame(segment, value, len(volume) // 2) for segment, value in segments]


def _append_pixels(
    path: Path, volume: Labels, frames: Sequence[Frame], size: int, progress: Progress | None, name: str
) -> None:
    """Puts the pixels behind the header, one bit each; frames follow each other without a gap, also within a byte."""
    left = np.zeros(0, np.bool_)
    with path.open("ab") as file:
        file.write(struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OB", 0, size + size % 2))
        for done, frame in enumerate(frames, 1):
            bits = np.concatenate([left, (volume[frame.k] == frame.value).ravel()])
            whole_bytes = len(bits) // 8 * 8
            file.write(np.packbits(bits[:whole_bytes], bitorder="little").tobytes())
            left = bits[whole_bytes:]
            if progress is not None:
                progress(done, len(frames), name)
        file.write(np.packbits(left, bitorder="little").tobytes() + bytes(size % 2))
