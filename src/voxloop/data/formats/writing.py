"""Writing volumes: whole files or none, the same bytes every time, and voxels and their places exactly as they were given.

What a format cannot hold is refused rather than rounded. The headers' texts are in `headers`.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from voxloop.data.formats import headers
from voxloop.data.geometry import Geometry
from voxloop.data.scans import sides
from voxloop.data.whole import whole
from voxloop.errors import VoxloopError

ENDINGS = (".nii.gz", ".nii", ".nrrd", ".mha")
Progress = Callable[[int, int, str], None]


def write_volume(
    path: Path,
    voxels: npt.NDArray[Any],
    geometry: Geometry,
    *,
    channels_last: bool = True,
    names: Mapping[int, str] | None = None,
    notes: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> None:
    """Writes [i, j, k] voxels, or those of several channels, to a .nii, .nii.gz, .nrrd or .mha file.

    Of four axes the last one counts the channels, or the first where `channels_last` is false. `names` of label values go
    into an NRRD file as 3D Slicer's segments; call it .seg.nrrd, and Slicer opens it as a segmentation. So do `notes`, under keys
    of their own.
    """
    ending = next((ending for ending in ENDINGS if path.name.lower().endswith(ending)), None)
    if ending is None:
        raise VoxloopError(f"{path.name} has no ending that can be written; let it end in {', '.join(ENDINGS)}.")
    voxels = _checked(path, voxels, geometry, channels_last)
    if (names or notes) and ending != ".nrrd":
        raise VoxloopError(f"{path.name} has no place for the names of labels; write a .seg.nrrd file.")
    with whole(path) as partial, partial.open("wb") as file:
        if ending == ".mha":
            _write_metaimage(file, voxels, geometry, progress, path.name)
            return
        header = (
            headers.nrrd(voxels, geometry, names or {}, notes)
            if ending == ".nrrd"
            else headers.nifti(path, voxels, geometry)
        )
        planes = _planes(voxels, ending != ".nrrd", progress, path.name)
        # Of a NIfTI file all is packed, of an NRRD file the voxels.
        if ending == ".nrrd":
            file.write(header)
            _write_gzip(file, planes)
        elif ending == ".nii.gz":
            _write_gzip(file, _chain(header, planes))
        else:
            for part in _chain(header, planes):
                file.write(part)


def _checked(path: Path, voxels: npt.NDArray[Any], geometry: Geometry, channels_last: bool) -> npt.NDArray[Any]:
    """The voxels with the channels last, or without channels where there is one."""
    if voxels.dtype.kind not in "iuf" or voxels.dtype.itemsize > 8 or voxels.dtype == np.float16:
        raise VoxloopError(
            f"{path.name} cannot hold {voxels.dtype} voxels; convert them to integers of 8 to 64 bits, float32 or float64."
        )
    if voxels.ndim == 4:
        voxels = voxels if channels_last else np.moveaxis(voxels, 0, -1)
        voxels = voxels[..., 0] if voxels.shape[-1] == 1 else voxels
    if voxels.ndim not in (3, 4) or voxels.shape[:3] != geometry.shape or not voxels.size:
        raise VoxloopError(
            f"{path.name}: the voxels are {sides(voxels.shape)} and their geometry {sides(geometry.shape)}; give both the same shape."
        )
    if not np.isfinite(geometry.affine).all() or abs(np.linalg.det(geometry.affine[:3, :3])) < 1e-9:
        raise VoxloopError(
            f"{path.name}: the affine is not invertible, so that the voxels lie nowhere; give it a sound one."
        )
    return voxels


def _planes(voxels: npt.NDArray[Any], channels_apart: bool, progress: Progress | None, name: str) -> Iterator[bytes]:
    """The voxels in the order of the file, little end first, slice by slice: channel after channel, or voxel after voxel."""
    little = voxels.dtype.newbyteorder("<")
    if voxels.ndim == 4 and channels_apart:
        slices = [voxels[:, :, k, channel] for channel in range(voxels.shape[3]) for k in range(voxels.shape[2])]
    elif voxels.ndim == 4:
        slices = [np.moveaxis(voxels[:, :, k], -1, 0) for k in range(voxels.shape[2])]
    else:
        slices = [voxels[:, :, k] for k in range(voxels.shape[2])]
    for number, one in enumerate(slices, start=1):
        yield one.astype(little, copy=False).tobytes(order="F")
        if progress is not None:
            progress(number, len(slices), name)


def _chain(header: bytes, planes: Iterator[bytes]) -> Iterator[bytes]:
    yield header
    yield from planes


def _write_gzip(file: BinaryIO, parts: Iterator[bytes]) -> None:
    import gzip

    # Neither a name nor a time, so that the same voxels are the same bytes.
    with gzip.GzipFile("", "wb", compresslevel=6, fileobj=file, mtime=0) as packed:
        for part in parts:
            packed.write(part)


def _write_metaimage(
    file: BinaryIO, voxels: npt.NDArray[Any], geometry: Geometry, progress: Progress | None, name: str
) -> None:
    """The header says how long the packed voxels are, so it is written again when that is known."""
    file.write(headers.metaimage(voxels, geometry, 0))
    start = file.tell()
    packer = zlib.compressobj(6)
    for part in _planes(voxels, False, progress, name):
        file.write(packer.compress(part))
    file.write(packer.flush())
    packed = file.tell() - start
    file.seek(0)
    file.write(headers.metaimage(voxels, geometry, packed))
