"""What a dataset's folder and its dataset.json say, read leniently: what is wrong becomes a finding, the rest is gone on with."""

from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from voxloop.data.check.finding import Finding, found
from voxloop.data.decathlon import case_id
from voxloop.data.scans import ENDINGS
from voxloop.data.splits import PARTS, SPLITS
from voxloop.errors import VoxloopError

FOLDERS = ("imagesTr", "labelsTr", "imagesTs")


@dataclass(frozen=True, slots=True)
class Entry:
    """One case to look at: its files as they are listed (relative to the folder), either of which may be absent."""

    case: str
    image: str | None
    label: str | None
    patient: str | None = None
    test: bool = False


@dataclass(frozen=True, slots=True)
class Listing:
    """The dataset as far as it can be made out."""

    root: Path
    name: str
    modality: dict[int, str]
    labels: dict[int, str]
    entries: tuple[Entry, ...]
    splits: dict[str, dict[str, list[str]]]
    findings: tuple[Finding, ...]

    @property
    def training(self) -> list[Entry]:
        return [entry for entry in self.entries if not entry.test]


@dataclass(slots=True)
class _Reader:
    """Collects findings while the list is read."""

    root: Path
    findings: list[Finding] = field(default_factory=list)

    def say(self, kind: str, what: str, case: str | None = None, file: str | None = None, **numbers: Any) -> None:
        self.findings.append(found(kind, what, case=case, file=file, **numbers))


def read_listing(root: Path) -> Listing:
    """Reads the folder; only where there is nothing at all that looks like a dataset is it refused."""
    if not root.is_dir():
        raise VoxloopError(f"No dataset is at {root}; check the path.")
    reader = _Reader(root)
    files = {folder: _files(root / folder) for folder in FOLDERS}
    content = _content(reader)
    if content is None and not files["imagesTr"]:
        raise VoxloopError(
            f"{root} has no dataset.json and no scans in imagesTr, so there is nothing to check; is it a folder in Decathlon layout?"
        )
    labels = _labels(reader, content) if content is not None else {}
    modality = _modality(reader, content) if content is not None else {}
    entries = _listed(reader, content) if content is not None else None
    if entries is None:
        entries = _paired(files)
    else:
        assert content is not None, "a list comes from a dataset.json"
        _counts(reader, content, entries)
        entries = _once(reader, entries)
    _strays(reader, files, entries)
    splits = _splits(reader, {entry.case for entry in entries if not entry.test})
    present = tuple(kept for entry in entries if (kept := _there(reader, entry)) is not None)
    name = str((content or {}).get("name") or root.resolve().name)
    return Listing(root, name, modality, labels, present, splits, tuple(reader.findings))


def _files(folder: Path) -> list[str]:
    if not folder.is_dir():
        return []
    names = sorted(entry.name for entry in os.scandir(folder) if not entry.is_dir())
    # What a broken-off writer left behind begins with a dot as well; only the files of macOS look like scans to others.
    return [name for name in names if name.lower().endswith(ENDINGS) and (name[0] != "." or name.startswith("._"))]


def _content(reader: _Reader) -> dict[str, Any] | None:
    path = reader.root / "dataset.json"
    if not path.is_file():
        reader.say("no_dataset_json", f"{reader.root.resolve().name} has no dataset.json.")
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        reader.say("json_damaged", f"dataset.json is no valid JSON ({error}).", file="dataset.json")
        return None
    if not isinstance(content, dict):
        reader.say("json_form", f"dataset.json holds a {type(content).__name__}, not an object.", file="dataset.json")
        return None
    return content


