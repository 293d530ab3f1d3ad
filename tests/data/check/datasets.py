"""Small datasets to be checked, and what a check said of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import numpy.typing as npt

from voxloop.data.check import Finding, Options, Report, check

Array = npt.NDArray[Any]


def save(path: Path, voxels: Array, affine: Array, qform: Array | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = nib.Nifti1Image(voxels, None)
    image.header.set_sform(affine, 1)
    image.header.set_qform(affine if qform is None else qform, 1)
    image.header.set_xyzt_units("mm")
    nib.save(image, path)


def describe(folder: Path, cases: list[str], **changes: Any) -> None:
    """A dataset.json of spleens in CT, or with what is said otherwise."""
    content = {
        "name": "Task",
        "modality": {"0": "CT"},
        "labels": {"0": "background", "1": "spleen"},
        "numTraining": len(cases),
        "training": [{"image": f"./imagesTr/{case}.nii.gz", "label": f"./labelsTr/{case}.nii.gz"} for case in cases],
        "test": [],
    }
    (folder / "dataset.json").write_text(json.dumps({**content, **changes}))


def change(folder: Path, **changes: Any) -> None:
    path = folder / "dataset.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def listed(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "dataset.json").read_text())
    return content


def rewrite(path: Path, voxels: Array | None = None, affine: Array | None = None, **header: Any) -> None:
    """Writes a NIfTI file anew, with other voxels, another affine, or other fields of its header."""
    old = nib.load(path)
    made = nib.Nifti1Image(np.asanyarray(old.dataobj) if voxels is None else voxels, None, old.header.copy())
    if voxels is not None:
        made.set_data_dtype(voxels.dtype)
    made.header.set_slope_inter(1, 0)
    if affine is not None:
        made.header.set_sform(affine, 1)
        made.header.set_qform(affine, 1, strip_shears=True)
    for name, value in header.items():
        made.header[name] = value
    nib.save(made, path)


def voxels_of(path: Path) -> Array:
    return np.asanyarray(nib.load(path).dataobj)


def checked(folder: Path, **options: Any) -> Report:
    return check(folder, Options(**{"workers": 1, **options}))


def bad(report: Report) -> list[Finding]:
    """What is more than a note."""
    return [finding for finding in report.findings if finding.severity != "note"]


def kinds(findings: list[Finding]) -> set[str]:
    return {finding.kind for finding in findings}


def of_case(report: Report, case: str) -> set[str]:
    return kinds([finding for finding in report.findings if finding.case == case])


def told(report: Report) -> Mapping[str, str]:
    """What was said, by kind; the first of each."""
    return {finding.kind: finding.what for finding in reversed(report.findings)}
