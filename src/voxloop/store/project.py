"""A project: the folder `.voxloop`, opened. Everything that is read or kept goes through it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from voxloop.errors import VoxloopError
from voxloop.store import artifacts, live, place, recovery, runs, schema, series
from voxloop.store.blobs import Blobs
from voxloop.store.context import canonical
from voxloop.store.database import Database
from voxloop.store.records import ArtifactVersion, MediaRecord, Points, RunRecord, SeriesRecord


def open_project(path: Path | str | None = None, create: bool = False) -> Project:
    """Opens the nearest project: `path` or the working folder, or the first folder above that has a `.voxloop`."""
    return Project(place.find(path, create))


class Project:
    """One database, one blob store, one cache. Safe to open from several processes at once."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.blobs = Blobs(root / place.BLOBS)
        self.cache = root / "cache"
        self.journals = root / place.JOURNALS
        self._database: Database | None = Database.acquire(root)
        self.recover()

    def __enter__(self) -> Project:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Project({self.root}, {self.count_runs()} runs)"

    def close(self) -> None:
        if self._database is not None:
            self._database.release()
            self._database = None

    @property
    def database(self) -> Database:
        if self._database is None:
            raise VoxloopError(f"The project {self.root} is closed here; open it again.")
        return self._database

    def reading(self) -> AbstractContextManager[Connection]:
        """One consistent view of the database."""
        return self.database.reading()

    def writing(self) -> AbstractContextManager[Connection]:
        """One transaction: all of it or nothing."""
        return self.database.writing()

    # Runs

    def runs(self, limit: int | None = None, offset: int = 0) -> list[RunRecord]:
        """Newest first."""
        self.recover()
        query = (
            sa.select(schema.runs).order_by(schema.runs.c.created.desc(), schema.runs.c.id).limit(limit).offset(offset)
        )
        with self.reading() as connection:
            return [runs.record(row) for row in connection.execute(query)]

    def count_runs(self) -> int:
        with self.reading() as connection:
            return int(connection.execute(sa.select(sa.func.count()).select_from(schema.runs)).scalar_one())

    def run(self, reference: str) -> RunRecord:
        """A run by its id, the unique beginning of one, or its name (the newest of that name)."""
        with self.reading() as connection:
            return runs.find(connection, reference)

    def edit(self, reference: str, **changes: Any) -> RunRecord:
        """Changes what a person says of a run: name, experiment, tags, notes, archived."""
        run = self.run(reference)
        with self.writing() as connection:
            runs.edit(connection, run.id, changes)
        return self.run(run.id)

    def take(self, run_id: str) -> bool:
        """Marks an ended run as running again; false where another process was faster."""
        with self.writing() as connection:
            return runs.take(connection, run_id)

    def delete_run(self, reference: str) -> None:
        """Takes a run away with its series, media and output; its artifacts stay, for others may use them."""
        run = self.run(reference)
        with self.writing() as connection:
            runs.delete(connection, run)

    def console(self, run_id: str) -> str:
        """What a run printed."""
        table = schema.console
        with self.reading() as connection:
            pieces = connection.execute(
                sa.select(table.c.text).where(table.c.run_id == run_id).order_by(table.c.number)
            )
            return "".join(pieces.scalars())

    # Series and media

    def series_of(self, run_id: str, name: str | None = None) -> list[SeriesRecord]:
        query = sa.select(schema.series).where(schema.series.c.run_id == run_id)
        if name is not None:
            query = query.where(schema.series.c.name == name)
        with self.reading() as connection:
            rows = connection.execute(query.order_by(schema.series.c.name, schema.series.c.context)).all()
        return [series.record(row) for row in rows]

    def last_steps(self, run_id: str) -> dict[tuple[str, str], int]:
        """The last step of each series, by name and context."""
        table = schema.series
        with self.reading() as connection:
            rows = connection.execute(
                sa.select(table.c.name, table.c.context, table.c.last_step).where(table.c.run_id == run_id)
            )
            return {(row.name, row.context): row.last_step for row in rows if row.last_step is not None}

    def copy_series(self, source: str, target: str) -> None:
        """Gives a run the series of another, points and all."""
        with self.writing() as connection:
            series.copy(connection, source, target)

    def plain_series(self, run_ids: Sequence[str]) -> dict[str, list[SeriesRecord]]:
        """The series without a context of many runs at once, by run."""
        found: dict[str, list[SeriesRecord]] = {}
        # How busy the machine was is told by the run's own page.
        plain = (schema.series.c.context == "{}") & ~schema.series.c.name.startswith("system/")
        with self.reading() as connection:
            for start in range(0, len(run_ids), 500):
                ids = list(run_ids[start : start + 500])
                for row in connection.execute(
                    sa.select(schema.series)
                    .where(plain & schema.series.c.run_id.in_(ids))
                    .order_by(schema.series.c.name)
                ):
                    found.setdefault(row.run_id, []).append(series.record(row))
        return found

    def points(
        self,
        series_id: int,
        max_points: int | None = None,
        first_step: int | None = None,
        last_step: int | None = None,
    ) -> Points:
        """The points of a series; thinned without losing a spike where there are more than `max_points`."""
        with self.reading() as connection:
            if connection.execute(sa.select(schema.series.c.id).where(schema.series.c.id == series_id)).first() is None:
                raise VoxloopError(f"No series has the number {series_id}.")
            return series.read(connection, series_id, max_points, first_step, last_step)

    def media_of(
        self,
        run_id: str,
        kind: str | None = None,
        name: str | None = None,
        step: int | None = None,
        context: Mapping[str, Any] | None = None,
    ) -> list[MediaRecord]:
        table = schema.media
        query = sa.select(table).where(table.c.run_id == run_id)
        for column, value in ((table.c.kind, kind), (table.c.name, name), (table.c.step, step)):
            query = query if value is None else query.where(column == value)
        if context is not None:
            query = query.where(table.c.context == canonical(context))
        with self.reading() as connection:
            return [
                MediaRecord(
                    row.id,
                    row.run_id,
                    row.name,
                    json.loads(row.context),
                    row.step,
                    row.epoch,
                    row.time,
                    row.kind,
                    row.data,
                )
                for row in connection.execute(query.order_by(table.c.name, table.c.context, table.c.step, table.c.id))
            ]

    # Artifacts

    def artifacts(self, name: str | None = None) -> list[ArtifactVersion]:
        with self.reading() as connection:
            return artifacts.select(connection, name)

    def artifact(self, reference: str) -> ArtifactVersion:
        return artifacts.find(self.artifacts(), reference)

    def save(
        self,
        path: Path,
        name: str,
        kind: str,
        run_id: str | None,
        aliases: Iterable[str] = (),
        metadata: Mapping[str, Any] | None = None,
    ) -> ArtifactVersion:
        """Stores a file or folder as an artifact version; unchanged content makes no new one."""
        files = artifacts.manifest(self.blobs, path)
        with self.writing() as connection:
            _, version = artifacts.add(connection, name, kind, files, run_id, list(aliases), dict(metadata or {}))
        return self.artifact(f"{name}:v{version}")

    def alias(self, reference: str, alias: str) -> ArtifactVersion:
        version = self.artifact(reference)
        with self.writing() as connection:
            artifacts.move_alias(connection, version.name, alias, version.version)
        return self.artifact(version.ref)

    def materialise(self, version: ArtifactVersion) -> Path:
        """A version's files as a folder under the cache; not to be written to."""
        return artifacts.materialise(version, self.blobs, self.cache)

    def use(self, run_id: str, version: ArtifactVersion) -> None:
        """Remembers that a run used a version."""
        row = {"run_id": run_id, "name": version.name, "version": version.version}
        here = sa.and_(*(schema.uses.c[key] == value for key, value in row.items()))
        with self.writing() as connection:
            if connection.execute(sa.select(schema.uses).where(here)).first() is None:
                connection.execute(schema.uses.insert().values(**row))

    def made(self, run_id: str) -> list[ArtifactVersion]:
        """The versions that a run made."""
        return [version for version in self.artifacts() if version.run_id == run_id]

    def used(self, run_id: str) -> list[ArtifactVersion]:
        """The versions that a run used."""
        with self.reading() as connection:
            rows = connection.execute(sa.select(schema.uses).where(schema.uses.c.run_id == run_id)).all()
        wanted = {(row.name, row.version) for row in rows}
        return [version for version in self.artifacts() if (version.name, version.version) in wanted]

    def users(self, version: ArtifactVersion) -> list[str]:
        """The ids of the runs that used a version."""
        here = (schema.uses.c.name == version.name) & (schema.uses.c.version == version.version)
        with self.reading() as connection:
            return [row.run_id for row in connection.execute(sa.select(schema.uses.c.run_id).where(here))]

    # What others are writing

    def recover(self) -> list[str]:
        """Drains what dead processes left, and marks their runs crashed; answers with the ids of those runs.

        What this process itself is writing is drained too: who logs and then reads finds what was logged.
        """
        live.flush(self.root)
        return recovery.recover(self.journals, self.database)

    def change_token(self) -> str:
        """Changes whenever another connection has changed the database; costs one small look."""
        return self.database.change_token()
