"""A first look at every scan of a survey, before anything is made of it: which can be opened, and how many channels they have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from voxloop.data.importing.found import Found, Progress, Survey, counted, left_out
from voxloop.data.scans import open_scan, require_same_grid
from voxloop.errors import VoxloopError


def looked_at(
    survey: Survey, known: Callable[[Found], bool], channels: int, progress: Progress | None
) -> tuple[Survey, int]:
    """Leaves out scans that cannot be opened, and counts the channels, which are the same in all.

    Those that are `known` were opened when they were brought in, and have the dataset's `channels`.
    """
    there: dict[int, list[str]] = {}
    unreadable: list[str] = []
    total = len(survey.cases) + len(survey.tests)
    seen = 0

    def kept(found: Found) -> bool:
        nonlocal seen
        seen += 1
        if progress is not None:
            progress(seen, total, found.name)
        try:
            again = known(found)
            if isinstance(found.label, Path) and not (again and found.label.is_file()):
                open_scan(found.label)
            there.setdefault(channels if again else _channels(found), []).append(found.name)
        except VoxloopError as error:
            unreadable.append(f"{found.name} ({error})")
            return False
        return True

    cases = tuple(one for one in survey.cases if kept(one))
    tests = tuple(one for one in survey.tests if kept(one))
    if not cases:
        raise VoxloopError(f"Not one case can be brought in: {unreadable[0] if unreadable else 'there is none'}")
    if len(there) > 1:
        (many, names), (few, others) = sorted(there.items(), key=lambda item: -len(item[1]))[:2]
        raise VoxloopError(
            f"{others[0]} has {counted(few, 'channel')} and {names[0]} has {many}; bring scans of one kind into one dataset."
        )
    said = left_out("case", unreadable, "scan or label not being readable")
    return replace(survey, cases=cases, tests=tests, said=(*survey.said, *said)), next(iter(there))


def _channels(found: Found) -> int:
    scans = [open_scan(source) for source in found.image if isinstance(source, Path)]
    for scan in scans[1:]:
        require_same_grid(scan.path.name, scan.geometry, scans[0].geometry, what="channel", of="first one")
    if len(found.image) == 1:
        return scans[0].channels if scans else 1
    if wide := [scan.path.name for scan in scans if scan.channels > 1]:
        raise VoxloopError(f"{wide[0]} has several channels of its own; name a file for each channel.")
    return len(found.image)
