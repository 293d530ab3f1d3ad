"""A dataset in which everything is wrong that goes wrong in practice, one fault a case, listed in faults.json."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from voxloop.data.phantom.abdomen import draw_case
from voxloop.data.phantom.faults import LABEL_FAULTS, PLANTS
from voxloop.data.phantom.layout import PhantomCase, write, write_nifti
from voxloop.errors import VoxloopError

# Enough different ones that a rule about the crowd has a crowd.
PATIENTS = 15


@dataclass(frozen=True, slots=True)
class Fault:
    """A planted fault: which file, a word for it, and what it is."""

    file: str
    kind: str
    what: str


def make_broken(out: Path, seed: int = 0) -> list[Fault]:
    """Writes the dataset; answers with what is wrong in it. `spleen_0` is sound."""
    if out.exists() and any(out.iterdir()):
        raise VoxloopError(f"{out} is already there and not empty; choose another --out.")
    for folder in ("imagesTr", "labelsTr", "imagesTs"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    faults, listed = [], []
    drawn: dict[int, PhantomCase] = {}
    for index, (kind, plant) in enumerate([("sound", None), *PLANTS.items()]):
        case = _patient(index, seed, drawn)
        image, label = (
            out / "imagesTr" / f"spleen_{index}.nii.gz",
            out / "labelsTr" / f"spleen_{index}.nii.gz",
        )
        write_nifti(image, case.header.image(case.voxels))
        write_nifti(label, case.header.image(case.labels))
        if plant is not None:
            what = plant(image, label, case)
            where = label if kind in LABEL_FAULTS else image
            faults.append(Fault(where.relative_to(out).as_posix(), kind, what))
        listed.append({"image": f"./imagesTr/{image.name}", "label": f"./labelsTr/{label.name}"})
    faults += _around(out, listed, seed)
    content = {
        "name": "Spleen",
        "description": "Deliberately broken synthetic CT, for checkers",
        "reference": "voxloop data phantom broken",
        "licence": "CC0 1.0",
        "release": "1.0",
        "tensorImageSize": "3D",
        "modality": {"0": "CT"},
        "labels": {"0": "background", "1": "spleen"},
        "numTraining": len(listed),
        "numTest": 0,
        "training": listed,
        "test": [],
    }
    write(out / "dataset.json", (json.dumps(content, indent=2) + "\n").encode())
    write(out / "faults.json", (json.dumps([asdict(fault) for fault in faults], indent=2) + "\n").encode())
    return faults


def _patient(index: int, seed: int, drawn: dict[int, PhantomCase]) -> PhantomCase:
    """A patient of its own; from the fifteenth on, one that was drawn before, moved and with other noise, which is quicker."""
    first, times = index % PATIENTS, index // PATIENTS
    if first not in drawn:
        drawn[first] = draw_case(first, seed, "small", "A", awkward=False)
    case = drawn[first]
    if times == 0:
        return case
    noise = np.random.default_rng([seed, index]).integers(-4, 5, case.voxels.shape).astype(np.int16)
    voxels = np.clip(np.roll(case.voxels, times, axis=0) + noise, -1024, 3071)
    return replace(case, voxels=voxels, labels=np.roll(case.labels, times, axis=0))


def _around(out: Path, listed: list[dict[str, str]], seed: int) -> list[Fault]:
    """Faults of the folder and the list rather than of one file."""
    write(out / "imagesTr" / "._spleen_0.nii.gz", b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        ")
    first = (out / "imagesTr" / "spleen_0.nii.gz").read_bytes()
    write(out / "imagesTr" / "spleen_copy.nii.gz", first)
    write(out / "labelsTr" / "spleen_copy.nii.gz", (out / "labelsTr" / "spleen_0.nii.gz").read_bytes())
    listed.append({"image": "./imagesTr/spleen_copy.nii.gz", "label": "./labelsTr/spleen_copy.nii.gz"})
    noise = np.random.default_rng(seed).integers(-9, 10, size=1000).astype(np.int16)
    other = draw_case(len(listed), seed, "small", "A", awkward=False)
    for name, voxels, labels in (
        ("spleen_other_a", other.voxels, other.labels),
        ("spleen_other_b", other.voxels, np.roll(other.labels, 2, axis=1)),
        ("spleen_same_label", np.resize(noise, other.voxels.shape) + other.voxels, other.labels),
    ):
        write_nifti(out / "imagesTr" / f"{name}.nii.gz", other.header.image(voxels))
        write_nifti(out / "labelsTr" / f"{name}.nii.gz", other.header.image(labels))
        listed.append({"image": f"./imagesTr/{name}.nii.gz", "label": f"./labelsTr/{name}.nii.gz"})
    write(out / "labelsTr" / "spleen_stray.nii.gz", (out / "labelsTr" / "spleen_0.nii.gz").read_bytes())
    return [
        Fault(
            "imagesTr/._spleen_0.nii.gz",
            "apple_double",
            "a file that macOS left beside the scan, no scan itself",
        ),
        Fault("imagesTr/spleen_copy.nii.gz", "duplicate", "the same content as spleen_0 under another name"),
        Fault("labelsTr/spleen_other_b.nii.gz", "two_labels", "the scan of spleen_other_a with another label"),
        Fault("labelsTr/spleen_same_label.nii.gz", "same_label", "the label of spleen_other_a with another scan"),
        Fault("labelsTr/spleen_stray.nii.gz", "stray_label", "a label without a scan, not listed"),
    ]
