"""A project's own database, one file: made whole or not at all, brought forward after a backup, read where it cannot be written."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from voxloop.errors import VoxloopError
from voxloop.store import schema
from voxloop.store.probe import address, lacking, usable, version_of
from voxloop.store.schema import MIGRATIONS, STAND_INS, VERSION, Migration

WAIT_S = 30.0


def open_file(path: Path) -> Engine:
    """An engine for the database at `path`, made or brought forward if need be."""
    try:
        if not path.exists():
            create(path)
        if not usable(path, version_of(path)):
            engine = connect(path)
            try:
                upgrade(engine, path)
            finally:
                engine.dispose()
    except (sa.exc.DatabaseError, sqlite3.DatabaseError) as error:
        reason = str(getattr(error, "orig", error))
        full = "disk" in reason
        way_out = "free some space and try again" if full else "restore it from a backup, or move the folder away"
        raise VoxloopError(f"{path} cannot be opened ({reason}); {way_out}.") from error
    return connect(path)


def connect(path: Path) -> Engine:
    """An engine for a database file: write-ahead log, writers that wait for each other, readers that wait for nobody."""
    engine = sa.create_engine(
        f"sqlite:///{path}",
        creator=lambda: sqlite3.connect(address(path), uri=True, timeout=WAIT_S, check_same_thread=False),
    )

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, record: object) -> None:
        # The driver must not begin transactions by itself: `begin` below decides their kind.
        connection.isolation_level = None
        connection.execute("PRAGMA synchronous=NORMAL")
        for step in lacking(path):
            connection.execute(STAND_INS[step])

    @sa.event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A writer that begins as a reader and is then overtaken fails at once instead of waiting.
        reading = connection.get_execution_options().get("reading", False)
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    return engine


def make_tables(path: Path) -> None:
    """A new file with every table, and nothing in them."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
    engine = connect(path)
    try:
        with engine.begin() as connection:
            schema.metadata.create_all(connection)
    finally:
        engine.dispose()


def create(path: Path) -> None:
    """Makes a database with its tables under another name and links it into place: nobody ever meets half of one.

    Of several processes that make the same project at once, one is first and the others use its database.
    """
    partial = path.with_name(f".partial-{os.getpid()}-{threading.get_ident()}-{path.name}")
    try:
        make_tables(partial)
        engine = connect(partial)
        try:
            with engine.begin() as connection:
                connection.execute(schema.meta.insert().values(key="version", value=str(VERSION)))
        finally:
            engine.dispose()
        try:
            os.link(partial, path)
        except FileExistsError:
            return
        except OSError:
            # A file system without links: the rename replaces whatever another process made in this instant, unused yet.
            if not path.exists():
                partial.rename(path)
    finally:
        for left in path.parent.glob(f"{partial.name}*"):
            left.unlink(missing_ok=True)


def upgrade(
    engine: Engine, path: Path, version: int = VERSION, migrations: Mapping[int, Migration] = MIGRATIONS
) -> None:
    """Brings a database to `version` step by step, after a backup; one transaction, so that a cut leaves it as it was."""
    with engine.begin() as connection:
        # Looked at with the writer's lock held: another process may have been here first.
        found = int(
            connection.execute(sa.select(schema.meta.c.value).where(schema.meta.c.key == "version")).scalar_one()
        )
        if found < version:
            _back_up(path, path.with_name(f"{path.name}.schema-{found}.backup"))
        for step in range(found, version):
            migrations[step](connection)
        connection.execute(schema.meta.update().where(schema.meta.c.key == "version").values(value=str(version)))


def _back_up(path: Path, copy: Path) -> None:
    partial = copy.with_name(f"{copy.name}.partial")
    partial.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(partial)) as target:
        source.backup(target)
    # Only a whole copy bears the name of one.
    partial.replace(copy)
