"""The words of the query language, and what completes them."""

from __future__ import annotations

from voxloop.server.models.answer import Answer


class QueryTerm(Answer):
    """A word of the query language."""

    name: str
    type: str
    help: str
    example: str


class Completion(Answer):
    """What may stand at a place of a query instead of the characters from `start` to `end`."""

    text: str
    kind: str
    help: str
    start: int
    end: int
