"""Artifacts as the API tells them."""

from __future__ import annotations

from voxloop.server.models.answer import Answer


class Artifact(Answer):
    """A version of named content."""

    ref: str
    kind: str
    aliases: list[str]
    bytes: int
    run_id: str | None
    created: float
