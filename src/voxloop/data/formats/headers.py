"""The headers of volumes that we write: where the voxels lie, in the words of each format."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from voxloop.data.colours import colour_of
from voxloop.data.formats import metaimage as metaimage_format
from voxloop.data.formats import nrrd as nrrd_format
from voxloop.data.geometry import Affine, Geometry
from voxloop.errors import VoxloopError

LPS_FROM_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
NRRD_TYPES = {code: names.split(",")[0] for code, names in nrrd_format.TYPES.items()}
# Of two names for a type the first.
META_TYPES = {code: name for name, code in reversed(metaimage_format.DTYPES.items())}
# A qform is a rotation. Beyond this an affine is sheared, and over a thousand voxels the two would differ by a hundredth of one.
SHEARED = 1e-5
NIFTI_LONGEST = 2**15 - 1


def nifti(path: Path, voxels: npt.NDArray[Any], geometry: Geometry) -> bytes:
    """A NIfTI-1 header, with what stands between it and the voxels.

    Its sform is the affine; so is its qform, except where the axes are not at right angles, which a qform cannot say.
    """
    import nibabel as nib

    if max(voxels.shape) > NIFTI_LONGEST:
        raise VoxloopError(
            f"{path.name} has {max(voxels.shape):,} voxels in a row, and NIfTI goes to {NIFTI_LONGEST:,}; write an NRRD file."
        )
    header = nib.Nifti1Header(endianness="<")
    header.set_data_dtype(voxels.dtype)
    header.set_data_shape(voxels.shape)
    header.set_xyzt_units("mm")
    header.set_zooms((*geometry.spacing_mm, *(1.0,) * (voxels.ndim - 3)))
    if not _is_sheared(geometry.affine):
        header.set_qform(geometry.affine, 1)
    header.set_sform(geometry.affine, 1)
    header["vox_offset"] = 352
    header["scl_slope"], header["scl_inter"] = 1, 0
    header["magic"] = b"n+1"
    return bytes(header.binaryblock) + bytes(4)


def nrrd(
    voxels: npt.NDArray[Any], geometry: Geometry, names: Mapping[int, str], notes: Mapping[str, str] | None = None
) -> bytes:
    """The text of an NRRD header, the names of labels as 3D Slicer writes them, and notes under keys of one's own."""
    affine = LPS_FROM_RAS @ geometry.affine
    several = voxels.ndim == 4
    sizes = (voxels.shape[3], *geometry.shape) if several else geometry.shape
    vectors = [_vector(affine[:3, axis]) for axis in range(3)]
    lines = [
        "NRRD0004",
        f"type: {NRRD_TYPES[voxels.dtype.str[1:]]}",
        f"dimension: {voxels.ndim}",
        "space: left-posterior-superior",
        f"sizes: {' '.join(map(str, sizes))}",
        f"space directions: {' '.join(['none', *vectors] if several else vectors)}",
        f"kinds: {' '.join(['list'] * several + ['domain'] * 3)}",
        "endian: little",
        "encoding: gzip",
        f"space origin: {_vector(affine[:3, 3])}",
        *_keys({**_segments(names, geometry), **(notes or {})}),
    ]
    return ("\n".join(lines) + "\n\n").encode()


def metaimage(voxels: npt.NDArray[Any], geometry: Geometry, packed_bytes: int) -> bytes:
    """The text of a MetaImage header. It has the same length whatever the length of the packed voxels."""
    affine = LPS_FROM_RAS @ geometry.affine
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    lines = [
        "ObjectType = Image",
        "NDims = 3",
        "BinaryData = True",
        "BinaryDataByteOrderMSB = False",
        "CompressedData = True",
        f"CompressedDataSize = {packed_bytes:<15}",
        f"TransformMatrix = {_row((affine[:3, :3] / spacing).T.ravel())}",
        f"Offset = {_row(affine[:3, 3])}",
        "CenterOfRotation = 0 0 0",
        f"ElementSpacing = {_row(spacing)}",
        f"DimSize = {' '.join(map(str, geometry.shape))}",
        *([f"ElementNumberOfChannels = {voxels.shape[3]}"] if voxels.ndim == 4 else []),
        f"ElementType = {META_TYPES[voxels.dtype.str[1:]]}",
        "ElementDataFile = LOCAL",
    ]
    return ("\n".join(lines) + "\n").encode()


def _segments(names: Mapping[int, str], geometry: Geometry) -> dict[str, str]:
    """The keys that make a label map a segmentation in 3D Slicer."""
    if not names:
        return {}
    keys = {
        "Segmentation_ContainedRepresentationNames": "Binary labelmap|",
        "Segmentation_MasterRepresentation": "Binary labelmap",
        "Segmentation_ReferenceImageExtentOffset": "0 0 0",
    }
    extent = " ".join(f"0 {side - 1}" for side in geometry.shape)
    for number, (value, name) in enumerate(sorted(names.items())):
        keys |= {
            f"Segment{number}_ID": f"Segment_{value}",
            f"Segment{number}_Name": name,
            f"Segment{number}_LabelValue": str(value),
            f"Segment{number}_Layer": "0",
            f"Segment{number}_Extent": extent,
            # Segments without a colour of their own are all green in 3D Slicer.
            f"Segment{number}_Color": " ".join(f"{part / 255:.3f}" for part in colour_of(number)),
        }
    return keys


def _keys(keys: Mapping[str, str]) -> list[str]:
    return [f"{key}:={_escaped(value)}" for key, value in keys.items()]


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\\n")


def _is_sheared(affine: Affine) -> bool:
    turn = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
    return float(np.abs(turn.T @ turn - np.eye(3)).max()) > SHEARED


def _vector(numbers: npt.NDArray[np.float64]) -> str:
    return f"({','.join(_number(number) for number in numbers)})"


def _row(numbers: npt.NDArray[np.float64]) -> str:
    return " ".join(_number(number) for number in numbers)


def _number(number: float) -> str:
    """The shortest text that is exactly this number; zero has no sign."""
    return repr(float(number) + 0.0).removesuffix(".0")
