"""What sets two versions of a dataset apart, and whose scans a split leaves on both of its sides."""

from __future__ import annotations

from dataclasses import dataclass

from voxloop.data.manifest import CaseContent, Manifest
from voxloop.data.splits import Split


@dataclass(frozen=True, slots=True)
class Difference:
    """Cases by their ids; `words` says what dataset.json and splits.json say otherwise."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    rescanned: tuple[str, ...]
    relabelled: tuple[str, ...]
    words: tuple[str, ...]


def difference(before: Manifest, now: Manifest) -> Difference:
    """What came, went and changed from one version to another; a scan that is kept for testing counts as a case."""
    old, new = _by_key(before), _by_key(now)
    both = [key for key in new if key in old]
    rescanned = [key for key in both if new[key].image.digest != old[key].image.digest]
    relabelled = [
        key for key in both if new[key].digest != old[key].digest and new[key].image.digest == old[key].image.digest
    ]
    return Difference(
        tuple(case for _, case in new if (_, case) not in old),
        tuple(case for _, case in old if (_, case) not in new),
        tuple(case for _, case in rescanned),
        tuple(case for _, case in relabelled),
        tuple(_words(before, now, both)),
    )


def _by_key(manifest: Manifest) -> dict[tuple[bool, str], CaseContent]:
    return {(case.label is None, case.id): case for case in (*manifest.cases, *manifest.test)}


def _words(before: Manifest, now: Manifest, both: list[tuple[bool, str]]) -> list[str]:
    told = []
    if before.labels != now.labels:
        told.append(f"labels: {_named(before.labels)} → {_named(now.labels)}")
    if before.modality != now.modality:
        told.append(f"modality: {_named(before.modality)} → {_named(now.modality)}")
    old, new = _by_key(before), _by_key(now)
    moved = sum(old[key].patient != new[key].patient for key in both)
    if moved:
        told.append(f"{moved} {'case is' if moved == 1 else 'cases are'} of another patient")
    told += [f'split "{name}" is new' for name in now.splits if name not in before.splits]
    told += [f'split "{name}" is gone' for name in before.splits if name not in now.splits]
    told += [
        f'split "{name}" has changed'
        for name, split in now.splits.items()
        if name in before.splits and before.splits[name].parts != split.parts
    ]
    return told


def _named(names: dict[int, str]) -> str:
    return ", ".join(f"{number} {name}" for number, name in names.items())


def leaks(manifest: Manifest, split: Split) -> dict[str, dict[str, list[str]]]:
    """The patients who have scans in more than one part of a split: patient → part → cases."""
    patients = {case.id: case.patient for case in manifest.cases}
    found: dict[str, dict[str, list[str]]] = {}
    for part, ids in split.parts.items():
        for one in ids:
            if (patient := patients.get(one)) is not None:
                found.setdefault(patient, {}).setdefault(part, []).append(one)
    return {patient: parts for patient, parts in found.items() if len(parts) > 1}
