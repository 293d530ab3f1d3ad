"""The tables, and how an older database becomes a newer one."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from voxloop.errors import VoxloopError

VERSION = 1
metadata = sa.MetaData()

meta = sa.Table(
    "meta",
    metadata,
    sa.Column("key", sa.String, primary_key=True),
    sa.Column("value", sa.String, nullable=False),
)
runs = sa.Table(
    "runs",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("name", sa.String, nullable=False, index=True),
    sa.Column("experiment", sa.String, nullable=False, index=True),
    sa.Column("status", sa.String, nullable=False),
    sa.Column("created", sa.Float, nullable=False, index=True),
    sa.Column("ended", sa.Float),
    sa.Column("heartbeat", sa.Float, nullable=False),
    sa.Column("params", sa.JSON, nullable=False),
    sa.Column("tags", sa.JSON, nullable=False),
    sa.Column("environment", sa.JSON, nullable=False),
    sa.Column("definitions", sa.JSON, nullable=False),
    sa.Column("notes", sa.Text, nullable=False),
    sa.Column("archived", sa.Boolean, nullable=False, default=False),
    # The run that this one was forked from.
    sa.Column("parent", sa.String, index=True),
)
series = sa.Table(
    "series",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("run_id", sa.String, nullable=False),
    sa.Column("name", sa.String, nullable=False),
    # Canonical JSON, so that equal contexts are equal texts.
    sa.Column("context", sa.String, nullable=False),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("first", sa.Float),
    sa.Column("last", sa.Float),
    sa.Column("min", sa.Float),
    sa.Column("max", sa.Float),
    # The lowest or the highest, by the run's definitions; without one, nothing.
    sa.Column("best", sa.Float),
    sa.Column("last_step", sa.BigInteger),
    sa.UniqueConstraint("run_id", "name", "context"),
)
chunks = sa.Table(
    "chunks",
    metadata,
    sa.Column("series_id", sa.Integer, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("size", sa.Integer, nullable=False),
    # So that a part of a series is read without the rest of it.
    sa.Column("low_step", sa.BigInteger, nullable=False),
    sa.Column("high_step", sa.BigInteger, nullable=False),
    sa.Column("data", sa.LargeBinary, nullable=False),
)
media = sa.Table(
    "media",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("run_id", sa.String, nullable=False),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("context", sa.String, nullable=False),
    sa.Column("step", sa.BigInteger, nullable=False),
    sa.Column("epoch", sa.Integer),
    sa.Column("time", sa.Float, nullable=False),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("data", sa.JSON, nullable=False),
    sa.Index("media_by_place", "run_id", "name", "context", "step"),
)
# What a run printed, in pieces of whole lines.
console = sa.Table(
    "console",
    metadata,
    sa.Column("run_id", sa.String, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("time", sa.Float, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
)
versions = sa.Table(
    "versions",
    metadata,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("digest", sa.String, nullable=False),
    sa.Column("files", sa.JSON, nullable=False),
    sa.Column("metadata", sa.JSON, nullable=False),
    sa.Column("run_id", sa.String, index=True),
    sa.Column("created", sa.Float, nullable=False),
)
aliases = sa.Table(
    "aliases",
    metadata,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("alias", sa.String, primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
)
uses = sa.Table(
    "uses",
    metadata,
    sa.Column("run_id", sa.String, primary_key=True),
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
)
# How far a journal has been drained: in the same transaction as the points, so that none is drained twice.
journals = sa.Table(
    "journals",
    metadata,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("drained", sa.BigInteger, nullable=False),
)

Migration = Callable[[Connection], None]
# From the version named by the key to the next one.
MIGRATIONS: dict[int, Migration] = {}


def connect(path: Path) -> Engine:
    """An engine for a database file: write-ahead log, writers that wait for each other, readers that wait for nobody."""
    engine = sa.create_engine(f"sqlite:///{path}", connect_args={"timeout": 30.0, "check_same_thread": False})

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, record: object) -> None:
        # The driver must not begin transactions by itself: `begin` below decides their kind.
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")

    @sa.event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A writer that begins as a reader and is then overtaken fails at once instead of waiting.
        reading = connection.get_execution_options().get("reading", False)
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    return engine


def create(engine: Engine) -> None:
    """Makes the tables, unless there are any. All in one transaction, so that nobody meets a database without a version."""
    with engine.connect().execution_options(reading=True) as connection:
        if sa.inspect(connection).get_table_names():
            return
    with engine.begin() as connection:
        if sa.inspect(connection).get_table_names():
            return
        metadata.create_all(connection)
        connection.execute(meta.insert().values(key="version", value=str(VERSION)))


def upgrade(
    engine: Engine, path: Path, version: int = VERSION, migrations: Mapping[int, Migration] = MIGRATIONS
) -> None:
    """Brings a database to `version` step by step, after a backup; refuses one from the future."""
    with engine.connect().execution_options(reading=True) as connection:
        found = _version(connection, path)
    if found > version:
        raise VoxloopError(
            f"{path.parent} was written by a newer voxloop (schema {found}, this one knows {version}); update voxloop."
        )
    if found == version:
        return
    with engine.begin() as connection:
        # Looked at again with the writer's lock held: another process may have been here first.
        found = _version(connection, path)
        if found < version:
            _back_up(path, path.with_name(f"{path.name}.schema-{found}.backup"))
        for step in range(found, version):
            migrations[step](connection)
        connection.execute(meta.update().where(meta.c.key == "version").values(value=str(version)))


def _version(connection: Connection, path: Path) -> int:
    foreign = VoxloopError(
        f"{path} holds no voxloop project, but data of another program; move it away, or choose another folder."
    )
    try:
        return int(connection.execute(sa.select(meta.c.value).where(meta.c.key == "version")).scalar_one())
    except (sa.exc.NoResultFound, ValueError) as error:
        raise foreign from error
    except sa.exc.OperationalError as error:
        if sa.inspect(connection).has_table("meta"):
            raise
        raise foreign from error


def _back_up(path: Path, copy: Path) -> None:
    partial = copy.with_name(f"{copy.name}.partial")
    partial.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(partial)) as target:
        source.backup(target)
    # Only a whole copy bears the name of one.
    partial.replace(copy)
