"""Files that are there whole or not at all, whatever ends the writing."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from voxloop.errors import VoxloopError


@contextmanager
def whole(path: Path, way_out: str = "free some space or choose another place") -> Iterator[Path]:
    """A name beside `path` to write under: the file gets its own name where the block ends well, and else nothing is left.

    with whole(path) as partial:
        partial.write_bytes(content)
    """
    # The ending stays, for libraries go by it.
    partial = path.with_name(f".partial-{os.getpid()}-{path.name}")
    try:
        yield partial
        partial.replace(path)
    except OSError as error:
        raise VoxloopError(f"{path} cannot be written ({error.strerror or error}); {way_out}.") from error
    finally:
        with suppress(OSError):
            partial.unlink()


def make_folder(folder: Path) -> None:
    """Makes a folder that files are to be written into, or says why that cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise VoxloopError(f"{folder} cannot be made ({error.strerror or error}); choose another place.") from error


def write_text(path: Path, content: str) -> None:
    """Writes a text in UTF-8."""
    with whole(path) as partial:
        partial.write_text(content, encoding="utf-8")


def write_json(path: Path, content: Any) -> None:
    """Writes JSON as people read it."""
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
