"""A dataset as whole files for other tools: what it refers to is read and written, voxel for voxel, under the same names."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from voxloop.data.decathlon import DATASET, Dataset, case_id, read_dataset
from voxloop.data.formats.writing import write_volume
from voxloop.data.geometry import Geometry
from voxloop.data.scans import open_labels, open_scan
from voxloop.data.splits import SPLITS, Split, families, family_of, nearest, read_splits, write_splits
from voxloop.data.whole import write_json
from voxloop.errors import VoxloopError

Progress = Callable[[int, int, str], None]
FORMATS = (".nii.gz", ".nrrd", ".mha")
FOLDS = "splits_final.json"


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written; `said` are sentences that a person has to read."""

    folder: Path
    cases: int
    tests: int
    said: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """How another tool wants a dataset: the files of a scan, the value of each label, and the texts beside them."""

    paths: Callable[[str, str, int], list[str]]
    values: Mapping[int, int]
    describe: Callable[[Path], None]
    said: tuple[str, ...]


def export_dataset(
    folder: Path,
    out: Path,
    to: str = "decathlon",
    ending: str = ".nii.gz",
    split: str | None = None,
    progress: Progress | None = None,
) -> Exported:
    """Writes every scan and label of a dataset into a new folder: all of them, or nothing."""
    if ending not in FORMATS:
        raise VoxloopError(f'"{ending}" cannot be written; choose one of {", ".join(FORMATS)}.')
    if to not in LAYOUTS:
        raise VoxloopError(f'No layout is called "{to}"; there are: {", ".join(LAYOUTS)}.')
    if out.exists():
        raise VoxloopError(f"{out} is already there; choose a new name.")
    dataset = read_dataset(folder)
    layout = LAYOUTS[to](dataset, ending, _splits(folder, split), out)
    partial = out.with_name(f".partial-{out.name}")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        (partial / "labelsTr").mkdir(parents=True)
        total = len(dataset.training) + len(dataset.test)
        for done, case in enumerate(dataset.training):
            if progress is not None:
                progress(done, total, case.id)
            grid = _export_scan(case.image, partial, layout.paths("imagesTr", case.id, len(dataset.modality)))
            labels = open_labels(case.label, like=grid).array()
            write_volume(partial / f"labelsTr/{case.id}{ending}", _renumbered(labels, layout.values, case.id), grid)
        for done, path in enumerate(dataset.test, start=len(dataset.training)):
            if progress is not None:
                progress(done, total, case_id(path))
            _export_scan(path, partial, layout.paths("imagesTs", case_id(path), len(dataset.modality)))
        layout.describe(partial)
        partial.rename(out)
    except OSError as error:
        raise VoxloopError(f"Cannot write {out}: {error.strerror or error}; check the path and its space.") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    if progress is not None:
        progress(total, total, "")
    return Exported(out, len(dataset.training), len(dataset.test), layout.said)


def _export_scan(source: Path, root: Path, paths: list[str]) -> Geometry:
    scan = open_scan(source)
    voxels = scan.array()
    for channel, relative in enumerate(paths):
        (root / relative).parent.mkdir(exist_ok=True)
        several = len(paths) > 1
        if several and (voxels.ndim != 4 or voxels.shape[3] != len(paths)):
            raise VoxloopError(
                f"{source.name} has {scan.channels} channels, and {DATASET} names {len(paths)}; mend the one that is wrong."
            )
        write_volume(root / relative, voxels[..., channel] if several else voxels, scan.geometry)
    return scan.geometry


def _renumbered(labels: npt.NDArray[np.uint8], values: Mapping[int, int], case: str) -> npt.NDArray[np.uint8]:
    """Labels with other numbers. A value without a name is refused: it could become, or be taken for, another class."""
    if not values:
        return labels
    unnamed = sorted(set(np.unique(labels).tolist()) - set(values))
    if unnamed:
        some = ", ".join(map(str, unnamed[:8])) + (" …" if len(unnamed) > 8 else "")
        raise VoxloopError(
            f"{case}: its label holds {some}, which {DATASET} does not name; name them there, or set them to background."
        )
    table = np.arange(256, dtype=np.uint8)
    for value, new in values.items():
        table[value] = new
    return table[labels]


