"""The dataset that is brought into, as it is, and what its list says once more has come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from voxloop.data.decathlon import DATASET, case_id
from voxloop.data.importing.found import Survey, Wanted, counted
from voxloop.data.importing.names import require_apart
from voxloop.data.importing.nnunet import read_object
from voxloop.data.importing.planning import Planned
from voxloop.data.importing.record import Record, in_order, read_record
from voxloop.errors import VoxloopError


@dataclass(frozen=True, slots=True)
class Existing:
    """dataset.json and the record of earlier imports; both empty before the first."""

    content: dict[str, Any] = field(default_factory=dict)
    record: Record = field(default_factory=Record)

    @property
    def labels(self) -> dict[int, str]:
        return {int(value): str(name) for value, name in self.content.get("labels", {}).items()}

    @property
    def modality(self) -> list[str]:
        named = self.content.get("modality", {})
        return [str(named[key]) for key in sorted(named, key=int)]

    def listed(self) -> dict[str, dict[str, str]]:
        """The training entries by case, as they stand in dataset.json."""
        return {case_id(Path(entry["image"])): dict(entry) for entry in self.content.get("training", [])}

    @property
    def on_list(self) -> set[str]:
        return self.listed().keys() | self.tests().keys()

    def tests(self) -> dict[str, str]:
        return {case_id(Path(path)): path for path in self.content.get("test", [])}


def read_existing(folder: Path) -> Existing:
    record = read_record(folder)
    return Existing() if record is None else Existing(read_object(folder / DATASET), record)


def labels_with(survey: Survey, existing: Existing, folder: Path) -> dict[int, str]:
    labels = {**(survey.labels or {}), **existing.labels}
    for value, name in (survey.labels or {}).items():
        if labels[value].casefold() != name.casefold():
            raise VoxloopError(
                f'{folder} calls the label {value} "{labels[value]}", and it is "{name}" here; bring it into a dataset of its own.'
            )
    require_apart(labels)
    return dict(sorted(labels.items()))


def modality_with(survey: Survey, wanted: Wanted, existing: Existing, channels: int) -> list[str]:
    named = list(wanted.modality or survey.modality or existing.modality or ["unknown"] * channels)
    if len(named) != channels:
        raise VoxloopError(
            f"The scans have {counted(channels, 'channel')}, and {counted(len(named), 'name')} is given for them "
            f"({', '.join(named)}); name each, such as --modality {','.join(['FLAIR', 'T1w', 'T1gd', 'T2w', 'more'][:channels])}."
        )
    before = existing.modality
    if (
        before
        and set(before) != {"unknown"}
        and [one.casefold() for one in before] != [one.casefold() for one in named]
    ):
        raise VoxloopError(
            f"The dataset's scans are {', '.join(before)}, and these are {', '.join(named)}; bring them into a dataset of their own."
        )
    return named


def content_with(
    existing: Existing,
    planned: list[Planned],
    name: str,
    labels: Mapping[int, str],
    modality: list[str],
    survey: Survey,
) -> dict[str, Any]:
    """dataset.json: what stands there stays, unless the source says it anew."""
    training, tests = existing.listed(), existing.tests()
    for one in planned:
        paths = [f"./{piece.path}" for piece in one.pieces]
        if one.test:
            tests[one.id] = paths[0]
            continue
        patient = one.found.patient or training.get(one.id, {}).get("patient")
        training[one.id] = {"image": paths[0], "label": paths[1], **({"patient": patient} if patient else {})}
    return {
        "name": name,
        **survey.about,
        **existing.content,
        "tensorImageSize": "3D" if len(modality) == 1 else "4D",
        "modality": {str(channel): one for channel, one in enumerate(modality)},
        "labels": {str(value): one for value, one in labels.items()},
        "numTraining": len(training),
        "numTest": len(tests),
        "training": [training[one] for one in in_order(training)],
        "test": [tests[one] for one in in_order(tests)],
    }
