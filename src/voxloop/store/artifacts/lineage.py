"""Which run made a version, which runs used it, and so on in both directions, as a graph."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from voxloop.store import schema
from voxloop.store.records import ArtifactVersion


@dataclass(frozen=True, slots=True)
class Node:
    """A run or an artifact version; `gone` where the lineage still names it and the project no longer has it."""

    id: str
    what: str
    name: str
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Edge:
    """The way content went: a run `made` a version, or a version was `used` by a run."""

    source: str
    target: str
    how: str


@dataclass(frozen=True, slots=True)
class Lineage:
    """What lies before a version (ancestors) and after it (descendants), with itself."""

    start: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """What is worth knowing of a node beside its name: a version's kind and aliases, or how a run stands."""

    kind: str
    aliases: tuple[str, ...]
    created: float


def facts(connection: Connection, found: Lineage) -> dict[str, Facts]:
    """Of every node that is still there, by its id; a run's kind is its status."""
    columns, pointing, runs = schema.versions.c, schema.aliases.c, schema.runs.c
    aliases: dict[str, list[str]] = {}
    for row in connection.execute(sa.select(schema.aliases).order_by(pointing.alias)):
        aliases.setdefault(f"{row.name}:v{row.version}", []).append(row.alias)
    known = {
        f"{row.name}:v{row.version}": Facts(row.kind, tuple(aliases.get(f"{row.name}:v{row.version}", ())), row.created)
        for row in connection.execute(sa.select(columns.name, columns.version, columns.kind, columns.created))
    }
    known |= {
        row.id: Facts(row.status, (), row.created)
        for row in connection.execute(sa.select(runs.id, runs.status, runs.created))
    }
    return {node.id: known[node.id] for node in found.nodes if node.id in known}


def of_version(connection: Connection, version: ArtifactVersion, depth: int | None = None) -> Lineage:
    """The lineage of a version: at most `depth` steps each way, each from a version to a run or back; without it, all."""
    return _lineage(connection, version.ref, depth)


def of_run(connection: Connection, run_id: str, depth: int | None = None) -> Lineage:
    """The lineage of a run, in the same way."""
    return _lineage(connection, run_id, depth)


def _lineage(connection: Connection, start: str, depth: int | None) -> Lineage:
    edges = _edges(connection)
    back: dict[str, list[Edge]] = {}
    forth: dict[str, list[Edge]] = {}
    for edge in edges:
        back.setdefault(edge.target, []).append(edge)
        forth.setdefault(edge.source, []).append(edge)
    found = {**_walk(start, back, depth, forwards=False), **_walk(start, forth, depth, forwards=True)}
    ids = dict.fromkeys([start, *(end for edge in found for end in (edge.source, edge.target))])
    return Lineage(start, tuple(_nodes(connection, ids)), tuple(found))


def _edges(connection: Connection) -> list[Edge]:
    made = sa.select(schema.versions.c.run_id, schema.versions.c.name, schema.versions.c.version)
    used = sa.select(schema.uses).order_by(schema.uses.c.run_id, schema.uses.c.name, schema.uses.c.version)
    made = made.where(schema.versions.c.run_id.is_not(None)).order_by(schema.versions.c.name, schema.versions.c.version)
    return [
        *(Edge(row.run_id, f"{row.name}:v{row.version}", "made") for row in connection.execute(made)),
        *(Edge(f"{row.name}:v{row.version}", row.run_id, "used") for row in connection.execute(used)),
    ]


def _walk(start: str, edges: Mapping[str, list[Edge]], depth: int | None, forwards: bool) -> dict[Edge, None]:
    found: dict[Edge, None] = {}
    # A resumed run may use what it made itself, so the way may lead back.
    seen, ring, steps = {start}, [start], 0
    while ring and (depth is None or steps < depth):
        steps += 1
        following = []
        for place in ring:
            for edge in edges.get(place, ()):
                found[edge] = None
                end = edge.target if forwards else edge.source
                if end not in seen:
                    seen.add(end)
                    following.append(end)
        ring = following
    return found


def _nodes(connection: Connection, ids: Iterable[str]) -> Iterable[Node]:
    runs = {row.id: row.name for row in connection.execute(sa.select(schema.runs.c.id, schema.runs.c.name))}
    versions = {
        f"{row.name}:v{row.version}"
        for row in connection.execute(sa.select(schema.versions.c.name, schema.versions.c.version))
    }
    for one in ids:
        # No run's id has a colon.
        if ":v" in one:
            yield Node(one, "version", one.rpartition(":v")[0], gone=one not in versions)
        else:
            yield Node(one, "run", runs.get(one, one), gone=one not in runs)
