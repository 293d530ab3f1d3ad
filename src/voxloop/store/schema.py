"""The tables, and how an older database becomes a newer one."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from voxloop.store.probe import VERSION as VERSION

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
    # What charts need of it, where it is full; before the data, so that these need not be passed over.
    sa.Column("sketch", sa.LargeBinary),
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
# Addresses of the page with a name, which people have saved.
views = sa.Table(
    "views",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("page", sa.String, nullable=False),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("created", sa.Float, nullable=False),
    sa.UniqueConstraint("page", "name"),
)


def _add_views(connection: Connection) -> None:
    # As it is described above: whoever changes the table writes down here what it was before.
    views.create(connection)


def _add_sketches(connection: Connection) -> None:
    kind = chunks.c.sketch.type.compile(connection.dialect)
    connection.exec_driver_sql(f"ALTER TABLE chunks ADD COLUMN sketch {kind}")


Migration = Callable[[Connection], None]
# From the version named by the key to the next one.
MIGRATIONS: dict[int, Migration] = {1: _add_views, 2: _add_sketches}
# What such a version lacks, for a connection to SQLite that may only read it: under the same name, and empty.
STAND_INS = {
    1: "CREATE TEMP VIEW views AS SELECT 0 AS id, '' AS page, '' AS name, '' AS address, 0.0 AS created WHERE 0",
    2: "CREATE TEMP VIEW chunks AS SELECT series_id, number, size, low_step, high_step, NULL AS sketch, data FROM main.chunks",
}
