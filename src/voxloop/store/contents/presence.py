"""Whether what media name is still there, and still what it was."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voxloop.errors import VoxloopError

if TYPE_CHECKING:
    from voxloop.store.blobs import Blobs


# Read whole to be checked: what a tile shows. Larger ones are checked when they are shown.
SMALL = 1 << 20


def fault_of(blobs: Blobs, data: Any) -> str | None:
    """What is wrong with the first blob that is not as it was logged, in a sentence; None where all are there."""
    for named in blobs_in(data):
        reference, name = named.get("reference"), named.get("filename", "")
        try:
            path = blobs.path(str(named["digest"])) if reference is None else Path(reference)
            stat = path.stat()
            size = stat.st_size
        except (OSError, ValueError):
            if reference is not None:
                return f"{reference} is only referred to, and is not there; put it back in its place."
            return f"The blob {named['digest'][:12]}… of {name} is missing from the project; restore it from a backup."
        if "bytes" in named and size != named["bytes"]:
            what = f"The blob {named['digest'][:12]}… of {name}" if reference is None else reference
            return f"{what} has {size:,} bytes and was logged with {named['bytes']:,}; restore it from a backup."
        if reference is None and size <= SMALL and not _is(str(path), size, stat.st_mtime_ns, named["digest"]):
            return f"The blob {named['digest'][:12]}… of {name} is damaged in the project; restore it from a backup."
    return None


def require_sound(blobs: Blobs, digest: str) -> Path:
    """Where a blob lies, once every byte of it was looked at; in a sentence, if it is missing or damaged."""
    path = blobs.path(digest)
    try:
        stat = path.stat()
        sound = _is(str(path), stat.st_size, stat.st_mtime_ns, digest)
    except OSError as error:
        raise VoxloopError(f"The blob {digest[:12]}… is missing from the project; restore it from a backup.") from error
    if not sound:
        raise VoxloopError(f"The blob {digest[:12]}… is damaged in the project; restore it from a backup.")
    return path


@functools.lru_cache(maxsize=20_000)
def _is(path: str, size: int, mtime_ns: int, digest: str) -> bool:
    """Whether a file in this state holds what its name says; looked at once."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == digest


def blobs_in(data: Any) -> Iterator[dict[str, Any]]:
    """What names a blob, however deep; but for the media in a table's cells, which the cells themselves name."""
    if isinstance(data, dict):
        if "digest" in data:
            yield data
        for key, value in data.items():
            if key != "media":
                yield from blobs_in(value)
    elif isinstance(data, list) and not (data and isinstance(data[0], int | float)):
        for value in data:
            yield from blobs_in(value)
