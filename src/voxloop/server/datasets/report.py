"""The report of a check as it is kept for the page, and whether the dataset is still what was checked."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

REPORT, VERSION = "report.json", 2
Stamps = dict[str, list[int]]


def place_of(cache: Path, folder: Path) -> Path:
    """Where what is known of a dataset's folder is kept in a project's cache."""
    return cache / "checks" / hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]


def stamps(folder: Path) -> Stamps:
    """Size and time of every file that a check depends on, by its path in the dataset."""
    found: Stamps = {}
    for part in ("imagesTr", "labelsTr", "imagesTs"):
        inside = folder / part
        if inside.is_dir():
            found.update({f"{part}/{file.name}": _stamp(file) for file in inside.iterdir() if file.name[0] != "."})
    return {**found, **{name: _stamp(folder / name) for name in ("dataset.json", "splits.json")}}


def _stamp(file: Path) -> list[int]:
    try:
        stat = file.stat()
    except OSError:
        return [-1, -1]
    return [stat.st_size, stat.st_mtime_ns]


def changed_since(before: Stamps, now: Stamps) -> list[str]:
    """The files that came, went or changed."""
    return sorted(file for file in {*before, *now} if before.get(file) != now.get(file))


def read_report(place: Path) -> dict[str, Any] | None:
    """The report that was made last; None where there is none, or one of another make."""
    try:
        found = json.loads((place / REPORT).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and found.get("version") == VERSION else None
