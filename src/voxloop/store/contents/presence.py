"""Whether what media name is still there: told by a look at files' sizes, without reading one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from voxloop.store.blobs import Blobs


def fault_of(blobs: Blobs, data: Any) -> str | None:
    """What is wrong with the first blob that is not as it was logged, in a sentence; None where all are there."""
    for named in blobs_in(data):
        reference, name = named.get("reference"), named.get("filename", "")
        try:
            path = blobs.path(str(named["digest"])) if reference is None else Path(reference)
            size = path.stat().st_size
        except (OSError, ValueError):
            if reference is not None:
                return f"{reference} is only referred to, and is not there; put it back in its place."
            return f"The blob {named['digest'][:12]}… of {name} is missing from the project; restore it from a backup."
        if "bytes" in named and size != named["bytes"]:
            what = f"The blob {named['digest'][:12]}… of {name}" if reference is None else reference
            return f"{what} has {size:,} bytes and was logged with {named['bytes']:,}; restore it from a backup."
    return None


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