def _labels(reader: _Reader, content: dict[str, Any]) -> dict[int, str]:
    said = content.get("labels")
    if not isinstance(said, dict) or not said:
        reader.say("json_form", "dataset.json has no labels from number to name.", file="dataset.json")
        return {}
    names: dict[int, str] = {}
    try:
        names = {int(value): str(name) for value, name in said.items()}
    except (TypeError, ValueError):
        try:
            names = {int(value): str(name) for name, value in said.items()}
            reader.say(
                "json_form",
                "dataset.json gives labels from name to number, which is nnU-Net's form and not the Decathlon's.",
                file="dataset.json",
            )
        except (TypeError, ValueError):
            reader.say(
                "json_form", "The labels of dataset.json are no pairs of a number and a name.", file="dataset.json"
            )
            return {}
    empty = sorted(value for value, name in names.items() if not name.strip())
    if empty:
        reader.say("label_names", f"Label {_and(empty)} has an empty name.", file="dataset.json", labels=empty)
    twice = sorted(
        name
        for name, count in Counter(name.strip().casefold() for name in names.values()).items()
        if count > 1 and name
    )
    if twice:
        reader.say("label_names", f'The name "{twice[0]}" is used for more than one label.', file="dataset.json")
    if sorted(names) != list(range(len(names))):
        reader.say(
            "label_numbering",
            f"The labels are numbered {_and(sorted(names))} instead of 0 to {len(names) - 1}.",
            file="dataset.json",
            labels=sorted(names),
        )
    return names


def _modality(reader: _Reader, content: dict[str, Any]) -> dict[int, str]:
    said = content.get("modality", content.get("channel_names"))
    if said is None:
        reader.say("json_form", "dataset.json does not say the modality.", file="dataset.json")
        return {}
    if "modality" not in content:
        reader.say(
            "json_form",
            "dataset.json has channel_names, which is nnU-Net's form, and no modality.",
            file="dataset.json",
        )
    try:
        names = {int(channel): str(name) for channel, name in said.items()}
    except (AttributeError, TypeError, ValueError):
        reader.say("json_form", "The modality of dataset.json is no list from channel to name.", file="dataset.json")
        return {}
    if sorted(names) != list(range(len(names))):
        reader.say(
            "json_form",
            f"The channels of modality are numbered {_and(sorted(names))} instead of 0 to {len(names) - 1}.",
            file="dataset.json",
        )
    return names


def _listed(reader: _Reader, content: dict[str, Any]) -> list[Entry] | None:
    said = content.get("training")
    if not isinstance(said, list) or not said:
        reader.say(
            "json_form",
            "dataset.json lists no training case; scans and labels were paired by their names.",
            file="dataset.json",
        )
        return None
    entries: list[Entry] = []
    for number, item in enumerate(said):
        if not isinstance(item, dict) or not isinstance(item.get("image"), str):
            reader.say("json_form", f"Entry {number} of training names no image.", file="dataset.json", entry=number)
            continue
        label = item.get("label")
        if not isinstance(label, str):
            reader.say(
                "json_form",
                f"Entry {number} of training names no label.",
                case=case_id(Path(item["image"])),
                file="dataset.json",
                entry=number,
            )
        patient = item.get("patient")
        entries.append(
            Entry(
                case_id(Path(item["image"])),
                _plain(item["image"]),
                _plain(label) if isinstance(label, str) else None,
                None if patient is None else str(patient),
            )
        )
    tests = content.get("test", [])
    for item in tests if isinstance(tests, list) else []:
        image = item.get("image") if isinstance(item, dict) else item
        if isinstance(image, str):
            entries.append(Entry(case_id(Path(image)), _plain(image), None, test=True))
        else:
            reader.say("json_form", "An entry of test names no image.", file="dataset.json")
    return entries


def _plain(listed: str) -> str:
    return os.path.normpath(listed).replace(os.sep, "/") if listed else listed


def _paired(files: dict[str, list[str]]) -> list[Entry]:
    """Scans and labels paired by their names, where no list says how they belong together."""
    labels = {case_id(Path(name)): f"labelsTr/{name}" for name in files["labelsTr"] if not name.startswith("._")}
    training = [
        Entry(case_id(Path(name)), f"imagesTr/{name}", labels.get(case_id(Path(name))))
        for name in files["imagesTr"]
        if not name.startswith("._")
    ]
    tests = [
        Entry(case_id(Path(name)), f"imagesTs/{name}", None, test=True)
        for name in files["imagesTs"]
        if not name.startswith("._")
    ]
    return training + tests


