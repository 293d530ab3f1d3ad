"""The keeper's side: one database, one blob store, one journal for each writing process, in a folder `.voxloop`.

Imports neither torch nor MONAI, so that a project opens at once. Written to by `tracking`, read by everything above.
"""

from voxloop.store.project import Project, open_project
from voxloop.store.records import ArtifactVersion, MediaRecord, Points, RunRecord, SeriesRecord

__all__ = ["ArtifactVersion", "MediaRecord", "Points", "Project", "RunRecord", "SeriesRecord", "open_project"]
