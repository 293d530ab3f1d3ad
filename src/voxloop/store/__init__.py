"""The keeper's side: one database, one blob store, one journal for each writing process, in a folder `.voxloop`.

Imports neither torch nor MONAI, so that a project opens at once. Written to by `tracking`, read by everything above.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from voxloop.store.project import Project, open_project
    from voxloop.store.records import ArtifactVersion, MediaRecord, Points, RunRecord, SeriesRecord

__all__ = ["ArtifactVersion", "MediaRecord", "Points", "Project", "RunRecord", "SeriesRecord", "open_project"]

_PLACES = {"Project": "project", "open_project": "project"}


def __getattr__(name: str) -> Any:
    # Lazy, because a script that only logs needs a journal at once, and a database a moment later.
    if name not in __all__:
        raise AttributeError(f"module 'voxloop.store' has no attribute '{name}'")
    value = getattr(import_module(f"voxloop.store.{_PLACES.get(name, 'records')}"), name)
    globals()[name] = value
    return value
