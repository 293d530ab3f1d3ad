"""Mending NIfTI headers: the file is written anew with another header, and its voxels travel byte by byte as they are."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from voxloop.data.geometry import Geometry
from voxloop.data.scans import NIFTI
from voxloop.errors import VoxloopError

Edit = Callable[[Any], None]
CHUNK = 1 << 20
# What 32 bits of a quaternion lose.
SAME_MM = 0.05


def has_two_positions(path: Path) -> bool:
    """Whether it is a NIfTI file whose two forms say different things."""
    import nibabel as nib

    if not path.name.lower().endswith(NIFTI):
        return False
    header = nib.load(path).header
    (first, one), (second, other) = header.get_sform(coded=True), header.get_qform(coded=True)
    return bool(one and other) and not np.allclose(first, second, atol=SAME_MM)


def one_position(header: Any) -> None:
    """The qform says what the sform says, as far as it can: it knows no shear."""
    from nibabel.spatialimages import HeaderDataError

    try:
        header.set_qform(header.get_sform(), int(header["sform_code"]), strip_shears=False)
    except HeaderDataError:
        # Sheared axes have no quaternion; the one position that is left is then the only one.
        header["qform_code"] = 0


def three_axes(header: Any) -> None:
    """Leaves out the axes of one behind the third."""
    shape = header.get_data_shape()
    header.set_data_shape(shape[:3])


def position_of(scan: Geometry) -> Edit:
    """The header of a label says where its scan says that it is."""

    def edit(header: Any) -> None:
        header.set_sform(scan.affine, 1)
        one_position(header)

    return edit


def rewrite(source: Path, target: Path, edits: Sequence[Edit]) -> None:
    """Copies a NIfTI file with an edited header, in bounded memory."""
    import nibabel as nib

    kind = type(nib.load(source).header)
    size = kind.template_dtype.itemsize
    packed = target.name.endswith(".gz")
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with _opened(source) as old, partial.open("wb") as file:
            # As it lies in the file: once nibabel has loaded an image, its header no longer says where the voxels begin.
            header = kind(old.read(size), check=False)
            for edit in edits:
                edit(header)
            changed = header.binaryblock
            if packed:
                with gzip.GzipFile("", "wb", compresslevel=6, fileobj=file, mtime=0) as new:
                    _copy(changed, old, new)
            else:
                _copy(changed, old, file)
        partial.replace(target)
    except (OSError, EOFError, zlib.error) as error:
        raise VoxloopError(
            f"{target.name} cannot be mended ({error}); see that there is room, and check the source."
        ) from error
    finally:
        partial.unlink(missing_ok=True)


def _opened(path: Path) -> Any:
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    return gzip.open(path) if packed else path.open("rb")


def _copy(header: bytes, old: Any, new: BinaryIO | gzip.GzipFile) -> None:
    new.write(header)
    while chunk := old.read(CHUNK):
        new.write(chunk)
