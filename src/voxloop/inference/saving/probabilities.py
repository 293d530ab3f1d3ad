"""What a network thinks of each voxel, class by class, before one of them is chosen."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from voxloop.data.formats.writing import write_volume
from voxloop.data.geometry import Geometry
from voxloop.data.scans import sides
from voxloop.data.whole import make_folder
from voxloop.errors import VoxloopError
from voxloop.inference.saving import nifti

ENDINGS = (".nii.gz", ".nii", ".nrrd")


def save_probabilities(
    probabilities: npt.NDArray[Any], classes: Sequence[str], scan: Path, geometry: Geometry, path: Path
) -> Path:
    """Writes [channel, i, j, k] shares of one as float32 on a scan's grid, the channels last, with their names.

    NIfTI has the names as a comment of its header, NRRD under the key `channels`: {"0": "background", "1": "spleen"}.
    """
    if path.name.lower().endswith(".seg.nrrd") or not path.name.lower().endswith(ENDINGS):
        raise VoxloopError(f"{path.name} cannot hold probabilities; let it end in {', '.join(ENDINGS)}.")
    if probabilities.ndim != 4 or probabilities.shape[1:] != geometry.shape or len(probabilities) != len(classes):
        raise VoxloopError(
            f"{path.name}: the probabilities are {sides(probabilities.shape)}, for {len(classes)} classes on {sides(geometry.shape)} "
            "voxels; give one channel for each class, on the scan's grid."
        )
    shares = np.moveaxis(probabilities, 0, -1).astype(np.float32, copy=False)
    if not (shares.min() >= 0 and shares.max() <= 1):
        raise VoxloopError(
            f"{path.name}: probabilities go from 0 to 1, and these from {shares.min()} to {shares.max()}."
        )
    names = dict(enumerate(classes))
    make_folder(path.parent)
    if path.name.lower().endswith(".nrrd"):
        write_volume(path, shares, geometry, notes={"channels": json.dumps(names, ensure_ascii=False)})
    else:
        nifti.write(path, shares, scan, geometry, {"channels": names})
    return path
