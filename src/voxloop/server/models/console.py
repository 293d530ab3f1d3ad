"""What a run printed, as the API tells it."""

from __future__ import annotations

from voxloop.server.models.answer import Answer


class Printed(Answer):
    """What a run wrote to its terminal, with carriage returns resolved."""

    text: str


class ConsoleLines(Answer):
    """Lines from the `first` on, counted from 0, of as many as there are in all, each with its time.

    Colours stay in them as a terminal's escape sequences. The `mark` says how far this reaches, to be asked what came since.
    """

    total: int
    first: int
    texts: list[str]
    times: list[float]
    mark: str


class ConsoleHits(Answer):
    """How many lines have a text, and the numbers of the first of them, counted from 0."""

    total: int
    lines: list[int]
