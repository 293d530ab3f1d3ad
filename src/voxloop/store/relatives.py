"""The runs around a run: before and after it in its experiment, what it was forked from, what was forked from it."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from voxloop.store import schema
from voxloop.store.records import RunRecord

TABLE = schema.runs
MOST_CHILDREN = 50
Few = sa.Select[str, str, str, float]


@dataclass(frozen=True, slots=True)
class Relative:
    """Another run, in a few words."""

    id: str
    name: str
    status: str
    created: float


@dataclass(frozen=True, slots=True)
class Relatives:
    """Who is around a run. It is the `place`-th of `total` in its experiment, the oldest being the first."""

    previous: Relative | None
    next: Relative | None
    parent: Relative | None
    children: tuple[Relative, ...]
    place: int
    total: int


def of_run(connection: Connection, run: RunRecord) -> Relatives:
    """Archived runs are passed over, as everywhere; a parent and children count nevertheless."""
    there = (TABLE.c.experiment == run.experiment) & (sa.not_(TABLE.c.archived) | (TABLE.c.id == run.id))
    # Runs that begin in the same instant are told apart by their ids.
    earlier = (TABLE.c.created < run.created) | ((TABLE.c.created == run.created) & (TABLE.c.id < run.id))
    later = (TABLE.c.created > run.created) | ((TABLE.c.created == run.created) & (TABLE.c.id > run.id))
    newest, oldest = (TABLE.c.created.desc(), TABLE.c.id.desc()), (TABLE.c.created, TABLE.c.id)
    few = sa.select(TABLE.c.id, TABLE.c.name, TABLE.c.status, TABLE.c.created)
    count = sa.select(sa.func.count()).select_from(TABLE)
    return Relatives(
        previous=_first(connection, few.where(there & earlier).order_by(*newest)),
        next=_first(connection, few.where(there & later).order_by(*oldest)),
        parent=None if run.parent is None else _first(connection, few.where(TABLE.c.id == run.parent)),
        children=tuple(
            _relative(row)
            for row in connection.execute(few.where(TABLE.c.parent == run.id).order_by(*oldest).limit(MOST_CHILDREN))
        ),
        place=1 + int(connection.execute(count.where(there & earlier)).scalar_one()),
        total=int(connection.execute(count.where(there)).scalar_one()),
    )


def _first(connection: Connection, query: Few) -> Relative | None:
    row = connection.execute(query.limit(1)).first()
    return None if row is None else _relative(row)


def _relative(row: Row[str, str, str, float]) -> Relative:
    return Relative(row.id, row.name, row.status, row.created)
