"""Datasets in the layout of the Medical Segmentation Decathlon: dataset.json, imagesTr, labelsTr, imagesTs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from voxloop.data import folds, splits
from voxloop.data.scans import ENDINGS
from voxloop.data.splits import nearest
from voxloop.errors import VoxloopError

DATASET = "dataset.json"
SCANS = ("imagesTr", "imagesTs")
Pair = dict[str, str]


@dataclass(frozen=True, slots=True)
class Case:
    """One labelled scan; its id is the scan's file name without the ending. Scans of one patient belong together."""

    id: str
    image: Path
    label: Path
    patient: str | None = None


@dataclass(frozen=True, slots=True)
class Dataset:
    """What a dataset.json says, checked against the files that are there."""

    root: Path
    name: str
    modality: dict[int, str]
    labels: dict[int, str]
    training: tuple[Case, ...]
    test: tuple[Path, ...]

    def case(self, case_id: str) -> Case:
        for case in self.training:
            if case.id == case_id:
                return case
        raise VoxloopError(
            f'{self.root}: no case is called "{case_id}".{nearest(case_id, [case.id for case in self.training])}'
        )

    @property
    def patients(self) -> dict[str, str | None]:
        """The patient of each case, where it is known."""
        return {case.id: case.patient for case in self.training}


def case_id(path: Path) -> str:
    """`imagesTr/spleen_12.nii.gz` is case `spleen_12`."""
    for ending in ENDINGS:
        if path.name.lower().endswith(ending):
            return path.name[: -len(ending)]
    return path.stem


def dataset_around(scan: Path) -> Path | None:
    """The folder of the dataset in whose `imagesTr` or `imagesTs` a scan lies."""
    folder = scan.parent.parent
    return folder if scan.parent.name in SCANS and (folder / DATASET).is_file() else None


def channels_called(scan: Path, count: int) -> tuple[str, ...]:
    """What the dataset around a scan calls its several channels; nothing where it names another number of them, or there is none."""
    folder = dataset_around(scan)
    if folder is None or count == 1:
        return ()
    try:
        said = _read_json(folder)["modality"]
        return tuple(str(said[str(channel)]) for channel in range(count)) if len(said) == count else ()
    except (VoxloopError, KeyError, TypeError):
        return ()


def read_dataset(folder: Path) -> Dataset:
    """Reads dataset.json; a file that it names and that is not there, or lies elsewhere, is an error."""
    content = _read_json(folder)
    try:
        labels = {int(value): str(name) for value, name in content["labels"].items()}
        modality = {int(channel): str(name) for channel, name in content.get("modality", {"0": "unknown"}).items()}
        listed = [
            (str(pair["image"]), str(pair["label"]), None if (who := pair.get("patient")) is None else str(who))
            for pair in content["training"]
        ]
        tests = [str(item["image"] if isinstance(item, dict) else item) for item in content.get("test", [])]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise VoxloopError(
            f"{folder / 'dataset.json'} is not in the Decathlon's form ({type(error).__name__}: {error}); "
            "it needs labels, and training as a list of image and label."
        ) from error
    if any(not 0 <= value <= 255 for value in labels):
        raise VoxloopError(f"{folder / 'dataset.json'}: label values go from 0 to 255.")
    # macOS leaves `._` files beside the real ones when it unpacks an archive.
    listed = [pair for pair in listed if not Path(pair[0]).name.startswith("._")]
    tests = [test for test in tests if not Path(test).name.startswith("._")]
    if not listed:
        raise VoxloopError(
            f'{folder / "dataset.json"} lists no training case; add pairs of image and label under "training".'
        )
    training = tuple(
        Case(case_id(Path(image)), _inside(folder, image), _inside(folder, label), patient)
        for image, label, patient in listed
    )
    twice = sorted(one for one, count in Counter(case.id for case in training).items() if count > 1)
    if twice:
        raise VoxloopError(f'{folder / "dataset.json"} lists the case "{twice[0]}" more than once; leave one.')
    name = str(content.get("name", folder.name))
    return Dataset(folder, name, modality, labels, training, tuple(_inside(folder, test) for test in tests))


def _read_json(folder: Path) -> dict[str, Any]:
    path = folder / "dataset.json"
    if not folder.is_dir():
        near = nearest(folder.name, [entry.name for entry in folder.parent.iterdir()]) if folder.parent.is_dir() else ""
        raise VoxloopError(f"No dataset is at {folder}; check the path.{near}")
    if not path.is_file():
        raise VoxloopError(f"{folder} has no dataset.json; is it a folder in Decathlon layout?")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise VoxloopError(f"{path} is not valid JSON ({error}); mend it, or get it again.") from error
    if not isinstance(content, dict):
        raise VoxloopError(
            f"{path} is not in the Decathlon's form; it holds a {type(content).__name__}, not an object."
        )
    return content


def _inside(folder: Path, listed: str) -> Path:
    path = folder / listed
    if folder.resolve() not in path.resolve().parents and not path.is_symlink():
        raise VoxloopError(
            f'{folder / "dataset.json"} lists "{listed}", which lies outside the dataset; move it inside.'
        )
    if not path.is_file():
        raise VoxloopError(
            f'{folder / "dataset.json"} lists "{listed}", which is not there; get the file, or take it off the list.'
        )
    return path


def require_labels(dataset: Dataset, names: Sequence[str], modality: str | None = None) -> None:
    """Refuses a dataset of another task: one without these label names, or of another modality."""
    there = {name.casefold(): name for name in dataset.labels.values()}
    for name in names:
        if name.casefold() not in there:
            has = ", ".join(there.values())
            raise VoxloopError(
                f'{dataset.name} has no label "{name}", it has: {has}; choose a recipe for these, or other data.'
            )
    if modality is not None and not any(
        said.casefold() in (modality.casefold(), "unknown") for said in dataset.modality.values()
    ):
        has = ", ".join(dataset.modality.values())
        raise VoxloopError(
            f"{dataset.name} is {has}, and the recipe is for {modality}; choose another recipe, or other data."
        )


def split_cases(folder: Path, split: str = splits.DEFAULT, val_fraction: float = 0.2) -> dict[str, list[Pair]]:
    """The parts of a named split, each a list of {image, label, case}.

    Named splits live in splits.json beside dataset.json. `default` is made when it is first asked for: patients ranked by the
    SHA-256 of their id, every fifth case validates. So neither the order nor the number of files decides, and a
    folder that may not be written to gives the same answer. A part for the test is there where the split has one.
    """
    dataset = read_dataset(folder)
    stored = splits.read_splits(folder)
    if split not in stored:
        if split != splits.DEFAULT:
            raise VoxloopError(
                f'{folder / splits.SPLITS} has no split "{split}".{nearest(split, [*stored, splits.DEFAULT])}'
            )
        stored[split] = folds.default(dataset.patients, val_fraction)
        # A dataset on a read-only share is usual; the rule gives the same split every time.
        with suppress(VoxloopError):
            splits.write_splits(folder, stored)
    chosen = stored[split]
    splits.require_patients_apart(folder, split, chosen, dataset.patients)
    cases = {case.id: case for case in dataset.training}
    if gone := sorted(chosen.cases() - cases.keys()):
        raise VoxloopError(
            f'{folder / splits.SPLITS}: the split "{split}" has the case "{gone[0]}", which {DATASET} does not list; '
            "take it out of the split."
        )
    return {
        part: [
            {"image": str(case.image), "label": str(case.label), "case": case.id}
            for case in (cases[one] for one in chosen.parts.get(part, []))
        ]
        for part in splits.PARTS
        if part != "test" or part in chosen.parts
    }
