"""Tracking must never end a training: what goes wrong in here is said once, and the training goes on."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


class Caution:
    """Says each reason once."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    @contextmanager
    def over(self, what: str) -> Iterator[None]:
        """Whatever fails inside costs only `what`."""
        try:
            yield
        except Exception as error:  # a foreign bundle's objects may fail in any way
            lines = str(error).strip().splitlines()
            self.say(f"{what} not tracked: {lines[0] if lines else type(error).__name__}")

    def say(self, sentence: str) -> None:
        if sentence not in self._said:
            self._said.add(sentence)
            print(f"voxloop: {sentence}", file=sys.stderr)
