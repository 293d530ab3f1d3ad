"""A project: the folder `.voxloop`, opened. Everything that is read or kept goes through it."""

from __future__ import annotations

import difflib
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from voxloop.errors import VoxloopError
from voxloop.store import artifacts, recovery, schema, series
from voxloop.store.blobs import Blobs
from voxloop.store.records import ArtifactVersion, MediaRecord, Points, RunRecord, SeriesRecord

FOLDER = ".voxloop"
DATABASE = "voxloop.db"
KEPT = ("blobs", "journals")


def open_project(path: Path | str | None = None, create: bool = False) -> Project:
    """Opens the nearest project: `path` or the working folder, or the first folder above that has a `.voxloop`.

    With `create`, one is made there if none is found. VOXLOOP_PROJECT names the place where no path is given.
    """
    start = Path(path if path is not None else os.environ.get("VOXLOOP_PROJECT") or Path.cwd()).absolute()
    if path is not None and not create and not start.exists():
        raise VoxloopError(f"No folder is at {start}, so no project is there; check --project.")
    for folder in [start, *start.parents]:
        root = folder if folder.name == FOLDER else folder / FOLDER
        if root.is_dir():
            return Project(root)
    if not create:
        raise VoxloopError(
            f"No project is at {start} (there is no {FOLDER} here or above); train something, or name one with --project."
        )
    return Project(start if start.name == FOLDER else start / FOLDER)


