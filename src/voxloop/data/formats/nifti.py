"""NIfTI files read with suspicion: headers lie, downloads break off, labels lie on another grid."""

from __future__ import annotations

import zlib
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from voxloop.data.geometry import Geometry
from voxloop.data.scans import Scan, reason, require_believable
from voxloop.errors import VoxloopError

# gzip packs zeros about a thousand times; a file that is smaller still cannot hold what its header says.
LEAST_BYTES_PER_VOXEL = 1 / 4096


def open_scan(path: Path) -> Scan:
    """Reads a header and checks that it can be true of its file."""
    import nibabel as nib
    from nibabel.filebasedimages import ImageFileError
    from nibabel.spatialimages import HeaderDataError

    try:
        image = nib.load(path)
        shape = tuple(int(side) for side in image.shape)
        affine = np.asarray(image.affine, dtype=np.float64)
    except (ImageFileError, OSError, EOFError, ValueError, zlib.error, KeyError, OverflowError) as error:
        raise VoxloopError(
            f"{path.name} is no readable NIfTI file ({reason(error)}); copy or download it again."
        ) from error
    except HeaderDataError as error:
        raise VoxloopError(
            f"{path.name} has a broken header ({reason(error)}); write it anew from its source."
        ) from error
    require_believable(path, shape, affine)
    voxels = float(np.prod([float(side) for side in shape]))
    if path.stat().st_size < voxels * LEAST_BYTES_PER_VOXEL:
        raise VoxloopError(
            f"{path.name} claims {voxels:.3g} voxels in a file of {path.stat().st_size:,} bytes, which cannot be; its header is damaged."
        )
    _require_whole(path, int(image.dataobj.offset) + int(voxels) * image.get_data_dtype().itemsize)
    channels = shape[3] if len(shape) == 4 else 1
    grid = Geometry((shape[0], shape[1], shape[2] if len(shape) > 2 else 1), affine)
    return Scan(path, grid, channels, image.get_data_dtype(), partial(_voxels, path, channels))


def _voxels(path: Path, channels: int) -> npt.NDArray[Any]:
    import nibabel as nib

    try:
        voxels = np.asanyarray(nib.load(path).dataobj)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise VoxloopError(
            f"{path.name} is cut off or damaged ({reason(error)}); copy or download it again."
        ) from error
    # A trailing axis of one, as some tools write it, holds nothing; a picture of one slice has no third axis.
    if voxels.ndim == 2:
        return voxels[..., None]
    return voxels[..., 0] if voxels.ndim == 4 and channels == 1 else voxels


def _require_whole(path: Path, expected: int) -> None:
    """Refuses a file that ends before its voxels do, without reading it where its last bytes tell.

    gzip ends with the unpacked size. Only where that disagrees, which a file packed in several members may, is it unpacked.
    """
    with path.open("rb") as file:
        if file.read(2) != b"\x1f\x8b":
            there = path.stat().st_size
        else:
            file.seek(-4, 2)
            if int.from_bytes(file.read(4), "little") == expected % 2**32:
                return
            there = _unpacked_size(path, expected)
    if there < expected:
        raise VoxloopError(
            f"{path.name} is cut off: {there:,} of {expected:,} bytes are there; copy or download it again."
        )


def _unpacked_size(path: Path, enough: int) -> int:
    """How many bytes unpack before the file ends or breaks, in bounded memory."""
    import gzip

    size = 0
    try:
        with gzip.open(path) as file:
            while size < enough and (chunk := file.read(1 << 20)):
                size += len(chunk)
    except (OSError, EOFError, zlib.error):
        pass
    return size
