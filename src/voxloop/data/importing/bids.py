"""Folders named as BIDS has it: `sub-01/ses-1/anat/sub-01_ses-1_T1w.nii.gz`, labels below `derivatives`."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from voxloop.data.importing.found import Found, Progress, Survey, Wanted, left_out, listed, volumes_in, without_ending
from voxloop.errors import VoxloopError

ENTITY = re.compile(r"([a-zA-Z0-9]+)-([a-zA-Z0-9]+)")
SUBJECT = re.compile(r"sub-[a-zA-Z0-9]+")
LABEL_SUFFIXES = ("dseg", "mask", "seg", "label", "roi", "lesion")
# Directories whose scans are no anatomy to segment.
OTHER_TYPES = ("func", "dwi", "fmap", "perf", "eeg", "meg", "beh")


def survey(source: Path, wanted: Wanted, progress: Progress | None = None) -> Survey:
    """One case for each session of a subject, its channels by their suffixes; the patient is the subject."""
    files = volumes_in(source)
    labels = _labels(files, wanted)
    scans = _scans(files)
    if not labels:
        raise VoxloopError(
            f"{source} has no label below derivatives whose name ends in {', '.join(LABEL_SUFFIXES)}; "
            "name the files with --layout pairs --images --labels."
        )
    channels = _channels({name: scans[name] for name in scans.keys() & labels.keys()}, wanted)
    cases, incomplete = [], []
    for name in sorted(scans.keys() & labels.keys()):
        missing = [channel for channel in channels if channel not in scans[name]]
        if missing:
            incomplete.append(f"{name} (no {', '.join(missing)})")
            continue
        image = tuple(files[scans[name][channel]] for channel in channels)
        cases.append(Found(name, image, files[labels[name]], name.partition("_")[0]))
    if not cases:
        raise VoxloopError(
            f"{source} has no session with scan and label; name the files with --layout pairs --images --labels."
        )
    others = sorted({channel for name in scans for channel in scans[name]} - set(channels))
    said: tuple[str, ...] = (f"Channels: {', '.join(channels)}" + (f" (not: {', '.join(others)})." if others else "."),)
    said += left_out("scan", sorted(scans.keys() - labels.keys()), "derivatives have no label for it")
    said += left_out("label", sorted(labels.keys() - scans.keys()), "no scan has its name")
    said += left_out("case", incomplete, "for want of a channel")
    names = None if wanted.names else _names(source, [labels[case.name] for case in cases])
    return Survey("bids", tuple(cases), labels=names, modality=channels, said=said, about=described(source))


def _session(path: str) -> str | None:
    """`sub-01`, or `sub-01_ses-1`, from a file's name."""
    entities = dict(ENTITY.findall(PurePosixPath(path).name))
    if "sub" not in entities:
        return None
    return f"sub-{entities['sub']}" + (f"_ses-{entities['ses']}" if "ses" in entities else "")


def _suffix(path: str) -> str:
    """What stands after the last underscore; what was scanned with a contrast agent is a channel of its own."""
    stem = without_ending(PurePosixPath(path).name)
    agent = re.search(r"_ce-([a-zA-Z0-9]+)_", stem)
    return (f"ce-{agent[1]}_" if agent else "") + stem.rpartition("_")[2]


def _scans(files: Mapping[str, Path]) -> dict[str, dict[str, str]]:
    """Session → channel → path."""
    found: dict[str, dict[str, str]] = {}
    for path in files:
        parts = PurePosixPath(path).parts
        session = _session(path)
        if (
            session is None
            or "derivatives" in parts
            or not SUBJECT.fullmatch(parts[0])
            or set(parts) & set(OTHER_TYPES)
        ):
            continue
        if _is_label(path):
            continue
        other = found.setdefault(session, {}).setdefault(_suffix(path), path)
        if other != path:
            raise VoxloopError(
                f"Two scans are there for {session}, {other} and {path}; choose one with --layout pairs --images --labels."
            )
    return found


def _is_label(path: str) -> bool:
    return re.split(r"[_-]", without_ending(PurePosixPath(path).name))[-1].lower() in LABEL_SUFFIXES


def _labels(files: Mapping[str, Path], wanted: Wanted) -> dict[str, str]:
    """Session → path of its label: below derivatives, or among the scans where there are no derivatives."""
    named = [path for path in files if _is_label(path) and _session(path) is not None]
    if wanted.labels:
        named = [path for path in named if PurePosixPath(path).match(wanted.labels) or wanted.labels in path]
    derived = [path for path in named if "derivatives" in PurePosixPath(path).parts]
    found: dict[str, str] = {}
    for path in derived or named:
        session = _session(path) or ""
        other = found.setdefault(session, path)
        if other != path:
            raise VoxloopError(
                f"Two labels are there for {session}, {other} and {path}; choose with --labels and a part of the path, such as "
                f"--labels {PurePosixPath(path).name.partition('_')[2] or path}."
            )
    return found


def _channels(scans: Mapping[str, Mapping[str, str]], wanted: Wanted) -> list[str]:
    """The suffixes that are wanted, or those that every labelled session has."""
    count = Counter(channel for each in scans.values() for channel in each)
    if wanted.modality:
        missing = [channel for channel in wanted.modality if channel not in count]
        if missing:
            raise VoxloopError(f'No labelled scan ends in "{missing[0]}"; there are: {listed(sorted(count))}.')
        return list(wanted.modality)
    everywhere = sorted(channel for channel, many in count.items() if many == len(scans))
    if not everywhere:
        raise VoxloopError(
            "No labelled session has a scan that all have; choose channels with --modality, among: "
            + listed([f"{channel} ({many} of {len(scans)})" for channel, many in count.most_common()])
            + "."
        )
    return everywhere


def _names(source: Path, labels: list[str]) -> dict[int, str] | None:
    """Names by value from the nearest dseg.tsv, or from the label's own name where it is a mask of one thing."""
    for path in labels:
        place = (source / path).parent
        tables = [source / f"{without_ending(path)}.tsv"]
        while place != source:
            tables += [place / "dseg.tsv", *sorted(place.glob("*_dseg.tsv"))]
            place = place.parent
        tables += [source / "dseg.tsv", *sorted(source.glob("*_dseg.tsv"))]
        if found := next(filter(None, map(_table, tables)), None):
            return found
    masks = {match[1] for path in labels if (match := re.search(r"_(?:label|desc)-([a-zA-Z0-9]+)_", path))}
    if len(masks) == 1 and all(re.search(r"[_-]mask$", without_ending(path)) for path in labels):
        return {1: masks.pop()}
    return None


def _table(path: Path) -> dict[int, str]:
    """index and name of a table as BIDS has it; nothing where it is none."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return {
                int(row["index"]): row["name"]
                for row in csv.DictReader(file, delimiter="\t")
                if row.get("index", "").strip().isdecimal() and row.get("name") and int(row["index"]) <= 255
            }
    except (OSError, ValueError, csv.Error):
        return {}


def looks_so(source: Path) -> bool:
    """Whether a folder holds subjects as BIDS names them."""
    return any(SUBJECT.fullmatch(path.name) and path.is_dir() for path in source.iterdir())


def described(source: Path) -> dict[str, str]:
    """What dataset_description.json says of where data come from."""
    try:
        content = json.loads((source / "dataset_description.json").read_text(encoding="utf-8"))
        return {"licence": str(content["License"])} if content.get("License") else {}
    except (OSError, ValueError, AttributeError):
        return {}
