"""Notes on a run, changed by people who may write at the same time: no text is written over that its writer has not seen."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from voxloop.store import schema

TABLE = schema.runs


def change(connection: Connection, run_id: str, text: str, before: str) -> tuple[bool, str]:
    """Puts a text in the place of the one that was read before; whether that was still there, and what is there now."""
    # In one statement with the question, so that of two people only one is first.
    mine = (TABLE.c.id == run_id) & (TABLE.c.notes == before)
    kept = bool(connection.execute(TABLE.update().where(mine).values(notes=text)).rowcount)
    return kept, text if kept else str(
        connection.execute(sa.select(TABLE.c.notes).where(TABLE.c.id == run_id)).scalar() or ""
    )
