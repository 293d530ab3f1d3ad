"""Datasets in the raw layout of nnU-Net v2: one file for each channel, `spleen_12_0000.nii.gz`, and names by value turned round."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from voxloop.data.importing.found import Found, Progress, Survey, Wanted, left_out
from voxloop.data.scans import ENDINGS
from voxloop.data.splits import Split
from voxloop.errors import VoxloopError

CHANNEL = re.compile(r"(?P<case>.+)_(?P<channel>\d{4})")
FOLDS = "splits_final.json"
MOST_BYTES = 64 << 20
# Keys that say where data come from, kept as they are.
ABOUT = ("description", "reference", "licence", "license", "release")


def survey(source: Path, wanted: Wanted, progress: Progress | None = None) -> Survey:
    """Reads dataset.json, and pairs scans and labels by the case's name or as `dataset` lists them."""
    content = read_object(source / "dataset.json")
    channels = channel_names(source, content)
    ending = str(content.get("file_ending") or _ending(source))
    listed_cases = content.get("dataset")
    patients = content.get("patients")
    who = {str(case): str(one) for case, one in patients.items()} if isinstance(patients, dict) else {}
    if isinstance(listed_cases, dict) and listed_cases:
        cases, said = _as_listed(source, listed_cases, len(channels), who)
    else:
        cases, said = _by_name(source, ending, len(channels), who)
    tests, more = _scans(source / "imagesTs", ending, len(channels))
    labels, ignored = ({}, ()) if wanted.names else _labels(content.get("labels"), source)
    if not cases:
        raise VoxloopError(f"{source} has no case with scan and label in imagesTr and labelsTr; is it whole?")
    return Survey(
        "nnunet",
        tuple(cases),
        tuple(Found(name, image) for name, image in tests.items()),
        labels or None,
        channels,
        (*said, *more, *ignored),
        {key: content[key] for key in ABOUT if isinstance(content.get(key), str)},
        _folds(source),
    )


