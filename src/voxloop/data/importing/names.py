"""What the values of labels are called: as a person says, as the source says, or as the segments of each file say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from voxloop.data.importing.found import Drawing, Drawn, Progress, Survey, Wanted, counted, listed
from voxloop.data.scans import as_labels, open_scan
from voxloop.errors import VoxloopError

# A sentence about values that have no name needs no more files than these.
LOOKED_AT = 20
Names = Mapping[int, str]


def parse_names(said: Sequence[str]) -> dict[int, str]:
    """`["1=spleen", "2=liver"]` as names by value."""
    names: dict[int, str] = {}
    for one in said:
        value, equals, name = one.partition("=")
        if not equals or not value.strip().isdecimal() or not 0 <= int(value) <= 255 or not name.strip():
            raise VoxloopError(f'"{one}" names no label; write it as VALUE=NAME, such as --label 1=spleen.')
        if names.setdefault(int(value), name.strip()) != name.strip():
            raise VoxloopError(f"The label {value} is called {names[int(value)]} and {name.strip()}; give it one name.")
    require_apart(names)
    return names


def require_apart(names: Names) -> None:
    """Refuses two values of one name: a recipe finds a class by its name."""
    seen: dict[str, int] = {}
    for value, name in names.items():
        other = seen.setdefault(name.casefold(), value)
        if other != value:
            raise VoxloopError(f'The labels {other} and {value} are both called "{name}"; give each a name of its own.')


def with_names(survey: Survey, wanted: Wanted, progress: Progress | None = None) -> Survey:
    """A survey whose labels have names: those wanted, the source's own, the segments', or those that the dataset had."""
    if survey.layout != "dicom":
        survey = _by_segments(survey, wanted)
    names = dict(wanted.names) or dict(survey.labels or {}) or dict(wanted.known)
    if not any(names):
        raise VoxloopError(_unnamed(survey, progress))
    if names.get(0, "background").casefold() not in ("background", "unlabeled", "unlabelled", "clear label"):
        raise VoxloopError(f'The label 0 is called "{names[0]}", but 0 is what is not labelled; give it another value.')
    if beyond := [value for value in names if not 0 <= value <= 255]:
        raise VoxloopError(f"The source has a label {beyond[0]}, and labels go from 0 to 255; renumber it there.")
    names = {0: "background", **names}
    require_apart(names)
    return replace(survey, labels=dict(sorted(names.items())))


def _by_segments(survey: Survey, wanted: Wanted) -> Survey:
    """Takes the names of 3D Slicer's segments; a file that numbers them otherwise is renumbered by name."""
    each = {case.known_by: _segments(case.label) for case in survey.cases}
    if survey.labels or not any(each.values()):
        return survey
    names = {value: name for value, name in (wanted.names or wanted.known).items() if value}
    if not names:
        for case in survey.cases:
            for value, name in each[case.known_by].items():
                if names.setdefault(value, name).casefold() != name.casefold():
                    raise VoxloopError(
                        f'The label {value} is "{name}" in {case.name} and "{names[value]}" elsewhere; say which value each name is to '
                        f"have, such as --label 1={name!r}, and the labels are renumbered by name."
                    )
    value_of = {name.casefold(): value for value, name in names.items()}
    if len(value_of) < len(names):
        require_apart(names)
    cases, without = [], []
    for case in survey.cases:
        there = each[case.known_by]
        if there and not any(name.casefold() in value_of for name in there.values()):
            without.append(f"{case.name} ({listed(sorted(there.values()))})")
        target = {value: value_of.get(name.casefold(), 0) for value, name in there.items()}
        if any(value != new for value, new in target.items()) and isinstance(case.label, Path):
            how = f"renumbered {sorted(target.items())}"
            case = replace(case, label=Drawing((case.label,), how, partial(_renumbered, case.label, target)))
        cases.append(case)
    if without:
        raise VoxloopError(
            f"{counted(len(without), 'label')} hold no segment called {listed(list(names.values()))}: {listed(without)}; "
            "rename their segments, or choose others with --label."
        )
    return replace(survey, cases=tuple(cases), labels=names)


def _segments(label: object) -> dict[int, str]:
    if not isinstance(label, Path) or not label.name.lower().endswith(".nrrd"):
        return {}
    from voxloop.data.formats.nrrd import segment_names

    return segment_names(label)


def _renumbered(path: Path, target: Mapping[int, int]) -> Drawn:
    scan = open_scan(path)
    labels = as_labels(scan.array(), path.name)
    table = np.zeros(256, np.uint8)
    for value, new in target.items():
        table[value] = new
    return Drawn(table[labels], scan.geometry)


def _unnamed(survey: Survey, progress: Progress | None) -> str:
    """The sentence that asks for names, with the values that there are."""
    values: set[int] = set()
    files = [case.label for case in survey.cases if isinstance(case.label, Path)][:LOOKED_AT]
    for done, path in enumerate(files):
        if progress is not None:
            progress(done, len(files), path.name)
        values |= set(np.unique(as_labels(open_scan(path).array(), path.name)).tolist())
    if progress is not None:
        progress(len(files), len(files), "")
    found = sorted(values - {0})
    if not found:
        return f"The labels have no names, and {counted(len(files), 'file')} that were looked at hold only background; are they labels?"
    where = "They hold" if len(files) == len(survey.cases) else f"The first {len(files)} hold"
    options = " ".join(f"--label {value}=NAME" for value in found[:10])
    return f"What the labels mean is not known. {where} the values {listed([str(one) for one in found])}; name them: {options}"
