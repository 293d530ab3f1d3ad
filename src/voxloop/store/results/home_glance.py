"""All runs at one look, as little of each as their order needs: one pass over the table instead of one for each question."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from voxloop.store import schema


@dataclass(frozen=True, slots=True)
class Glance:
    """A run that is not archived. `end` is when it ended or, if it is going on or crashed, when it was last heard of."""

    id: str
    experiment: str
    status: str
    end: float


def glance(connection: Connection) -> list[Glance]:
    """Every run that is not archived, by its end, the newest first."""
    runs = schema.runs.c
    end = sa.func.coalesce(runs.ended, runs.heartbeat)
    asked = sa.select(runs.id, runs.experiment, runs.status, end).where(~runs.archived)
    return sorted((Glance(*row) for row in connection.execute(asked)), key=lambda one: (-one.end, one.id))
