"""A team's database: PostgreSQL, named by VOXLOOP_STORE. Journals and blobs stay in the project's folder."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from voxloop.errors import VoxloopError
from voxloop.store import schema
from voxloop.store.schema import MIGRATIONS, VERSION

# Writers take turns, as on SQLite: a version number or an alias is never given twice.
TURN = sa.text("SELECT pg_advisory_xact_lock(7861)")
ONE_VIEW = sa.text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
CHANGES = sa.text("SELECT pg_snapshot_xmax(pg_current_snapshot())::text")


def open_server(url: str) -> Engine:
    """An engine for the database at `url`, with its tables made or brought forward if need be."""
    try:
        address = sa.engine.make_url(url)
        if address.get_backend_name() != "postgresql":
            raise VoxloopError(
                f"VOXLOOP_STORE names {address.get_backend_name()}, and a store is postgresql://user@host/name."
            )
        engine = sa.create_engine(address.set(drivername="postgresql+psycopg"), pool_pre_ping=True)
    except sa.exc.ArgumentError as error:
        raise VoxloopError("VOXLOOP_STORE is no address of a database; one is postgresql://user@host/name.") from error
    except ImportError as error:
        raise VoxloopError('A store on PostgreSQL needs a driver; run: pip install "voxloop[cloud]".') from error

    @sa.event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.execute(ONE_VIEW if connection.get_execution_options().get("reading", False) else TURN)

    where = address.render_as_string(hide_password=True)
    try:
        with engine.begin() as connection:
            _bring_forward(connection, where)
    except sa.exc.DBAPIError as error:
        engine.dispose()
        reason = str(error.orig).strip().splitlines()[0]
        raise VoxloopError(f"Cannot reach the store {where} ({reason}); check VOXLOOP_STORE and the server.") from error
    except VoxloopError:
        engine.dispose()
        raise
    return engine


def _bring_forward(connection: Connection, where: str) -> None:
    if not sa.inspect(connection).has_table("meta"):
        schema.metadata.create_all(connection)
        connection.execute(schema.meta.insert().values(key="version", value=str(VERSION)))
        return
    found = int(connection.execute(sa.select(schema.meta.c.value).where(schema.meta.c.key == "version")).scalar_one())
    if found > VERSION:
        raise VoxloopError(
            f"The store {where} was written by a newer voxloop (schema {found}, this one knows {VERSION}); update voxloop."
        )
    for step in range(found, VERSION):
        MIGRATIONS[step](connection)
    connection.execute(schema.meta.update().where(schema.meta.c.key == "version").values(value=str(VERSION)))
