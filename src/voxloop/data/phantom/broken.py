"""A dataset in which everything is wrong that goes wrong in practice, one fault a case, listed in faults.json."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from voxloop.data.phantom.abdomen import draw_case
from voxloop.data.phantom.layout import PhantomCase, write, write_nifti
from voxloop.errors import VoxloopError


@dataclass(frozen=True, slots=True)
class Fault:
    """A planted fault: which file, a word for it, and what it is."""

    file: str
    kind: str
    what: str


Plant = Callable[[Path, Path, PhantomCase], str]


def make_broken(out: Path, seed: int = 0) -> list[Fault]:
    """Writes the dataset; answers with what is wrong in it. `spleen_0` is sound."""
    if out.exists() and any(out.iterdir()):
        raise VoxloopError(f"{out} is already there and not empty; choose another --out.")
    for folder in ("imagesTr", "labelsTr", "imagesTs"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    faults, listed = [], []
    for index, (kind, plant) in enumerate([("sound", _sound), *PLANTS.items()]):
        case = draw_case(index, seed, "small", "A", awkward=False)
        image, label = (
            out / "imagesTr" / f"spleen_{index}.nii.gz",
            out / "labelsTr" / f"spleen_{index}.nii.gz",
        )
        write_nifti(image, case.header.image(case.voxels))
        write_nifti(label, case.header.image(case.labels))
        what = plant(image, label, case)
        if kind != "sound":
            where = label if kind in LABEL_FAULTS else image
            faults.append(Fault(where.relative_to(out).as_posix(), kind, what))
        listed.append({"image": f"./imagesTr/{image.name}", "label": f"./labelsTr/{label.name}"})
    faults += _around(out, listed)
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


def _around(out: Path, listed: list[dict[str, str]]) -> list[Fault]:
    """Faults of the folder and the list rather than of one file."""
    write(out / "imagesTr" / "._spleen_0.nii.gz", b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        ")
    first = (out / "imagesTr" / "spleen_0.nii.gz").read_bytes()
    write(out / "imagesTr" / "spleen_copy.nii.gz", first)
    write(out / "labelsTr" / "spleen_copy.nii.gz", (out / "labelsTr" / "spleen_0.nii.gz").read_bytes())
    listed.append({"image": "./imagesTr/spleen_copy.nii.gz", "label": "./labelsTr/spleen_copy.nii.gz"})
    write(out / "labelsTr" / "spleen_stray.nii.gz", (out / "labelsTr" / "spleen_0.nii.gz").read_bytes())
    return [
        Fault(
            "imagesTr/._spleen_0.nii.gz",
            "apple_double",
            "a file that macOS left beside the scan, no scan itself",
        ),
        Fault("imagesTr/spleen_copy.nii.gz", "duplicate", "the same content as spleen_0 under another name"),
        Fault("labelsTr/spleen_stray.nii.gz", "stray_label", "a label without a scan, not listed"),
    ]


def _sound(image: Path, label: Path, case: PhantomCase) -> str:
    return ""


def _relabel(label: Path, case: PhantomCase, values: npt.NDArray[Any]) -> None:
    made = case.header.image(values)
    write_nifti(label, made)


def _value_255(image: Path, label: Path, case: PhantomCase) -> str:
    _relabel(label, case, np.where(case.labels > 0, 255, 0).astype(np.uint8))
    return "the spleen is 255, a value without a name"


def _fractions(image: Path, label: Path, case: PhantomCase) -> str:
    _relabel(label, case, case.labels.astype(np.float32) * np.float32(0.73))
    return "labels are fractions, as of a probability map"


def _empty(image: Path, label: Path, case: PhantomCase) -> str:
    _relabel(label, case, np.zeros_like(case.labels))
    return "the label holds background only"


def _not_a_number(image: Path, label: Path, case: PhantomCase) -> str:
    voxels = case.voxels.astype(np.float32)
    voxels[::5, ::7, ::3] = np.nan
    write_nifti(image, case.header.image(voxels))
    return "the scan holds NaN"


def _one_slice_less(image: Path, label: Path, case: PhantomCase) -> str:
    _relabel(label, case, case.labels[:, :, :-1])
    return "the label has one slice less than the scan"


def _shifted(image: Path, label: Path, case: PhantomCase) -> str:
    made = case.header.image(case.labels)
    affine = case.header.geometry.affine.copy()
    affine[:3, 3] += (12.0, 0.0, -9.0)
    made.header.set_sform(affine, 1)
    made.header.set_qform(affine, 1)
    write_nifti(label, made)
    return "the label lies 15 mm away from the scan"


def _flipped(image: Path, label: Path, case: PhantomCase) -> str:
    made = case.header.image(case.labels[::-1])
    affine = case.header.geometry.affine @ np.diag([-1.0, 1.0, 1.0, 1.0])
    made.header.set_sform(affine, 1)
    made.header.set_qform(affine, 1)
    write_nifti(label, made)
    return "the label's first axis runs the other way, and its origin was not moved with it"


def _cut_off(image: Path, label: Path, case: PhantomCase) -> str:
    content = image.read_bytes()
    write(image, content[: len(content) * 2 // 3])
    return "the file ends after two thirds"


def _extra_axis(image: Path, label: Path, case: PhantomCase) -> str:
    write_nifti(image, case.header.image(case.voxels[..., None]))
    return "a fourth axis of one"


def _lying_size(image: Path, label: Path, case: PhantomCase) -> str:
    content = bytearray(gzip.decompress(image.read_bytes()))
    content[42:48] = np.array([30_000, 30_000, 30_000], "<i2").tobytes()
    write(image, gzip.compress(bytes(content), 3, mtime=0))
    return "the header claims 27 million million voxels"


def _no_affine(image: Path, label: Path, case: PhantomCase) -> str:
    made = case.header.image(case.voxels)
    for row in ("srow_x", "srow_y", "srow_z"):
        made.header[row] = np.nan
    write_nifti(image, made)
    return "the affine is not a number"


def _two_forms(image: Path, label: Path, case: PhantomCase) -> str:
    made = case.header.image(case.voxels)
    far = case.header.geometry.affine.copy()
    far[:3, 3] += (0.0, 40.0, 0.0)
    made.header.set_qform(far, 1)
    write_nifti(image, made)
    return "qform and sform disagree by 40 mm"


def _other_modality(image: Path, label: Path, case: PhantomCase) -> str:
    write_nifti(image, case.header.image(np.clip((case.voxels + 1024) // 8, 0, 255).astype(np.int16)))
    return "values of 0..255, which are no HU"


def _one_slice(image: Path, label: Path, case: PhantomCase) -> str:
    write_nifti(image, case.header.image(case.voxels[:, :, :1]))
    _relabel(label, case, case.labels[:, :, :1])
    return "one slice only"


PLANTS: dict[str, Plant] = {
    "label_value": _value_255,
    "label_fractions": _fractions,
    "label_empty": _empty,
    "label_shape": _one_slice_less,
    "label_shifted": _shifted,
    "label_flipped": _flipped,
    "not_finite": _not_a_number,
    "truncated": _cut_off,
    "extra_axis": _extra_axis,
    "lying_header": _lying_size,
    "no_affine": _no_affine,
    "two_forms": _two_forms,
    "modality": _other_modality,
    "one_slice": _one_slice,
}
LABEL_FAULTS = {kind for kind in PLANTS if kind.startswith("label_")}
