"""Whose database a file is, by one look that imports nothing heavy: a script that logs must not wait for it."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from voxloop.errors import VoxloopError

# What this program writes; `schema` migrates older ones to it.
VERSION = 3
# The oldest that is read as it lies there where nothing may be written: what has come since can be stood in for.
READABLE = 1


def writable(path: Path) -> bool:
    """Whether a database can be written: its file, and its folder, where the log of changes lies."""
    return os.access(path.parent, os.W_OK) and os.access(path, os.W_OK)


def usable(path: Path, version: int) -> bool:
    """Whether a database of that version is used as it is, or has to be brought forward first."""
    return version == VERSION or (version >= READABLE and not writable(path))


def address(path: Path) -> str:
    """How a database file is opened. Where nothing can be written, as on a mounted backup, it is read as it lies there."""
    if writable(path):
        return f"{path.as_uri()}?mode=rw"
    log, index = (path.with_name(f"{path.name}-{end}") for end in ("wal", "shm"))
    if not (log.exists() and log.stat().st_size):
        return f"{path.as_uri()}?mode=ro&immutable=1"
    if not index.exists():
        raise VoxloopError(
            f"{path.parent} was copied while it was written to, and what is newest in it can be read only where it may be "
            "written to; copy it there."
        )
    return f"{path.as_uri()}?mode=ro"


def version_of(path: Path) -> int:
    """The schema version of a project's database; refuses one of another program or from the future."""
    foreign = VoxloopError(
        f"{path} holds no voxloop project, but data of another program; move it away, or choose another folder."
    )
    with closing(sqlite3.connect(address(path), uri=True, timeout=30.0)) as connection:
        try:
            row = connection.execute("SELECT value FROM meta WHERE key = 'version'").fetchone()
        except sqlite3.OperationalError as error:
            if "no such" in str(error):
                raise foreign from error
            raise
    try:
        found = int(row[0])
    except (TypeError, ValueError) as error:
        raise foreign from error
    if found > VERSION:
        raise VoxloopError(
            f"{path.parent} was written by a newer voxloop (schema {found}, this one knows {VERSION}); update voxloop."
        )
    return found


def lacking(path: Path) -> range:
    """The versions from which on something is lacking in a database that is read as it lies there."""
    return range(0) if writable(path) else range(version_of(path), VERSION)
