"""The rows of some runs, table by table: what goes into an archive, and what it is compared with where it arrives."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from voxloop.store import schema
from voxloop.store.artifacts import references
from voxloop.store.blobs import Blobs
from voxloop.store.portable.archive import Row

# SQLite takes so many values in one question.
BATCH = 500


class Selected:
    """The rows of some runs, table by table, in the order that an archive has."""

    def __init__(self, connection: Connection, run_ids: Sequence[str]) -> None:
        self._connection = connection
        self._batches = [list(run_ids[start : start + BATCH]) for start in range(0, len(run_ids), BATCH)]

    def __call__(self, table: str) -> Iterator[Row]:
        if table in ("versions", "aliases"):
            rows = self._versions() if table == "versions" else self._aliases()
            yield from rows
            return
        for batch in self._batches:
            for row in self._connection.execute(_of_runs(table, batch)).yield_per(100):
                yield dict(row._mapping)

    def _versions(self) -> Iterator[Row]:
        """What the runs made, and what they used."""
        made = {run_id for batch in self._batches for run_id in batch}
        used = {(row["name"], row["version"]) for row in self("uses")}
        query = sa.select(schema.versions).order_by(schema.versions.c.name, schema.versions.c.version)
        for row in self._connection.execute(query):
            if row.run_id in made or (row.name, row.version) in used:
                yield dict(row._mapping)

    def _aliases(self) -> Iterator[Row]:
        chosen = {(row["name"], row["version"]) for row in self._versions()}
        query = sa.select(schema.aliases).order_by(schema.aliases.c.name, schema.aliases.c.alias)
        for row in self._connection.execute(query):
            if (row.name, row.version) in chosen:
                yield dict(row._mapping)


def _of_runs(table: str, run_ids: list[str]) -> sa.Select[Any]:
    columns = schema.metadata.tables[table].c
    if table == "runs":
        return sa.select(schema.runs).where(columns.id.in_(run_ids)).order_by(columns.created, columns.id)
    if table == "chunks":
        mine = sa.select(schema.series.c.id).where(schema.series.c.run_id.in_(run_ids))
        # A sketch says again what the points say, and is made anew where they arrive.
        told = [column for column in columns if column is not columns.sketch]
        return sa.select(*told).where(columns.series_id.in_(mine)).order_by(columns.series_id, columns.number)
    return sa.select(schema.metadata.tables[table]).where(columns.run_id.in_(run_ids)).order_by(*columns)


def named(rows: Callable[[str], Iterator[Row]], blobs: Blobs | None) -> dict[str, str]:
    """The blobs that rows name, and where. What params and environment name counts where there is such a blob."""
    found = {}
    if blobs is not None:
        for run in rows("runs"):
            for digest in references.named_in([run["params"], run["environment"]]):
                if digest in blobs:
                    found[digest] = f"run {run['name']}: the blob {digest[:12]}…"
    for row in rows("media"):
        for digest in references.named_in(row["data"]):
            found[digest] = f"{row['name']} at step {row['step']} of run {row['run_id']}"
    for row in rows("versions"):
        for path, file in row["files"].items():
            found[file["digest"]] = f"{row['name']}:v{row['version']}: {path}"
    return found
