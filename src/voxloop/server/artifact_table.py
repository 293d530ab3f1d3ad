"""The table of artifact names: what fits the words that a person types, and in which order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from voxloop.errors import VoxloopError
from voxloop.server.models.artifacts import ArtifactKind
from voxloop.store.artifacts.summaries import Summary

ORDERS: dict[str, Callable[[Summary], Any]] = {
    "name": lambda one: one.name.lower(),
    "kind": lambda one: one.kind.lower(),
    "newest": lambda one: one.newest,
    "versions": lambda one: one.versions,
    "bytes": lambda one: one.bytes,
    "stored": lambda one: one.stored,
    "changed": lambda one: one.changed,
}


def chosen(names: Sequence[Summary], words: str, kind: str | None, sort: str) -> list[Summary]:
    """The names that have all the words, of a kind, in order; of equals, by name."""
    key = sort.removeprefix("-")
    if key not in ORDERS:
        raise VoxloopError(f'Artifacts are not sorted by "{key[:80]}", but by {", ".join(ORDERS)}.')
    found = sorted(
        (one for one in names if _fits(one, words) and kind in (None, one.kind)), key=lambda one: one.name.lower()
    )
    return sorted(found, key=ORDERS[key], reverse=sort.startswith("-"))


def kinds(names: Sequence[Summary], words: str) -> list[ArtifactKind]:
    """How many names of each kind have all the words, the most first."""
    counted = Counter(one.kind for one in names if _fits(one, words))
    # A kind that is chosen stays in sight though nothing of it fits.
    every = {one.kind: counted.get(one.kind, 0) for one in names}
    return [
        ArtifactKind(kind=kind, names=count)
        for kind, count in sorted(every.items(), key=lambda one: (-one[1], one[0].lower()))
    ]


def _fits(one: Summary, words: str) -> bool:
    text = "\n".join([one.name, one.kind, *(alias for alias, _ in one.aliases)]).lower()
    return all(word in text for word in words.lower().split())
