"""A tiny Task09_Spleen: three real cases, packed as the published one is, with what macOS leaves in it."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from dataclasses import replace
from functools import cache

import nibabel as nib
import numpy as np

from voxloop.data.fetch.tasks import Task, find_task


@cache
def tiny_files() -> dict[str, bytes]:
    """The dataset's files, by their names below its folder."""
    rng = np.random.default_rng(0)
    files = {}
    for number, folder in ((2, "imagesTr"), (3, "imagesTr"), (7, "imagesTs")):
        # Noise, so that packing leaves enough of it for a download to break off in.
        scan = rng.integers(-1000, 1000, (37, 41, 43), dtype=np.int16)
        files[f"{folder}/spleen_{number}.nii.gz"] = nifti(scan)
        if folder == "imagesTr":
            files[f"labelsTr/spleen_{number}.nii.gz"] = nifti((scan > 900).astype(np.uint8))
    pairs = [{"image": f"./imagesTr/spleen_{n}.nii.gz", "label": f"./labelsTr/spleen_{n}.nii.gz"} for n in (2, 3)]
    content = {
        "name": "Spleen",
        "modality": {"0": "CT"},
        "labels": {"0": "background", "1": "spleen"},
        "training": pairs,
        "test": ["./imagesTs/spleen_7.nii.gz"],
    }
    files["dataset.json"] = json.dumps(content).encode()
    return files


def nifti(voxels: np.ndarray) -> bytes:
    import gzip

    return gzip.compress(nib.Nifti1Image(voxels, np.diag([0.8, 0.8, 5.0, 1.0])).to_bytes(), 1, mtime=0)


@cache
def tiny_tar() -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, content in tiny_files().items():
            folder, _, file = name.rpartition("/")
            beside = f"{folder}/._{file}" if folder else f"._{file}"
            for member, data in ((name, content), (beside, b"Mac OS X")):
                info = tarfile.TarInfo(f"Task09_Spleen/{member}")
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
    return packed.getvalue()


def tiny_task(tar: bytes | None = None) -> Task:
    """The table's task with the checksum of the tiny tar; everything else checks as ever."""
    content = tiny_tar() if tar is None else tar
    return replace(
        find_task("spleen"), training=2, test=1, about_bytes=len(content), md5=hashlib.md5(content).hexdigest()
    )