def read_object(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise VoxloopError(f"{path} has {path.stat().st_size:,} bytes, too many for a list of cases; get it again.")
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise VoxloopError(f"{path} cannot be read ({error}); mend it, or get it again.") from error
    if not isinstance(content, dict):
        raise VoxloopError(f"{path} holds a {type(content).__name__}, not an object; get it again.")
    return content


def channel_names(source: Path, content: Mapping[str, Any]) -> list[str]:
    """Channels in their order: `channel_names` of version 2, `modality` of version 1."""
    names = content.get("channel_names", content.get("modality"))
    if isinstance(names, dict) and names and all(str(key).isdecimal() for key in names):
        return [str(names[key]) for key in sorted(names, key=int)]
    raise VoxloopError(
        f'{source / "dataset.json"} does not say what the channels are; add "channel_names", such as {{"0": "CT"}}.'
    )


def _labels(said: object, source: Path) -> tuple[dict[int, str], tuple[str, ...]]:
    if not isinstance(said, dict):
        return {}, ()
    regions = {name: values for name, values in said.items() if isinstance(values, list) and len(values) != 1}
    if regions:
        values = sorted(
            {int(value) for each in said.values() for value in (each if isinstance(each, list) else [each])}
        )
        raise VoxloopError(
            f"{source / 'dataset.json'} names regions that lie in each other ("
            + ", ".join(f"{name} = {'+'.join(map(str, each))}" for name, each in regions.items())
            + "), and here each value has one name; give "
            + " ".join(f"--label {value}=NAME" for value in values if value)
            + "."
        )
    try:
        # Version 1 has them the other way round, as the Decathlon.
        named = {
            int(name) if str(name).isdecimal() and isinstance(value, str) else _only(value): (
                str(value) if str(name).isdecimal() and isinstance(value, str) else str(name)
            )
            for name, value in said.items()
        }
    except (TypeError, ValueError) as error:
        raise VoxloopError(
            f'{source / "dataset.json"} has "labels" that are no names with values ({error}); write {{"background": 0, "spleen": 1}}.'
        ) from error
    ignored = [value for value, name in named.items() if name == "ignore"]
    return named, tuple(
        f"The value {value} is what nnU-Net ignores; here it is a label like others, which recipes take for background."
        for value in ignored
    )


def _only(value: Any) -> int:
    return int(value[0] if isinstance(value, list) else value)


def _ending(source: Path) -> str:
    for path in sorted((source / "labelsTr").glob("*")):
        for ending in ENDINGS:
            if path.name.endswith(ending) and not path.name.startswith("."):
                return ending
    raise VoxloopError(f"{source / 'labelsTr'} holds no label of a format that is known here; is the dataset whole?")


def _by_name(
    source: Path, ending: str, channels: int, patients: Mapping[str, str]
) -> tuple[list[Found], tuple[str, ...]]:
    scans, said = _scans(source / "imagesTr", ending, channels)
    labels = {
        path.name[: -len(ending)]: path
        for path in sorted((source / "labelsTr").glob("*"))
        if path.name.endswith(ending) and not path.name.startswith(".")
    }
    cases = [Found(name, scans[name], labels[name], patients.get(name)) for name in scans if name in labels]
    return cases, (
        *said,
        *left_out("scan", sorted(scans.keys() - labels.keys()), "labelsTr has no label for it"),
        *left_out("label", sorted(labels.keys() - scans.keys()), "imagesTr has no scan for it"),
    )


def _scans(folder: Path, ending: str, channels: int) -> tuple[dict[str, tuple[Path, ...]], tuple[str, ...]]:
    """The channel files of each case in a folder; a case that lacks one is left out."""
    each: dict[str, dict[int, Path]] = {}
    others: list[str] = []
    for path in sorted(folder.glob("*")):
        if path.name.startswith(".") or not path.name.endswith(ENDINGS):
            continue
        found = CHANNEL.fullmatch(path.name[: -len(ending)]) if path.name.endswith(ending) else None
        if found is None:
            others.append(path.name)
        else:
            each.setdefault(found["case"], {})[int(found["channel"])] = path
    whole = {
        name: tuple(there[channel] for channel in range(channels))
        for name, there in each.items()
        if set(there) == set(range(channels))
    }
    return whole, (
        *left_out(
            "case", sorted(each.keys() - whole.keys()), f"not having just the channels 0000 to {channels - 1:04d}"
        ),
        *left_out("file", others, f"not named as CASE_0000{ending}"),
    )


def _as_listed(
    source: Path, said: Mapping[str, Any], channels: int, patients: Mapping[str, str]
) -> tuple[list[Found], tuple[str, ...]]:
    """Cases as dataset.json lists them, with paths from the dataset's folder; a file that is not there leaves its case out."""
    cases, missing = [], []
    for name, files in said.items():
        try:
            image = tuple(source / str(one) for one in files["images"])
            label = source / str(files["label"])
        except (KeyError, TypeError) as error:
            raise VoxloopError(
                f'{source / "dataset.json"}: "dataset" lists {name} without images and label; give it both.'
            ) from error
        if len(image) != channels:
            missing.append(f"{name} ({len(image)} of {channels} channels)")
        elif gone := [path for path in (*image, label) if not path.is_file()]:
            missing.append(f"{name} ({gone[0].name} is not there)")
        else:
            cases.append(Found(str(name), image, label, patients.get(str(name))))
    return cases, left_out("case", missing, "not all of its files being there")


def _folds(source: Path) -> dict[str, Split]:
    """The folds of splits_final.json, where it lies beside dataset.json."""
    path = source / FOLDS
    if not path.is_file():
        return {}
    try:
        folds = json.loads(path.read_text(encoding="utf-8"))
        return {
            f"nnunet/{number}": Split(
                {"training": [str(one) for one in fold["train"]], "validation": [str(one) for one in fold["val"]]}
            )
            for number, fold in enumerate(folds)
        }
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise VoxloopError(f"{path} is no list of folds ({error!r:.80}); mend it, or take it away.") from error


def is_raw(source: Path) -> bool:
    """Whether a folder's dataset.json is nnU-Net's and not the Decathlon's."""
    path = source / "dataset.json"
    if not path.is_file():
        return False
    content = read_object(path)
    if "channel_names" in content or "file_ending" in content:
        return True
    training = content.get("training")
    # Version 1 lists scans by the case's name, and has them with the channel's number.
    if isinstance(training, list) and training and isinstance(training[0], dict) and "image" in training[0]:
        first = source / str(training[0]["image"])
        return not first.exists() and any(
            first.name.endswith(ending) and first.with_name(f"{first.name[: -len(ending)]}_0000{ending}").is_file()
            for ending in ENDINGS
        )
    return "training" not in content
