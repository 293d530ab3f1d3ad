"""A project: the folder `.voxloop`, opened. Everything that is read or kept goes through it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from voxloop.errors import VoxloopError
from voxloop.store import asking, live, media, place, portable, recovery, runs, schema, series, views
from voxloop.store.artifacts import aliases as aliases_of
from voxloop.store.artifacts import lineage, retention
from voxloop.store.artifacts import versions as artifacts
from voxloop.store.artifacts.lineage import Lineage
from voxloop.store.blobs import Blobs
from voxloop.store.database import Database
from voxloop.store.query import Completion, Scope, complete
from voxloop.store.records import ArtifactVersion, CaseRecord, MediaRecord, Points, RunRecord, SeriesRecord
from voxloop.store.results import Result, SeriesResult, cases, columns, groups
from voxloop.store.results.cases import CaseBoard, CaseEpochs
from voxloop.store.results.columns import Column, Name
from voxloop.store.results.groups import Figure, Groups
from voxloop.store.views import View


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

    def runs(
        self, query: str = "", sort: str | None = None, limit: int | None = None, offset: int = 0
    ) -> Result[RunRecord]:
        """The runs that a query fits, newest first unless `sort` says otherwise.

            project.runs('run.params.optimizer.lr < 1e-3', sort='-run.metrics["val/dice"].max', limit=50).to_pandas()

        Archived runs are left out, unless the query asks about `run.archived`.
        """
        self.recover()
        with self.reading() as connection:
            ids = asking.ids(connection, "run", query, sort, limit, offset)
            return Result(runs.by_id(connection, ids), self.plain_series)

    def columns(self, query: str = "") -> list[Column]:
        """What a table of the runs that a query fits may show, and which of it tells them apart."""
        with self.reading() as connection:
            return columns.of_runs(connection, query)

    def groups(
        self,
        by: Sequence[str],
        query: str = "",
        columns: Sequence[str] = (),
        sort: str | None = None,
        order: Sequence[str] = (),
        figure: Figure = "mean",
    ) -> Groups:
        """The runs that a query fits, grouped by one or two columns, each of `columns` summed up.

        project.groups(["params.optimizer.lr"], columns=["metrics.val/dice.best"], order=["-metrics.val/dice.best"])
        """
        with self.reading() as connection:
            return groups.of_runs(connection, query, by, columns, sort, order, figure)

    def series_names(self, query: str = "") -> list[Name]:
        """The names of the series of the runs that a query fits."""
        with self.reading() as connection:
            return columns.names_of_series(connection, query)

    def count_runs(self, query: str = "") -> int:
        with self.reading() as connection:
            return asking.count(connection, "run", query)

    def series(
        self, query: str = "", sort: str | None = None, limit: int | None = None, offset: int = 0
    ) -> SeriesResult:
        """The series that a query fits; their points are read when they are asked for.

        project.series('series.name == "val/dice" and series.context.case == "spleen_12"').to_pandas()
        """
        self.recover()
        with self.reading() as connection:
            ids = asking.ids(connection, "series", query, sort, limit, offset)
            return SeriesResult(series.by_id(connection, ids), self.points, self._run_names)

    def count_series(self, query: str = "") -> int:
        with self.reading() as connection:
            return asking.count(connection, "series", query)

    def media(
        self, query: str = "", sort: str | None = None, limit: int | None = None, offset: int = 0
    ) -> Result[MediaRecord]:
        """The logged objects that a query fits; `vx.contents` reads one."""
        self.recover()
        with self.reading() as connection:
            return Result(media.by_id(connection, asking.ids(connection, "media", query, sort, limit, offset)))

    def cases(
        self, query: str = "", sort: str | None = None, limit: int | None = None, offset: int = 0
    ) -> Result[CaseRecord]:
        """What runs say of cases: a row for each run, case, class and metric.

        project.cases('case.metric == "val/dice" and case.last < 0.8', sort="case.last")
        """
        self.recover()
        with self.reading() as connection:
            ids = asking.ids(connection, "case", query, sort, limit, offset)
            return Result([series.case(one) for one in series.by_id(connection, ids)])

    def case_board(self, references: Sequence[str], metric: str | None = None) -> CaseBoard:
        """The cases of several runs by one metric, a row for each class of each case."""
        run_ids = [self.run(reference).id for reference in references]
        with self.reading() as connection:
            return cases.board(connection, run_ids, metric)

    def case_epochs(self, reference: str, metric: str) -> CaseEpochs:
        """Every value of a metric that a run has logged for cases, step by step."""
        run_id = self.run(reference).id
        with self.reading() as connection:
            return cases.epochs(connection, run_id, metric)

    def complete(self, text: str, position: int | None = None, scope: Scope = "run") -> list[Completion]:
        """What may be written at a place of a query, with what this project holds."""
        with self.reading() as connection:
            known = asking.known(connection)
        return complete(text, len(text) if position is None else position, scope, known)

    def _run_names(self, run_ids: Sequence[str]) -> dict[str, str]:
        with self.reading() as connection:
            return runs.names(connection, run_ids)

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

    def edit_runs(self, changes: Mapping[str, Mapping[str, Any]]) -> None:
        """Changes what a person says of several runs: of all, or of none."""
        with self.writing() as connection:
            for reference, said in changes.items():
                runs.edit(connection, runs.find(connection, reference).id, dict(said))

    def take(self, run_id: str) -> bool:
        """Marks an ended run as running again; false where another process was faster."""
        with self.writing() as connection:
            return runs.take(connection, run_id)

    def delete_run(self, reference: str) -> None:
        """Takes a run away; see `delete_runs`."""
        self.delete_runs([reference])

    def delete_runs(self, references: Iterable[str]) -> None:
        """Takes runs away with their series, media and output, all or none; their artifacts stay, for others may use them."""
        with self.writing() as connection:
            for reference in references:
                runs.delete(connection, runs.find(connection, reference))

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
        """The series of one run."""
        with self.reading() as connection:
            return series.of_run(connection, run_id, name)

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
        with self.reading() as connection:
            return series.plain(connection, run_ids)

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
        """The logged objects of one run."""
        with self.reading() as connection:
            return media.of_run(connection, run_id, kind, name, step, context)

    def medium(self, number: int) -> MediaRecord:
        """One logged object, by its number."""
        with self.reading() as connection:
            found = media.by_id(connection, [number])
        if not found:
            raise VoxloopError(f"No logged object has the number {number}.")
        return found[0]

    # Artifacts

    def artifacts(self, name: str | None = None) -> list[ArtifactVersion]:
        with self.reading() as connection:
            return artifacts.select(connection, name)

    def artifact(self, reference: str) -> ArtifactVersion:
        """`spleen-ct:v3`, `spleen-ct:best`, or `spleen-ct` for the newest version."""
        with self.reading() as connection:
            return artifacts.one(connection, reference)

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
            aliases_of.move(connection, version.name, alias, version.version)
        return self.artifact(version.ref)

    def unalias(self, reference: str, alias: str) -> None:
        """Takes an alias away; its version stays."""
        version = self.artifact(reference)
        with self.writing() as connection:
            aliases_of.remove(connection, version.name, alias)

    def delete_version(self, reference: str, force: bool = False) -> None:
        """Deletes a version, unless it is protected or in use; `gc` frees its space."""
        version = self.artifact(reference)
        with self.writing() as connection:
            retention.delete(connection, version, force)

    def prune(
        self,
        keep: Iterable[str] = retention.RULES,
        last: int = 0,
        name: str = "*",
        kind: str | None = None,
        dry_run: bool = False,
    ) -> retention.Pruned:
        """Deletes the versions that no rule keeps: best, latest, aliased, used."""
        opened = self.reading if dry_run else self.writing
        with opened() as connection:
            return retention.prune(connection, self.blobs, tuple(keep), last, name, kind, dry_run=dry_run)

    def gc(self, dry_run: bool = False) -> retention.Collected:
        """Frees the space of what nothing refers to; safe while runs are being written."""
        return retention.collect(self.root, self.reading, self.writing, self.blobs, dry_run=dry_run)

    def lineage(self, reference: str, depth: int | None = None) -> Lineage:
        """What a version came from and what came of it, through any number of runs."""
        version = self.artifact(reference)
        with self.reading() as connection:
            return lineage.of_version(connection, version, depth)

    def export_runs(
        self, target: Path | str, run_ids: Sequence[str] | None = None, blobs: bool = True
    ) -> portable.Exported:
        """Writes whole runs, or all that have ended, into one zip that any other project can import."""
        self.recover()
        return portable.export_runs(Path(target), self.reading, self.blobs, run_ids, blobs)

    def import_runs(self, source: Path | str, as_new: bool = False) -> portable.Imported:
        """Takes over the runs of such a zip: all of them or, if anything is wrong with it, none."""
        return portable.import_runs(Path(source), self.root, self.reading, self.writing, self.blobs, as_new)

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

    # Saved views

    def views(self, page: str | None = None) -> list[View]:
        """The addresses that people have saved under a name, of one page or of all."""
        with self.reading() as connection:
            return views.of(connection, page)

    def save_view(self, page: str, name: str, address: str) -> View:
        with self.writing() as connection:
            return views.add(connection, page, name, address)

    def change_view(
        self, number: int, name: str | None = None, address: str | None = None, was: str | None = None
    ) -> View:
        """Gives a view another name or address; with `was`, only if its address is still that one."""
        with self.writing() as connection:
            return views.change(connection, number, name, address, was)

    def delete_view(self, number: int) -> None:
        with self.writing() as connection:
            views.remove(connection, number)

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