def _splits(folder: Path, split: str | None) -> dict[str, Split]:
    """The stored splits, or those that one name means."""
    stored = read_splits(folder)
    if split is None:
        return stored
    if split not in (*families(stored), *stored):
        raise VoxloopError(f'{folder / SPLITS} has no split "{split}".{nearest(split, families(stored))}')
    return family_of(split, stored)


def _decathlon(dataset: Dataset, ending: str, splits: Mapping[str, Split], out: Path) -> Layout:
    content = json.loads((dataset.root / DATASET).read_text(encoding="utf-8"))
    content["training"] = [
        {
            "image": f"./imagesTr/{case.id}{ending}",
            "label": f"./labelsTr/{case.id}{ending}",
            **({} if case.patient is None else {"patient": case.patient}),
        }
        for case in dataset.training
    ]
    content["test"] = [f"./imagesTs/{case_id(path)}{ending}" for path in dataset.test]

    def describe(folder: Path) -> None:
        write_json(folder / DATASET, content)
        if splits:
            write_splits(folder, splits)

    return Layout(lambda part, case, _: [f"{part}/{case}{ending}"], {}, describe, ())


def _nnunet(dataset: Dataset, ending: str, splits: Mapping[str, Split], out: Path) -> Layout:
    said: list[str] = []
    # nnU-Net wants labels that are numbered without gaps.
    values = {value: number for number, value in enumerate(sorted({0, *dataset.labels}))}
    if any(value != new for value, new in values.items()):
        told = ", ".join(f"{value} is {new}" for value, new in values.items() if value != new)
        said.append(f"nnU-Net numbers labels without gaps, so some have other values there: {told}.")
    if not re.fullmatch(r"Dataset\d{3}_.+", out.name):
        said.append(f"nnU-Net looks for folders called Dataset001_NAME in nnUNet_raw; {out.name} has to be renamed.")
    content: dict[str, Any] = {
        "name": dataset.name,
        "channel_names": {str(channel): dataset.modality[channel] for channel in sorted(dataset.modality)},
        "labels": {
            ("background" if value == 0 else dataset.labels[value]): values[value]
            for value in sorted({0, *dataset.labels})
        },
        "numTraining": len(dataset.training),
        "file_ending": ending,
    }
    patients = {case: patient for case, patient in dataset.patients.items() if patient is not None}
    if patients:
        # nnU-Net passes over what it does not know; brought in again, patients stay together.
        content["patients"] = patients
    folds = _folds(splits)
    if folds:
        said.append(f"{FOLDS} belongs into nnUNet_preprocessed/{out.name}, once nnU-Net has planned and preprocessed.")

    def describe(folder: Path) -> None:
        write_json(folder / DATASET, content)
        if folds:
            write_json(folder / FOLDS, folds)

    def paths(part: str, case: str, channels: int) -> list[str]:
        return [f"{part}/{case}_{channel:04d}{ending}" for channel in range(channels)]

    return Layout(paths, values, describe, tuple(said))


def _folds(splits: Mapping[str, Split]) -> list[dict[str, list[str]]]:
    """The folds of the one cross-validation that there is, or of the one split that is asked for."""
    folded = [family for family in families(splits) if family not in splits]
    chosen = folded if len(folded) == 1 else list(splits) if len(splits) == 1 else []
    return [
        {"train": split.parts.get("training", []), "val": split.parts.get("validation", [])}
        for family in chosen
        for _, split in sorted(family_of(family, splits).items(), key=lambda item: item[1].made.get("fold", 0))
    ]


LAYOUTS: dict[str, Callable[[Dataset, str, Mapping[str, Split], Path], Layout]] = {
    "decathlon": _decathlon,
    "nnunet": _nnunet,
}
