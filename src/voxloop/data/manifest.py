"""What a dataset is made of, without its scans: enough to know it again, to tell what changed, and to name it in a lineage."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from voxloop.data.decathlon import Dataset, case_id, read_dataset
from voxloop.data.digests import Progress, combined, digests
from voxloop.data.splits import Split, read_splits
from voxloop.errors import VoxloopError

VERSION = 1
MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class File:
    """A scan or a label: its path in the dataset, the bytes of all that it refers to, and their digest."""

    path: str
    bytes: int
    digest: str


@dataclass(frozen=True, slots=True)
class CaseContent:
    """One case; its digest is over the content of scan and label. A scan that is kept for testing has no label."""

    id: str
    patient: str | None
    digest: str
    image: File
    label: File | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """A dataset's words and the digests of its cases, in the order of their ids; equal for equal content, wherever it lies."""

    name: str
    modality: dict[int, str]
    labels: dict[int, str]
    cases: tuple[CaseContent, ...]
    test: tuple[CaseContent, ...]
    splits: dict[str, Split]

    @property
    def bytes(self) -> int:
        return sum(
            file.bytes for case in (*self.cases, *self.test) for file in (case.image, case.label) if file is not None
        )

    def as_text(self) -> str:
        """JSON, the same text for the same content. Splits stand in a file of their own."""
        content = {key: value for key, value in asdict(self).items() if key != "splits"}
        return json.dumps({"voxloop": "manifest", "version": VERSION, **content}, indent=1, ensure_ascii=False) + "\n"


def read_manifest(folder: Path, memory: Path | None = None, progress: Progress | None = None) -> Manifest:
    """The manifest of a dataset as it is now; every file is read whose digest `memory` does not hold."""
    return manifest_of(read_dataset(folder), memory, progress)


def manifest_of(dataset: Dataset, memory: Path | None = None, progress: Progress | None = None) -> Manifest:
    volumes = [path for case in dataset.training for path in (case.image, case.label)] + list(dataset.test)
    found = dict(zip(volumes, digests(volumes, memory, progress), strict=True))

    def file(path: Path) -> File:
        inside = path.relative_to(dataset.root) if path.is_relative_to(dataset.root) else path
        return File(inside.as_posix(), found[path].bytes, found[path].digest)

    cases = [
        CaseContent(
            case.id,
            case.patient,
            combined([found[case.image], found[case.label]]),
            file(case.image),
            file(case.label),
        )
        for case in sorted(dataset.training, key=lambda case: case.id)
    ]
    tests = [CaseContent(case_id(path), None, found[path].digest, file(path)) for path in sorted(set(dataset.test))]
    return Manifest(
        dataset.name,
        dict(sorted(dataset.modality.items())),
        dict(sorted(dataset.labels.items())),
        tuple(cases),
        tuple(tests),
        read_splits(dataset.root),
    )


def parse_manifest(text: str, splits: Mapping[str, Split]) -> Manifest:
    """The manifest that a stored version holds."""
    try:
        content = json.loads(text)
        if content["voxloop"] != "manifest" or content["version"] != VERSION:
            raise VoxloopError(
                f"A manifest of version {str(content['version'])[:20]} is not known here; update voxloop to read it."
            )
        return Manifest(
            str(content["name"]),
            {int(channel): str(name) for channel, name in content["modality"].items()},
            {int(value): str(name) for value, name in content["labels"].items()},
            tuple(_case(one) for one in content["cases"]),
            tuple(_case(one) for one in content["test"]),
            dict(splits),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise VoxloopError(
            f"{MANIFEST} of this version is damaged ({error!r:.80}); restore it from a backup."
        ) from error


def _case(content: Mapping[str, Any]) -> CaseContent:
    label = content["label"]
    return CaseContent(
        content["id"],
        content["patient"],
        content["digest"],
        File(**content["image"]),
        None if label is None else File(**label),
    )


def changes(before: Manifest, now: Manifest) -> list[str]:
    """What a dataset has no longer, or has otherwise, than it had: in words, case by case; nothing where it only grew."""
    new = {(case.label is None, case.id): case for case in (*now.cases, *now.test)}
    told = []
    for case in (*before.cases, *before.test):
        there = new.get((case.label is None, case.id))
        what = "the case" if case.label else "the test scan"
        if there is None:
            told.append(f'{what} "{case.id}" is gone')
        elif there.image.digest != case.image.digest:
            told.append(f'the scan of {what} "{case.id}" has changed')
        elif there.digest != case.digest:
            told.append(f'the label of {what} "{case.id}" has changed')
    return told
