"""`--fix`: a copy of a dataset in which what is safe to mend is mended, and what needs a person is left out and named.

Nothing is changed in the dataset itself. Files that need no mending are linked to, not copied.
"""

from __future__ import annotations

import json
import os
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from voxloop.data.check.finding import Finding, found
from voxloop.data.check.listing import Entry, Listing, read_listing
from voxloop.data.check.mending.headers import Edit, has_two_positions, one_position, position_of, rewrite, three_axes
from voxloop.data.formats.writing import write_volume
from voxloop.data.grid import labels_on_grid
from voxloop.data.scans import as_labels, open_scan
from voxloop.data.splits import SPLITS
from voxloop.data.whole import write_json
from voxloop.errors import VoxloopError

Progress = Callable[[int, int, str], None]
NOTE = "mended.json"
HEADERS: dict[str, Edit] = {"extra_axis": three_axes, "forms_differ": one_position}
# What is wrong with a case, although one file of it alone would be sound.
TWICE = {"duplicate"}
DONE = {
    "extra_axis": "the extra axis was left out",
    "forms_differ": "the qform now says what the sform says",
    "grid_rounding": "the label's header now says what its scan's says",
    "label_spacing": "the label was resampled onto its scan's grid",
    "label_reoriented": "the label is stored in its scan's order of axes",
}


