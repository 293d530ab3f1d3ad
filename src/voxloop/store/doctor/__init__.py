"""Is this project sound? Each check finds what is wrong and says it in a sentence; most know how to mend it.

Mending loses nothing that cannot be had again: what is damaged is moved to `set-aside` in the project's folder.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from voxloop.errors import VoxloopError
from voxloop.store.doctor.checks import CHECKS, WITHOUT_DATABASE
from voxloop.store.doctor.examination import Finding, Place, Progress
from voxloop.store.place import FOLDER

SEVERITIES = ("error", "warning", "note")
# One mending may lay open the next: a series that was set aside leaves its chunks.
ROUNDS = 4


@dataclass(frozen=True, slots=True)
class Repair:
    """What was mended, what could not be, and why; and what is still found."""

    mended: tuple[Finding, ...]
    failed: tuple[str, ...]
    left: tuple[Finding, ...]
    aside: Path | None


def root_of(path: Path | None) -> Path | None:
    """The nearest project's folder, found as `open_project` finds it, without opening it. None where nothing is named or near."""
    named = path if path is not None else os.environ.get("VOXLOOP_PROJECT")
    start = Path(named or Path.cwd()).absolute()
    for folder in [start, *start.parents]:
        root = folder if folder.name == FOLDER else folder / FOLDER
        if root.is_dir():
            return root
    if named is not None:
        raise VoxloopError(f"No project is at {start} (there is no {FOLDER} there or above); check --project.")
    return None


def examine(root: Path, progress: Progress | None = None) -> list[Finding]:
    """Everything that is wrong with the project in `root` (its `.voxloop`), worst first. Changes nothing."""
    place = Place(root, progress)
    try:
        return _examine(place)
    finally:
        place.close()


def repair(root: Path, progress: Progress | None = None) -> Repair:
    """Mends what can be mended, and looks again."""
    place = Place(root, progress)
    mended: list[Finding] = []
    failed: dict[str, None] = {}
    try:
        for _ in range(ROUNDS):
            found = _examine(place)
            todo = [one for one in found if one.mendable and one.sentence not in failed]
            for finding in todo:
                mend = CHECKS[finding.check].mend
                assert mend is not None, "only a check that can mend says that it can"
                try:
                    mend(place, finding)
                    mended.append(finding)
                except (VoxloopError, OSError) as error:
                    failed[finding.sentence] = None
                    failed[str(error)] = None
            if not todo:
                break
        left = _examine(place)
    finally:
        place.close()
    reasons = [one for one in failed if all(one != finding.sentence for finding in left)]
    return Repair(tuple(mended), tuple(reasons), tuple(left), place.aside if place.aside.exists() else None)


def _examine(place: Place) -> list[Finding]:
    found: list[Finding] = []
    readable = True
    for name, check in CHECKS.items():
        if not readable and name not in WITHOUT_DATABASE:
            continue
        try:
            here = list(check.find(place))
        except VoxloopError as error:
            here = [Finding("database", "error", str(error), mendable=True)]
        found += here
        readable &= not any(one.check == "database" and one.severity == "error" for one in here)
    return sorted(dict.fromkeys(found), key=lambda one: SEVERITIES.index(one.severity))
