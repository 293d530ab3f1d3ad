"""Runs in the database: found by what a person calls them, taken up again, described, taken away."""

from __future__ import annotations

import difflib
import time
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from voxloop.errors import VoxloopError
from voxloop.store import schema
from voxloop.store.records import RunRecord

TABLE = schema.runs
# What a person may say of a run after the fact.
EDITABLE = ("name", "experiment", "tags", "notes", "archived")


def find(connection: Connection, reference: str) -> RunRecord:
    """A run by its id, the unique beginning of one, or its name (the newest of that name)."""
    exact = connection.execute(sa.select(TABLE).where(TABLE.c.id == reference)).first()
    if exact is not None:
        return record(exact)
    named = sa.select(TABLE).where(TABLE.c.name == reference).order_by(TABLE.c.created.desc(), TABLE.c.id)
    if (newest := connection.execute(named).first()) is not None:
        return record(newest)
    begun = (
        connection.execute(sa.select(TABLE).where(TABLE.c.id.startswith(reference, autoescape=True)).limit(100)).all()
        if reference
        else []
    )
    if len(begun) == 1:
        return record(begun[0])
    if begun:
        raise VoxloopError(f'"{reference}" begins the id of {len(begun)} runs; give more of it.')
    known = connection.execute(sa.select(TABLE.c.name, TABLE.c.id).order_by(TABLE.c.created.desc()).limit(1000))
    near = difflib.get_close_matches(reference, [text for row in known for text in row], n=3)
    hint = f" Did you mean {' or '.join(near)}?" if near else ' "voxloop runs" lists them.'
    raise VoxloopError(f'No run is called "{reference}".{hint}')


def by_id(connection: Connection, ids: Sequence[str]) -> list[RunRecord]:
    """The runs with these ids, in this order."""
    found: dict[str, RunRecord] = {}
    for start in range(0, len(ids), 500):
        rows = connection.execute(sa.select(TABLE).where(TABLE.c.id.in_(ids[start : start + 500])))
        found |= {row.id: record(row) for row in rows}
    return [found[run_id] for run_id in ids if run_id in found]


def names(connection: Connection, ids: Sequence[str]) -> dict[str, str]:
    """The name of each of these runs."""
    found: dict[str, str] = {}
    for start in range(0, len(ids), 500):
        part = list(ids[start : start + 500])
        rows = connection.execute(sa.select(TABLE.c.id, TABLE.c.name).where(TABLE.c.id.in_(part)))
        found |= {row.id: row.name for row in rows}
    return found


def take(connection: Connection, run_id: str) -> bool:
    """Marks an ended run as running again; false where another process was faster."""
    # In one statement with the question, so that only one of two processes gets the run.
    ended = (TABLE.c.id == run_id) & (TABLE.c.status != "running")
    again = {"status": "running", "ended": None, "heartbeat": time.time()}
    return bool(connection.execute(TABLE.update().where(ended).values(**again)).rowcount)


def edit(connection: Connection, run_id: str, changes: dict[str, Any]) -> None:
    unknown = sorted(set(changes) - set(EDITABLE))
    if unknown:
        raise VoxloopError(f"{', '.join(unknown)} of a run cannot be edited, but {', '.join(EDITABLE)} can.")
    if changes:
        connection.execute(TABLE.update().where(TABLE.c.id == run_id).values(**changes))


def delete(connection: Connection, run: RunRecord) -> None:
    """Takes a run with its series, media and output away; its artifacts stay, for others may use them."""
    if run.status == "running":
        raise VoxloopError(f"Run {run.name} is still running; stop it first.")
    mine = sa.select(schema.series.c.id).where(schema.series.c.run_id == run.id)
    connection.execute(schema.chunks.delete().where(schema.chunks.c.series_id.in_(mine)))
    for table in (schema.series, schema.media, schema.console, schema.uses):
        connection.execute(table.delete().where(table.c.run_id == run.id))
    connection.execute(TABLE.delete().where(TABLE.c.id == run.id))


def record(row: Row[Any]) -> RunRecord:
    return RunRecord(
        id=row.id,
        name=row.name,
        experiment=row.experiment,
        status=row.status,
        created=row.created,
        ended=row.ended,
        heartbeat=row.heartbeat,
        params=row.params,
        tags=tuple(row.tags),
        environment=row.environment,
        notes=row.notes,
        archived=row.archived,
        parent=row.parent,
        definitions=row.definitions,
    )