def _counts(reader: _Reader, content: dict[str, Any], entries: list[Entry]) -> None:
    for key, count in (
        ("numTraining", sum(not entry.test for entry in entries)),
        ("numTest", sum(entry.test for entry in entries)),
    ):
        said = content.get(key)
        if said is not None and said != count:
            reader.say(
                "json_counts",
                f"{key} says {said}, and {count} are listed.",
                file="dataset.json",
                said=said,
                listed=count,
            )


def _once(reader: _Reader, entries: list[Entry]) -> list[Entry]:
    kept: dict[tuple[str, bool], Entry] = {}
    for entry in entries:
        key = (entry.case, entry.test)
        if key in kept:
            reader.say("listed_twice", f"{entry.case} is listed more than once.", case=entry.case, file=entry.image)
        else:
            kept[key] = entry
    return list(kept.values())


def _strays(reader: _Reader, files: dict[str, list[str]], entries: list[Entry]) -> None:
    listed = {path for entry in entries for path in (entry.image, entry.label) if path is not None}
    # Two names of one file are one file, on disks that do not tell small letters from large ones as well.
    for folder, names in files.items():
        for name in names:
            path = f"{folder}/{name}"
            if name.startswith("._"):
                reader.say("apple_double", f"{path} is a file that macOS left behind, no scan.", file=path)
            elif path in listed:
                continue
            elif folder == "labelsTr":
                reader.say("stray_label", f"{path} is a label that no entry of dataset.json names.", file=path)
            else:
                reader.say("not_listed", f"{path} is a scan that no entry of dataset.json names.", file=path)


def _there(reader: _Reader, entry: Entry) -> Entry | None:
    """The entry without the files that cannot be opened as a dataset's own; None where no scan and no label is left."""
    kept = [
        path if path is not None and _is_inside(reader, entry, path) else None for path in (entry.image, entry.label)
    ]
    if not any(kept):
        return None
    return Entry(entry.case, kept[0], kept[1], entry.patient, entry.test)


def _is_inside(reader: _Reader, entry: Entry, listed: str) -> bool:
    if Path(listed).name.startswith("._"):
        # Told of as a file; training leaves such entries out.
        return False
    path = reader.root / listed
    try:
        inside = reader.root.resolve() in path.resolve().parents or (
            path.is_symlink() and reader.root.resolve() in path.parent.resolve().parents
        )
        there = path.is_file()
    except (OSError, ValueError, RuntimeError):
        inside, there = True, False
    if not inside:
        reader.say("listed_outside", f'"{listed}" lies outside the dataset.', case=entry.case, file=listed)
        return False
    if not there:
        reader.say("listed_missing", f'"{listed}" is listed and not there.', case=entry.case, file=listed)
        return False
    return True


def _splits(reader: _Reader, cases: set[str]) -> dict[str, dict[str, list[str]]]:
    path = reader.root / SPLITS
    if not path.is_file():
        return {}
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        splits = {
            str(name): {str(part): [str(one) for one in ids] for part, ids in parts.items() if part in PARTS}
            for name, parts in stored.items()
        }
    except (OSError, ValueError, AttributeError, TypeError, RecursionError) as error:
        reader.say("split_damaged", f"{SPLITS} cannot be read ({error}).", file=SPLITS)
        return {}
    for name, parts in splits.items():
        for part, ids in parts.items():
            for one in sorted(set(ids) - cases):
                reader.say(
                    "split_unknown",
                    f'The split "{name}" names "{one}" in {part}, which dataset.json does not list.',
                    case=one,
                    file=SPLITS,
                    split=name,
                    part=part,
                )
    return splits


def _and(values: list[int]) -> str:
    shown = [str(value) for value in values[:12]] + (["…"] if len(values) > 12 else [])
    return ", ".join(shown)