@dataclass(frozen=True, slots=True)
class Step:
    """What was done to one file."""

    case: str
    file: str
    kind: str
    what: str


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A case that a person has to look at, and why."""

    case: str
    kinds: tuple[str, ...]
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Mended:
    """What came of it."""

    folder: Path
    cases: int
    steps: tuple[Step, ...]
    left_out: tuple[LeftOut, ...]

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "folder": str(self.folder)}


def mend(root: Path, findings: Iterable[Finding], out: Path, progress: Progress | None = None) -> Mended:
    """Writes the mended copy of the dataset at `root` to `out`, whole or not at all."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise VoxloopError(f"{out} is already there and not empty; name a new folder with --fix.")
    if root.resolve() in (out.resolve(), *out.resolve().parents):
        raise VoxloopError(f"{out} lies inside the dataset; name a folder beside it with --fix.")
    listing = read_listing(root)
    by_case: dict[tuple[str, bool], list[Finding]] = defaultdict(list)
    tests = {entry.image for entry in listing.entries if entry.test}
    findings = list(findings)
    for finding in findings:
        if finding.case is not None:
            by_case[finding.case, finding.file in tests].append(finding)
    partial = out.with_name(f".partial-{out.name}-{os.getpid()}")
    try:
        made = _make(listing, by_case, _broken_splits(listing, findings), partial, progress)
        out.parent.mkdir(parents=True, exist_ok=True)
        if out.exists():
            out.rmdir()
        partial.rename(out)
    except OSError as error:
        raise VoxloopError(
            f"{out} cannot be written ({error.strerror}); free some space or choose another place."
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return Mended(out, *made)


def _make(
    listing: Listing,
    by_case: dict[tuple[str, bool], list[Finding]],
    broken_splits: set[str],
    target: Path,
    progress: Progress | None,
) -> tuple[int, tuple[Step, ...], tuple[LeftOut, ...]]:
    for folder in ("imagesTr", "labelsTr", "imagesTs"):
        (target / folder).mkdir(parents=True)
    steps: list[Step] = []
    left_out: list[LeftOut] = []
    kept: list[Entry] = []
    for number, entry in enumerate(listing.entries):
        if progress is not None:
            progress(number, len(listing.entries), entry.case)
        told = by_case.get((entry.case, entry.test), [])
        if reasons := _for_a_person(entry, told):
            left_out.append(LeftOut(entry.case, tuple(one.kind for one in reasons), tuple(one.what for one in reasons)))
            continue
        steps += _case(listing.root, entry, told, target)
        kept.append(entry)
    if not any(not entry.test for entry in kept):
        raise VoxloopError(
            f"{listing.root}: no case is left that needs no person, so there is nothing to write; mend the cases that the check names."
        )
    steps += [Step("", SPLITS, "split", f'the split "{name}" was left out') for name in sorted(broken_splits)]
    _write_lists(listing, kept, broken_splits, target)
    note = {
        "source": str(listing.root.resolve()),
        "mended": [asdict(one) for one in steps],
        "left_out": [asdict(one) for one in left_out],
    }
    write_json(target / NOTE, note)
    if progress is not None:
        progress(len(listing.entries), len(listing.entries), "")
    return sum(not entry.test for entry in kept), tuple(steps), tuple(left_out)


def _for_a_person(entry: Entry, told: list[Finding]) -> list[Finding]:
    """Errors that no copy mends, and a case that is there twice; what is wrong with a split is no fault of the case."""
    reasons = [
        one
        for one in told
        if one.file != SPLITS and ((one.severity == "error" and not one.fixable) or one.kind in TWICE)
    ]
    if not reasons and not entry.test and (entry.image is None or entry.label is None):
        missing = "scan" if entry.image is None else "label"
        reasons.append(found("listed_missing", f"{entry.case} has no {missing}.", entry.case))
    return reasons


def _case(root: Path, entry: Entry, told: list[Finding], target: Path) -> list[Step]:
    steps = []
    for listed, is_label in ((entry.image, False), (entry.label, True)):
        if listed is None:
            continue
        kinds = [one.kind for one in told if one.file == listed and one.fixable and one.kind in DONE]
        # Told once of a case, for one of its files, it may be true of the other.
        if "forms_differ" not in kinds and any(one.kind == "forms_differ" for one in told):
            kinds += ["forms_differ"] if has_two_positions(root / listed) else []
        place = target / listed
        place.parent.mkdir(parents=True, exist_ok=True)
        _file(root / listed, place, kinds, root / entry.image if is_label and entry.image else None)
        steps += [Step(entry.case, listed, kind, DONE[kind]) for kind in kinds]
    return steps


def _file(source: Path, place: Path, kinds: list[str], image: Path | None) -> None:
    if not kinds:
        place.symlink_to(source.resolve())
        return
    if image is not None and {"label_spacing", "label_reoriented"} & set(kinds):
        scan, label = open_scan(image), open_scan(source)
        labels = as_labels(label.array(), source.name)
        write_volume(place, labels_on_grid(labels, label.geometry.affine, scan.geometry), scan.geometry)
        return
    edits: list[Edit] = [HEADERS[kind] for kind in kinds if kind in HEADERS]
    if "grid_rounding" in kinds and image is not None:
        edits.append(position_of(open_scan(image).geometry))
    if source.name.lower().endswith((".nii", ".nii.gz")):
        rewrite(source, place, edits)
        return
    scan = open_scan(source)
    where = open_scan(image).geometry if image is not None else scan.geometry
    write_volume(place, scan.array(), where)


def _broken_splits(listing: Listing, findings: list[Finding]) -> set[str]:
    """Splits whose parts share a case, a scan or a patient: which part it belongs in is for a person to say."""
    wrong = [one for one in findings if one.kind in ("split_overlap", "split_content", "split_patient")]
    named = {str(one.numbers["split"]) for one in wrong if "split" in one.numbers}
    return named if len(named) > 0 or not wrong else set(listing.splits)


def _write_lists(listing: Listing, kept: list[Entry], broken_splits: set[str], target: Path) -> None:
    path = listing.root / "dataset.json"
    content: dict[str, Any] = {}
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        content = said if isinstance(said, dict) else {}
    except (OSError, ValueError, RecursionError):
        pass
    more = {
        str(item.get("image")).removeprefix("./"): item
        for item in content.get("training") or []
        if isinstance(item, dict)
    }
    training = [
        {**more.get(str(entry.image), {}), "image": f"./{entry.image}", "label": f"./{entry.label}"}
        for entry in kept
        if not entry.test
    ]
    tests = [f"./{entry.image}" for entry in kept if entry.test]
    content = {
        "name": listing.name,
        **content,
        "labels": {str(value): name for value, name in sorted(listing.labels.items())},
        "modality": {str(number): name for number, name in sorted(listing.modality.items())},
        "numTraining": len(training),
        "numTest": len(tests),
        "training": training,
        "test": tests,
    }
    write_json(target / "dataset.json", content)
    if listing.splits:
        there = {entry.case for entry in kept if not entry.test}
        stored = json.loads((listing.root / SPLITS).read_text(encoding="utf-8"))
        splits = {
            # The rule that made a split stays with it.
            name: {**stored[name], **{part: [one for one in ids if one in there] for part, ids in parts.items()}}
            for name, parts in listing.splits.items()
            if name not in broken_splits
        }
        write_json(target / SPLITS, splits)
