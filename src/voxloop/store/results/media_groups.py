"""The media that a query fits as a board shows them: by run, name and context, with their steps; no content is read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from voxloop.store import asking, query, schema
from voxloop.store.context import Context

MOST = 100_000


@dataclass(frozen=True, slots=True)
class MediaGroup:
    """What one run logged under one name, in one context; `ids` run along `steps`, several at one step in their order."""

    run_id: str
    name: str
    kind: str
    context: Context
    steps: tuple[int, ...]
    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class MediaGroups:
    """The groups, the newest run first. `total` counts all records that fit, of which at most `MOST` are told."""

    total: int
    runs: Mapping[str, str]
    groups: tuple[MediaGroup, ...]


def of_query(connection: Connection, text: str) -> MediaGroups:
    """The groups of the media that a query fits."""
    asked = query.parse(text, "media")
    table, runs = schema.media.c, schema.runs.c
    columns = (table.id, table.run_id, table.name, table.kind, table.context, table.step)
    rows = connection.execute(
        sa.select(*columns, runs.name.label("run"))
        .select_from(query.base("media"))
        .where(query.where(asked, connection))
        .order_by(*query.order(None, "media", connection))
        .limit(MOST)
    ).all()
    found: dict[tuple[str, str, str, str], list[tuple[int, int]]] = {}
    names: dict[str, str] = {}
    for row in rows:
        found.setdefault((row.run_id, row.name, row.kind, row.context), []).append((row.step, row.id))
        names.setdefault(row.run_id, row.run)
    total = len(rows) if len(rows) < MOST else asking.count(connection, "media", text)
    return MediaGroups(total, names, tuple(_group(*key, places) for key, places in found.items()))


def _group(run_id: str, name: str, kind: str, context: str, places: list[tuple[int, int]]) -> MediaGroup:
    told: dict[str, Any] = json.loads(context)
    places.sort()
    return MediaGroup(
        run_id, name, kind, told, tuple(step for step, _ in places), tuple(number for _, number in places)
    )
