"""What a project takes of the disk."""

from __future__ import annotations

import shutil
import stat
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Disk:
    """What the project takes, in bytes, by what it is for, and how much room there is where it lies."""

    free: int
    total: int
    blobs: int
    database: int
    cache: int
    other: int


def disk(root: Path) -> Disk:
    """Looks at every file of the project: not to be asked again and again."""
    usage = shutil.disk_usage(root)
    sizes = {"blobs": 0, "database": 0, "cache": 0, "other": 0}
    for place in root.iterdir():
        kind = place.name if place.name in ("blobs", "cache") else "other"
        # What is linked into the cache from the blobs takes no room of its own.
        sizes["database" if place.name.startswith("voxloop.db") else kind] += _bytes(place, linked=kind != "cache")
    return Disk(usage.free, usage.total, **sizes)


def _bytes(place: Path, linked: bool) -> int:
    """Of a file, or of all files below a folder; what goes away meanwhile counts nothing."""
    files = place.rglob("*") if place.is_dir() else [place]
    total = 0
    for file in files:
        try:
            found = file.lstat()
        except OSError:
            continue
        if stat.S_ISREG(found.st_mode) and (linked or found.st_nlink == 1):
            total += found.st_size
    return total
