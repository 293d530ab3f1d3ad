"""The writers that live in this process, so that who logs and then reads finds what was logged."""

from __future__ import annotations

import os
import weakref
from pathlib import Path
from typing import Protocol


class Writer(Protocol):
    root: Path

    def flush(self) -> None: ...


_writers: weakref.WeakSet[Writer] = weakref.WeakSet()


def add(writer: Writer) -> None:
    _writers.add(writer)


def discard(writer: Writer) -> None:
    _writers.discard(writer)


def flush(root: Path) -> None:
    """Has every writer of a project move what it holds into the database."""
    for writer in list(_writers):
        if writer.root == root:
            writer.flush()


if hasattr(os, "register_at_fork"):
    # They belong to the parent.
    os.register_at_fork(after_in_child=_writers.clear)
