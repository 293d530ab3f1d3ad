"""Loose files: scans and labels whose paths say by a pattern which belong together, never by their order."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from voxloop.data.importing.found import Found, Progress, Survey, Wanted, left_out, listed, volumes_in
from voxloop.data.importing.guessing import guess
from voxloop.data.importing.patterns import Pattern, Place, compiled
from voxloop.errors import VoxloopError

# A case as both patterns name it; the patient only where both say it.
Key = tuple[str | None, str]


def survey(source: Path, wanted: Wanted, progress: Progress | None = None) -> Survey:
    """Pairs the files of a folder by the patterns that are wanted, or by the usual ones that fit most."""
    files = volumes_in(source)
    if not files:
        raise VoxloopError(f"{source} holds no scan of a format that is known here; check the path.")
    said: tuple[str, ...] = ()
    if wanted.images and wanted.labels:
        images, labels = compiled(wanted.images), compiled(wanted.labels)
    elif wanted.images or wanted.labels:
        raise VoxloopError("Give --images and --labels together, or neither, to have both guessed.")
    else:
        images, labels = guess(source, files)
        said = (f'Guessed: scans are "{images.text}" and labels "{labels.text}".',)
    scans, truths, neither = divided(files, images, labels)
    with_patient = "patient" in images.regex.groupindex and "patient" in labels.regex.groupindex
    label_of = _each_once(truths, with_patient)
    scans_of = _by_case(scans, with_patient)
    channels = _channels(scans_of, wanted)
    cases, incomplete = [], []
    for key in sorted(scans_of.keys() & label_of.keys(), key=lambda key: (key[1], key[0] or "")):
        there = scans_of[key]
        if set(there) != set(channels):
            incomplete.append(f"{key[1]} (no {', '.join(sorted(set(channels) - set(there)))})")
            continue
        place = there[channels[0]][0]
        path = files[label_of[key]]
        cases.append(Found(place.name, tuple(files[there[channel][1]] for channel in channels), path, place.patient))
    if not cases:
        raise VoxloopError(
            f'{source} has no case with scan ("{images.text}") and label ("{labels.text}") among its {len(files)} files, '
            f"such as {next(iter(files))}; say where they are with --images and --labels."
        )
    alone = [path for key in scans_of.keys() - label_of.keys() for _, path in scans_of[key].values()]
    said += left_out("scan", sorted(alone), "no label has their name")
    said += left_out(
        "label", sorted(label_of[key] for key in label_of.keys() - scans_of.keys()), "no scan has their name"
    )
    said += left_out("case", sorted(incomplete), "for want of a channel")
    said += left_out("file", sorted(neither), "fitting neither pattern")
    return Survey("pairs", tuple(cases), modality=channels if channels != [""] else None, said=said)


def divided(
    files: Mapping[str, Path], images: Pattern, labels: Pattern
) -> tuple[dict[str, Place], dict[str, Place], list[str]]:
    """Which files are scans, which are labels and which are neither; where both patterns fit, the more particular one counts."""
    scans: dict[str, Place] = {}
    truths: dict[str, Place] = {}
    neither: list[str] = []
    for path in files:
        scan, truth = images.place(path), labels.place(path)
        if truth is not None and (scan is None or labels.letters > images.letters):
            truths[path] = truth
        elif scan is not None:
            scans[path] = scan
        else:
            neither.append(path)
    return scans, truths, neither


def _key(place: Place, with_patient: bool) -> Key:
    return place.patient if with_patient else None, place.case


def _each_once(truths: Mapping[str, Place], with_patient: bool) -> dict[Key, str]:
    found: dict[Key, str] = {}
    for path, place in truths.items():
        other = found.setdefault(_key(place, with_patient), path)
        if other != path:
            raise VoxloopError(
                f'Two labels are there for the case "{place.case}", {other} and {path}; take one away, or narrow --labels.'
            )
    return found


def _by_case(scans: Mapping[str, Place], with_patient: bool) -> dict[Key, dict[str, tuple[Place, str]]]:
    found: dict[Key, dict[str, tuple[Place, str]]] = {}
    for path, place in scans.items():
        _, other = found.setdefault(_key(place, with_patient), {}).setdefault(place.channel, (place, path))
        if other != path:
            raise VoxloopError(
                f'Two scans are there for the case "{place.case}", {other} and {path}; take one away, or narrow --images.'
            )
    return found


def _channels(scans: Mapping[Key, Mapping[str, object]], wanted: Wanted) -> list[str]:
    """The channels in the order that is wanted, or by name."""
    there = sorted({channel for each in scans.values() for channel in each})
    if there in ([""], []):
        return [""]
    missing = [channel for channel in wanted.modality if channel not in there]
    if missing:
        raise VoxloopError(f'No scan is of the channel "{missing[0]}"; there are: {listed(there)}.')
    return list(wanted.modality) or there
