"""NIfTI files with the header of the scan that they belong to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy.typing as npt

from voxloop.data.formats import headers
from voxloop.data.geometry import Geometry
from voxloop.data.scans import NIFTI, reason, sides
from voxloop.data.whole import whole
from voxloop.errors import VoxloopError


def write(
    path: Path, voxels: npt.NDArray[Any], scan: Path, geometry: Geometry, meaning: Mapping[str, Mapping[int, str]]
) -> None:
    """Writes [i, j, k] voxels, or those of several volumes, on a scan's grid; what they mean goes into the header."""
    import nibabel as nib

    image = _image(path, voxels, scan, geometry)
    # As a comment: {"labels": {"1": "edema", ...}}.
    said = json.dumps(meaning, ensure_ascii=False).encode()
    image.header.extensions.append(nib.nifti1.Nifti1Extension("comment", said))
    with whole(path, "free some space or choose another --out") as partial:
        nib.save(image, partial)


def _image(path: Path, voxels: npt.NDArray[Any], scan: Path, geometry: Geometry) -> Any:
    import nibabel as nib

    if not scan.name.lower().endswith(NIFTI):
        header = nib.Nifti1Header(headers.nifti(path, voxels, geometry)[:348])
        return nib.Nifti1Image(voxels, None, header)
    try:
        source = nib.load(scan)
    # nibabel raises whatever its parts raise.
    except Exception as error:
        raise VoxloopError(
            f"{scan} is not there as it was when it was segmented ({reason(error)}); bring it back, and predict again."
        ) from error
    # A picture of one slice has no third axis.
    if (*source.shape, 1)[:3] != geometry.shape:
        raise VoxloopError(
            f"{scan} has {sides(source.shape)} voxels now, and had {sides(geometry.shape)} when it was segmented; predict again."
        )
    header = source.header.copy()
    header.set_data_dtype(voxels.dtype)
    header.set_slope_inter(1, 0)
    header["cal_min"], header["cal_max"] = 0, 0
    header["descrip"] = b"voxloop prediction, not a medical device"
    header["vox_offset"] = 0
    if voxels.ndim == 4 and len(source.shape) < 4:
        header["pixdim"][4] = 1
    # The channels of an MRI have one label map; an axis of one, as some tools write it, is kept.
    several = voxels.ndim == 4 or (len(source.shape) == 4 and source.shape[3] > 1)
    # No affine is handed over: nibabel would then write one matrix over the other where the scan's disagree.
    return type(source)(voxels if several else voxels.reshape(source.shape), None, header)
