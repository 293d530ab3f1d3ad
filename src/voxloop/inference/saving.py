"""A prediction as a file that other programs read, in the scan's own geometry."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from voxloop.data.scans import NIFTI
from voxloop.data.whole import whole

if TYPE_CHECKING:
    from voxloop.inference.predict import Prediction


def save(prediction: Prediction, path: Path) -> Path:
    """Writes uint8 labels, and their names, with the scan's own header: both its matrices, their codes and its units."""
    import nibabel as nib

    image = _image(prediction)
    # What the values mean travels in the file, as a comment of the header: {"labels": {"1": "edema", ...}}.
    meaning = json.dumps({"labels": dict(enumerate(prediction.classes))}, ensure_ascii=False)
    image.header.extensions.append(nib.nifti1.Nifti1Extension("comment", meaning.encode()))
    with whole(path, "free some space or choose another --out") as partial:
        path.parent.mkdir(parents=True, exist_ok=True)
        nib.save(image, partial)
    return path


def _image(prediction: Prediction) -> Any:
    import nibabel as nib

    if not prediction.scan.name.lower().endswith(NIFTI):
        return nib.Nifti1Image(prediction.labels, prediction.geometry.affine)
    source = nib.load(prediction.scan)
    header = source.header.copy()
    header.set_data_dtype(np.uint8)
    header.set_slope_inter(1, 0)
    header["cal_min"], header["cal_max"] = 0, 0
    header["descrip"] = b"voxloop prediction, not a medical device"
    header["vox_offset"] = 0
    # No affine is handed over: nibabel would then write one matrix over the other where the scan's disagree.
    # The channels of an MRI have one label map; an axis of one, as some tools write it, is kept.
    shape = source.shape[:3] if len(source.shape) == 4 and source.shape[3] > 1 else source.shape
    return nib.Nifti1Image(prediction.labels.reshape(shape), None, header)
