"""Logged objects in the database."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from voxloop.store import schema
from voxloop.store.context import canonical
from voxloop.store.records import MediaRecord

TABLE = schema.media


def of_run(
    connection: Connection,
    run_id: str,
    kind: str | None = None,
    name: str | None = None,
    step: int | None = None,
    context: Mapping[str, Any] | None = None,
) -> list[MediaRecord]:
    """Those of one run, by name, context and step."""
    query = sa.select(TABLE).where(TABLE.c.run_id == run_id)
    for column, value in ((TABLE.c.kind, kind), (TABLE.c.name, name), (TABLE.c.step, step)):
        query = query if value is None else query.where(column == value)
    if context is not None:
        query = query.where(TABLE.c.context == canonical(context))
    return [
        _record(row)
        for row in connection.execute(query.order_by(TABLE.c.name, TABLE.c.context, TABLE.c.step, TABLE.c.id))
    ]


def by_id(connection: Connection, ids: Sequence[int]) -> list[MediaRecord]:
    """Those with these numbers, in this order."""
    found: dict[int, MediaRecord] = {}
    for start in range(0, len(ids), 500):
        rows = connection.execute(sa.select(TABLE).where(TABLE.c.id.in_(ids[start : start + 500])))
        found |= {row.id: _record(row) for row in rows}
    return [found[number] for number in ids if number in found]


def _record(row: Row[Any]) -> MediaRecord:
    return MediaRecord(
        id=row.id,
        run_id=row.run_id,
        name=row.name,
        context=json.loads(row.context),
        step=row.step,
        epoch=row.epoch,
        time=row.time,
        kind=row.kind,
        data=row.data,
    )
