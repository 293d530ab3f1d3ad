"""The project as the API tells it."""

from __future__ import annotations

from voxloop.server.models.answer import Answer


class ProjectInfo(Answer):
    """The project that is served."""

    name: str
    root: str
    version: str
    runs: int
