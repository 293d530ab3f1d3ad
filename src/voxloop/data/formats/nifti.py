"""NIfTI files read with suspicion: headers lie, downloads break off, labels lie on another grid."""

from __future__ import annotations

import logging
import math
import struct
from contextvars import ContextVar
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from voxloop.data.formats.packed import GZIP, cut_off, first_bytes, require_unpacks, unpack_into
from voxloop.data.geometry import Geometry
from voxloop.data.scans import Scan, reason, require_believable
from voxloop.errors import VoxloopError

# What stands between a header and its voxels is a few pages of text; CIFTI writes some megabytes.
MOST_BEFORE_VOXELS = 64 << 20


def open_scan(path: Path) -> Scan:
    """Reads a header and checks that it can be true of its file."""
    import nibabel as nib
    from nibabel.spatialimages import HeaderDataError

    _require_sane_start(path)
    try:
        image = _load(path)
        if not isinstance(image, nib.Nifti1Image):
            raise VoxloopError(f"{path.name} is no NIfTI volume but {type(image).__name__}; is its ending right?")
        shape = tuple(int(side) for side in image.shape)
        affine = np.asarray(image.affine, dtype=np.float64)
        dtype = image.get_data_dtype()
        offset = int(image.dataobj.offset)
        scaled = image.dataobj.slope != 1 or image.dataobj.inter != 0
    except VoxloopError:
        raise
    except HeaderDataError as error:
        raise VoxloopError(
            f"{path.name} has a broken header ({reason(error)}); write it anew from its source."
        ) from error
    # Extensions are parsed by whoever knows them, and each breaks in its own way.
    except Exception as error:
        raise VoxloopError(
            f"{path.name} is no readable NIfTI file ({reason(error)}); copy or download it again."
        ) from error
    require_believable(path, shape, affine)
    if dtype.kind not in "iuf":
        what = "colours" if dtype.fields else "complex numbers" if dtype.kind == "c" else f"the type {dtype}"
        raise VoxloopError(f"{path.name} holds {what}; a scan holds one number a voxel and channel, save it as such.")
    voxels = math.prod(shape)
    _require_whole(path, offset + voxels * dtype.itemsize, voxels * (8 if scaled else dtype.itemsize))
    channels = shape[3] if len(shape) == 4 else 1
    grid = Geometry((shape[0], shape[1], shape[2] if len(shape) > 2 else 1), affine)
    return Scan(path, grid, channels, dtype, partial(_voxels, path, channels))


def _voxels(path: Path, channels: int) -> npt.NDArray[Any]:
    stored = _load(path).dataobj
    try:
        voxels = _unpacked(path, stored) if _is_packed(path) else np.asanyarray(stored)
    except (OSError, ValueError) as error:
        raise VoxloopError(
            f"{path.name} is cut off or damaged ({reason(error)}); copy or download it again."
        ) from error
    # A trailing axis of one, as some tools write it, holds nothing; a picture of one slice has no third axis.
    if voxels.ndim == 2:
        return voxels[..., None]
    return voxels[..., 0] if voxels.ndim == 4 and channels == 1 else voxels


def _unpacked(path: Path, stored: Any) -> npt.NDArray[Any]:
    """What nibabel reads, and the checksum behind it, which nibabel does not look at."""
    from nibabel.volumeutils import apply_read_scaling

    content = np.empty(math.prod(stored.shape) * stored.dtype.itemsize, np.uint8)
    unpack_into(content, path, 0, int(stored.offset))
    voxels = content.view(stored.dtype).reshape(stored.shape, order="F")
    scaled: npt.NDArray[Any] = apply_read_scaling(voxels, np.asanyarray(stored.slope), np.asanyarray(stored.inter))
    return scaled


def _is_packed(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == GZIP


def _require_whole(path: Path, expected: int, in_memory: int) -> None:
    """Refuses a file that ends before its voxels do, before any is read."""
    if _is_packed(path):
        require_unpacks(path, 0, expected, in_memory)
    elif path.stat().st_size < expected:
        raise cut_off(path, path.stat().st_size, expected)


def _require_sane_start(path: Path) -> None:
    """Refuses an offset or an extension that would have nibabel read the rest of the file into memory, or more."""
    start = first_bytes(path, 544)
    order = next(
        (order for order in "<>" if start[:4] in (struct.pack(f"{order}i", size) for size in (348, 540))), None
    )
    if order is None or len(start) < 352:
        return
    first = struct.unpack(f"{order}i", start[:4])[0] + 4
    kind, at = ("f", 108) if first == 352 else ("q", 168)
    (offset,) = struct.unpack_from(f"{order}{kind}", start, at)
    if not 0 <= offset <= MOST_BEFORE_VOXELS:
        raise VoxloopError(
            f"{path.name} says that its voxels begin at byte {offset:,.0f}, which cannot be; write it anew from its source."
        )
    if len(start) < first or start[first - 4] == 0:
        return
    before = first_bytes(path, int(offset))
    at = first
    while at + 16 <= offset:
        size = struct.unpack(f"{order}i", before[at : at + 4])[0] if at + 4 <= len(before) else 0
        if size < 8 or at + size > len(before):
            raise VoxloopError(
                f"{path.name} has a damaged extension to its header; copy it again, or write it anew from its source."
            )
        at += size


class _Hushed(logging.Filter):
    """nibabel prints on the terminal what it mends in a header; where we open a file, what matters is said in a sentence."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not _opening.get()


_opening: ContextVar[bool] = ContextVar("opening", default=False)
_hushed = _Hushed()


def _load(path: Path) -> Any:
    import nibabel as nib
    from nibabel import imageglobals

    imageglobals.logger.addFilter(_hushed)
    token = _opening.set(True)
    try:
        return nib.load(path)
    finally:
        _opening.reset(token)