class Project:
    """One database, one blob store, one cache. Safe to open from several processes at once."""

    def __init__(self, root: Path) -> None:
        self.root = root
        try:
            root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise VoxloopError(
                f"Cannot make the project folder {root}: {error.strerror}; choose another place."
            ) from error
        self.blobs = Blobs(root / "blobs")
        self.cache = root / "cache"
        self.journals = root / "journals"
        database = root / DATABASE
        if not database.exists() and any((root / kept).is_dir() and any((root / kept).iterdir()) for kept in KEPT):
            raise VoxloopError(
                f"{root} has lost its database {DATABASE}; restore it from a backup, or move the folder away."
            )
        self._engine = schema.connect(database)
        self._watch: sqlite3.Connection | None = None
        try:
            schema.create(self._engine)
            schema.upgrade(self._engine, database)
        except (sa.exc.DatabaseError, sqlite3.DatabaseError) as error:
            self._engine.dispose()
            reason = str(getattr(error, "orig", error))
            full = "disk" in reason
            way_out = "free some space and try again" if full else "restore it from a backup, or move the folder away"
            raise VoxloopError(f"{database} cannot be opened ({reason}); {way_out}.") from error
        except VoxloopError:
            self._engine.dispose()
            raise
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
        if self._watch is not None:
            self._watch.close()
            self._watch = None
        self._engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One consistent view of the database."""
        try:
            with self._engine.connect().execution_options(reading=True) as connection:
                yield connection
        except sa.exc.DatabaseError as error:
            raise VoxloopError(
                f"Cannot read {self.root / DATABASE} ({error.orig}); restore it from a backup."
            ) from error

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction: all of it or nothing."""
        try:
            with self._engine.begin() as connection:
                yield connection
        except sa.exc.DatabaseError as error:
            raise VoxloopError(
                f"Cannot write to {self.root / DATABASE} ({error.orig}); free some space or wait for other writers."
            ) from error

    # Runs

    def runs(self, limit: int | None = None, offset: int = 0) -> list[RunRecord]:
        """Newest first."""
        self.recover()
        query = (
            sa.select(schema.runs).order_by(schema.runs.c.created.desc(), schema.runs.c.id).limit(limit).offset(offset)
        )
        with self.reading() as connection:
            return [_run(row) for row in connection.execute(query)]

    def count_runs(self) -> int:
        with self.reading() as connection:
            return int(connection.execute(sa.select(sa.func.count()).select_from(schema.runs)).scalar_one())

    def run(self, reference: str) -> RunRecord:
        """A run by its id, the unique beginning of one, or its name (the newest of that name)."""
        table = schema.runs
        with self.reading() as connection:
            exact = connection.execute(sa.select(table).where(table.c.id == reference)).first()
            if exact is not None:
                return _run(exact)
            named = connection.execute(
                sa.select(table).where(table.c.name == reference).order_by(table.c.created.desc())
            ).first()
            if named is not None:
                return _run(named)
            begun = (
                connection.execute(sa.select(table).where(table.c.id.startswith(reference, autoescape=True))).all()
                if reference
                else []
            )
            known = connection.execute(sa.select(table.c.name, table.c.id)).all()
        if len(begun) == 1:
            return _run(begun[0])
        if begun:
            raise VoxloopError(f'"{reference}" begins the id of {len(begun)} runs; give more of it.')
        near = difflib.get_close_matches(reference, [text for row in known for text in row], n=3)
        hint = f" Did you mean {' or '.join(near)}?" if near else ' "voxloop runs" lists them.'
        raise VoxloopError(f'No run is called "{reference}".{hint}')

    def delete_run(self, run_id: str) -> None:
        """Takes a run with its series and media out of the database; its artifacts stay, for others may use them."""
        run = self.run(run_id)
        if run.status == "running":
            raise VoxloopError(f"Run {run.name} is still running; stop it first.")
        with self.writing() as connection:
            mine = sa.select(schema.series.c.id).where(schema.series.c.run_id == run.id)
            connection.execute(schema.chunks.delete().where(schema.chunks.c.series_id.in_(mine)))
            for table in (schema.series, schema.media, schema.uses):
                connection.execute(table.delete().where(table.c.run_id == run.id))
            connection.execute(schema.runs.delete().where(schema.runs.c.id == run.id))

    # Series and media

    def series(self, run_id: str, name: str | None = None) -> list[SeriesRecord]:
        query = sa.select(schema.series).where(schema.series.c.run_id == run_id)
        if name is not None:
            query = query.where(schema.series.c.name == name)
        with self.reading() as connection:
            definitions = (
                connection.execute(sa.select(schema.runs.c.definitions).where(schema.runs.c.id == run_id)).scalar()
                or {}
            )
            rows = connection.execute(query.order_by(schema.series.c.name, schema.series.c.context)).all()
        return [series.record(row, definitions) for row in rows]

    def plain_series(self, run_ids: Sequence[str]) -> dict[str, list[SeriesRecord]]:
        """The series without a context of many runs at once, by run."""
        found: dict[str, list[SeriesRecord]] = {}
        plain = schema.series.c.context == "{}"
        with self.reading() as connection:
            for start in range(0, len(run_ids), 500):
                ids = list(run_ids[start : start + 500])
                asked = sa.select(schema.runs.c.id, schema.runs.c.definitions).where(schema.runs.c.id.in_(ids))
                definitions = {row.id: row.definitions for row in connection.execute(asked)}
                for row in connection.execute(
                    sa.select(schema.series)
                    .where(plain & schema.series.c.run_id.in_(ids))
                    .order_by(schema.series.c.name)
                ):
                    found.setdefault(row.run_id, []).append(series.record(row, definitions.get(row.run_id) or {}))
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

    def media(
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
        """Drains what dead processes left, and marks their runs crashed; answers with the ids of those runs."""
        return recovery.recover(self.journals, self.reading, self.writing)

    def change_token(self) -> str:
        """Changes whenever another connection has changed the database; costs one small look."""
        if self._watch is None:
            self._watch = sqlite3.connect(self.root / DATABASE, check_same_thread=False)
        return str(self._watch.execute("PRAGMA data_version").fetchone()[0])


def canonical(context: Mapping[str, Any]) -> str:
    """A context as text: equal contexts are equal texts, whatever their order."""
    return json.dumps(dict(context), sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _run(row: Row[Any]) -> RunRecord:
    return RunRecord(
        id=row.id,
        name=row.name,
        experiment=row.experiment,
        status=row.status,
        created=row.created,
        ended=row.ended,
        heartbeat=row.heartbeat,
        params=row.params,
        tags=tuple(row.tags),
        environment=row.environment,
        notes=row.notes,
    )
