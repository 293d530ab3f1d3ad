"""Artifacts at a glance: a line for each name, what a version adds to those before it, and the figures that tell versions apart."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from voxloop.store import schema
from voxloop.store.records import ArtifactVersion

# More are not a glance.
MOST_FIGURES = 12


@dataclass(frozen=True, slots=True)
class Summary:
    """A name: its newest version, and all of them together. `stored` counts what several versions share once."""

    name: str
    kind: str
    newest: int
    versions: int
    aliases: tuple[tuple[str, int], ...]
    bytes: int
    stored: int
    changed: float
    run_id: str | None


@dataclass(frozen=True, slots=True)
class Overview:
    """Every name, and what all of them take; what several names share is counted once in `stored`."""

    names: tuple[Summary, ...]
    versions: int
    bytes: int
    stored: int


def of_all(connection: Connection) -> Overview:
    """All names, in their order."""
    columns = schema.versions.c
    named: dict[str, list[tuple[str, int]]] = {}
    for row in connection.execute(sa.select(schema.aliases).order_by(schema.aliases.c.alias)):
        named.setdefault(row.name, []).append((row.alias, row.version))
    query = sa.select(columns.name, columns.version, columns.kind, columns.files, columns.run_id, columns.created)
    rows: dict[str, list[Any]] = {}
    for row in connection.execute(query.order_by(columns.name, columns.version)):
        rows.setdefault(row.name, []).append(row)
    everywhere: dict[str, int] = {}
    names = []
    for name, mine in rows.items():
        blobs = {file["digest"]: int(file["bytes"]) for row in mine for file in row.files.values()}
        everywhere |= blobs
        newest = mine[-1]
        names.append(
            Summary(
                name=name,
                kind=newest.kind,
                newest=newest.version,
                versions=len(mine),
                aliases=tuple(named.get(name, ())),
                bytes=sum(int(file["bytes"]) for row in mine for file in row.files.values()),
                stored=sum(blobs.values()),
                changed=max(row.created for row in mine),
                run_id=newest.run_id,
            )
        )
    return Overview(
        tuple(names),
        sum(one.versions for one in names),
        sum(one.bytes for one in names),
        sum(everywhere.values()),
    )


def added(versions: Sequence[ArtifactVersion]) -> list[int]:
    """For each version of a name, oldest first, the bytes that none before it had: what it takes beside them."""
    seen: set[str] = set()
    found = []
    for version in versions:
        own = {file["digest"]: int(file["bytes"]) for file in version.files.values() if file["digest"] not in seen}
        seen |= own.keys()
        found.append(sum(own.values()))
    return found


def figures(metadata: dict[str, Any]) -> dict[str, float]:
    """The numbers in a version's metadata, by name. A checkpoint's score goes by the metric that it is one of."""
    found = dict(_numbers(metadata))
    metric = metadata.get("metric")
    if isinstance(metric, str) and metric and "score" in found:
        found = {metric: found.pop("score"), **found}
    return found


def figure_names(each: Iterable[dict[str, float]]) -> list[str]:
    """The figures that most versions have, in the order in which they are told."""
    counts: dict[str, int] = {}
    for one in each:
        for name in one:
            counts[name] = counts.get(name, 0) + 1
    most = set(sorted(counts, key=lambda name: -counts[name])[:MOST_FIGURES])
    return [name for name in counts if name in most]


def _numbers(value: dict[str, Any], before: str = "") -> Iterable[tuple[str, float]]:
    for key, inner in value.items():
        if isinstance(inner, dict) and not before:
            yield from _numbers(inner, f"{key}.")
        elif isinstance(inner, int | float) and not isinstance(inner, bool) and math.isfinite(inner):
            yield f"{before}{key}", float(inner)
