"""Where projects are: the folder `.voxloop` here or above, and what lies in it. Opens nothing."""

from __future__ import annotations

import os
from pathlib import Path

from voxloop.errors import VoxloopError

FOLDER = ".voxloop"
DATABASE = "voxloop.db"
JOURNALS = "journals"
BLOBS = "blobs"


def find(path: Path | str | None = None, create: bool = False) -> Path:
    """The nearest project: at `path` or the working folder, or in the first folder above that has one.

    With `create`, the place where one is to be made if none is found; a path that is given then means just that place.
    VOXLOOP_PROJECT names the place where no path is given.
    """
    start = Path(path if path is not None else os.environ.get("VOXLOOP_PROJECT") or Path.cwd()).absolute()
    if path is not None and not create and not start.exists():
        raise VoxloopError(f"No folder is at {start}, so no project is there; check --project.")
    # Whoever names a folder to write into does not mean the project of a folder above.
    above = [] if path is not None and create else start.parents
    for folder in [start, *above]:
        root = folder if folder.name == FOLDER else folder / FOLDER
        if root.is_dir():
            return root
    if not create:
        raise VoxloopError(
            f"No project is at {start} (there is no {FOLDER} here or above); train something, or name one with --project."
        )
    return start if start.name == FOLDER else start / FOLDER


def store_url() -> str | None:
    """The team's database that VOXLOOP_STORE names; without one, the project's own file."""
    return os.environ.get("VOXLOOP_STORE") or None


def prepare(root: Path) -> Path:
    """Makes the folder, and refuses one whose database is gone; answers with where the database is."""
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise VoxloopError(f"Cannot make the project folder {root}: {error.strerror}; choose another place.") from error
    database = root / DATABASE
    kept = (
        store_url() is None
        and not database.exists()
        and any(_holds_something(root / folder) for folder in (BLOBS, JOURNALS))
    )
    # Looked at again: another process may be making the project right now, and its database comes first.
    if kept and not database.exists():
        raise VoxloopError(
            f"{root} has lost its database {DATABASE}; restore it from a backup, or move the folder away."
        )
    return database


def _holds_something(folder: Path) -> bool:
    return folder.is_dir() and any(folder.iterdir())
