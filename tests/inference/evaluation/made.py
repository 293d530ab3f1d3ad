"""Evaluations from plain numbers, and tiny datasets with label maps beside them, for tests of what is said about them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import numpy.typing as npt

from voxloop.inference.evaluation import CaseScore, Evaluation
from voxloop.inference.metrics import METRICS, ClassScore

SHAPE = (7, 11, 13)
AFFINE = np.array([[-2.0, 0.0, 0.0, 5.0], [0.0, 1.5, 0.2, -7.0], [0.0, -0.3, 3.0, 2.0], [0.0, 0.0, 0.0, 1.0]])
Figures = Sequence[float] | npt.NDArray[np.float64]


def evaluation_of(
    figures: Mapping[str, Mapping[str, Figures]], model: str = "a", patients: Sequence[str | None] | None = None
) -> Evaluation:
    """Cases `case_000` and on with these figures, {class: {metric: one a case}}; every other metric is 0.5."""
    count = len(next(iter(next(iter(figures.values())).values())))
    cases = [
        CaseScore(
            f"case_{number:03d}",
            tuple(
                ClassScore(name, {metric.key: float(of.get(metric.key, [0.5] * count)[number]) for metric in METRICS})
                for name, of in figures.items()
            ),
            patients[number] if patients else None,
        )
        for number in range(count)
    ]
    worst_first = sorted(cases, key=lambda case: (case.mean_dice, case.case))
    return Evaluation(model, "default", tuple(worst_first), "all", "Made")


def make_dataset(
    folder: Path,
    cases: int = 4,
    labels: Mapping[int, str] | None = None,
    patients: Mapping[str, str] | None = None,
    shape: tuple[int, int, int] = SHAPE,
) -> Path:
    """Scans that are their own truth: the label of each voxel is its intensity."""
    named = {0: "background", 1: "spleen", 2: "liver"} if labels is None else dict(labels)
    for name in ("imagesTr", "labelsTr"):
        (folder / name).mkdir(parents=True)
    training = []
    for number in range(cases):
        case = f"case_{number}"
        truth = np.random.default_rng(number).choice(list(named), shape).astype(np.uint8)
        save(folder / "labelsTr" / f"{case}.nii.gz", truth)
        save(folder / "imagesTr" / f"{case}.nii.gz", truth.astype(np.int16))
        who = {"patient": patients[case]} if patients and case in patients else {}
        training.append({"image": f"imagesTr/{case}.nii.gz", "label": f"labelsTr/{case}.nii.gz", **who})
    content = {
        "name": "Tiny",
        "modality": {"0": "CT"},
        "labels": {str(value): name for value, name in named.items()},
        "training": training,
    }
    (folder / "dataset.json").write_text(json.dumps(content))
    return folder


def save(path: Path, voxels: npt.NDArray[Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(voxels, AFFINE), path)
    return path


def truth_of(dataset: Path, case: str) -> npt.NDArray[np.uint8]:
    return np.asarray(nib.load(dataset / "labelsTr" / f"{case}.nii.gz").dataobj).astype(np.uint8)


def second_reading(dataset: Path, folder: Path, wrong: float = 0.1, seed: int = 0) -> Path:
    """The truth of every case, with a share of its voxels called something else."""
    rng = np.random.default_rng(seed)
    for path in sorted((dataset / "labelsTr").glob("*.nii.gz")):
        truth = np.asarray(nib.load(path).dataobj).astype(np.uint8)
        save(
            folder / path.name,
            np.where(rng.random(truth.shape) < wrong, rng.permutation(truth.ravel()).reshape(truth.shape), truth),
        )
    return folder
