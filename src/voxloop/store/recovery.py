"""What dead processes left: their journals are drained by whoever opens the project next, and their runs marked crashed."""

from __future__ import annotations

import os
import time
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from voxloop.errors import VoxloopError
from voxloop.store import journal, schema
from voxloop.store.drain import Sink, parse

# On a team's database a run may be written from another machine, whose journals are not here: silence is what tells.
SILENT_S = 60.0


class Store(Protocol):
    """What recovery needs of a database; `shared` says that other machines write there too."""

    @property
    def shared(self) -> bool: ...
    def reading(self) -> AbstractContextManager[Connection]: ...
    def writing(self) -> AbstractContextManager[Connection]: ...


def recover(folder: Path, database: Store) -> list[str]:
    """Drains what dead processes left in `folder`, and marks their runs crashed; answers with the ids of those runs.

    What cannot be written now, on a full disk or a locked database, stays in its journal for the next time: a project
    can still be read.
    """
    crashed: list[str] = []
    if not os.access(folder.parent, os.W_OK):
        # A copy to look at: nobody writes into it, and nothing can be mended in it.
        return crashed
    for orphan in journal.orphans(folder):
        if not orphan.run_id:
            journal.set_aside(orphan.path)
            continue
        try:
            with database.writing() as connection:
                crashed += _bury(connection, orphan)
        except VoxloopError:
            continue
        except (ValueError, OverflowError, KeyError, TypeError, AttributeError, sa.exc.SQLAlchemyError):
            # Committed, and yet no database can hold it: not the reason for a project that nobody can open.
            journal.set_aside(orphan.path)
            continue
        orphan.path.unlink(missing_ok=True)
    with database.reading() as connection:
        alive = sa.select(schema.runs.c.id).where(schema.runs.c.status == "running")
        if database.shared:
            alive = alive.where(schema.runs.c.heartbeat < time.time() - SILENT_S)
        running = connection.execute(alive).scalars().all()
        known = connection.execute(sa.select(schema.journals.c.name)).scalars().all()
    # A journal is there before its run and until after its end, so a running run without one has lost its process. Asked
    # twice, because a listing may miss the moment in which one journal takes over from another.
    lost = [run_id for run_id in running if not (_has_journal(folder, run_id) or _has_journal(folder, run_id))]
    # Only once a journal's file is gone may it be forgotten, or its points would be drained again.
    gone = [] if database.shared else [name for name in known if not (folder / name).exists()]
    if lost or gone:
        try:
            with database.writing() as connection:
                crashed += [run_id for run_id in lost if _crash(connection, run_id)]
                connection.execute(schema.journals.delete().where(schema.journals.c.name.in_(gone[:500])))
        except VoxloopError:
            pass
    return crashed


def _has_journal(folder: Path, run_id: str) -> bool:
    return any(folder.glob(f"{run_id}-*.journal"))


def _bury(connection: Connection, orphan: journal.Orphan) -> list[str]:
    known = schema.journals.c.name == orphan.path.name
    row = connection.execute(sa.select(schema.journals.c.drained).where(known)).first()
    drained = (row.drained if row else journal.START) - journal.START
    sink = Sink(orphan.run_id)
    # The series that the rest belongs to may be declared in what is drained already.
    sink.declare(parse(orphan.content[:drained])[0])
    if rest := orphan.content[drained:]:
        sink.drain(connection, orphan.path.name, rest, journal.START + len(orphan.content))
    return [orphan.run_id] if _crash(connection, orphan.run_id) else []


def _crash(connection: Connection, run_id: str) -> bool:
    running = (schema.runs.c.id == run_id) & (schema.runs.c.status == "running")
    return bool(connection.execute(schema.runs.update().where(running).values(status="crashed")).rowcount)
