"""Runs that travel: whole runs with everything they made and used, as one zip, into any other project."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from voxloop.errors import VoxloopError
from voxloop.store import schema
from voxloop.store.blobs import Blobs
from voxloop.store.database import Transaction
from voxloop.store.portable.archive import TABLES, Archive, ArchiveWriter
from voxloop.store.portable.fingerprint import Damaged, fingerprints
from voxloop.store.portable.incoming import ENDED, Progress, check
from voxloop.store.portable.landing import ids_here, insert_runs, insert_versions, land
from voxloop.store.portable.selection import Selected, named


@dataclass(frozen=True, slots=True)
class Exported:
    """What went into an archive; `running` runs were left out."""

    path: Path
    runs: tuple[str, ...]
    running: tuple[str, ...]
    versions: int
    blobs: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of an archive: new runs (old id → id here), runs that were here, versions, and blobs that it lacks."""

    runs: dict[str, str]
    present: tuple[str, ...]
    versions: dict[str, str]
    blobs: int
    missing_blobs: int


def _silent(done: int, total: int, what: str) -> None:
    pass


# Out


def export_runs(
    target: Path,
    reading: Transaction,
    blobs: Blobs,
    run_ids: Sequence[str] | None = None,
    with_blobs: bool = True,
    progress: Progress = _silent,
) -> Exported:
    """Writes runs (all, where none are named) into a new zip, from one view of the database; whole or not at all.

    A run that is still running is refused where it is named, and left out where all are meant.
    """
    if target.exists():
        raise VoxloopError(f"{target} is already there; choose a new name.")
    partial = target.with_name(f".partial-{target.name}-{time.monotonic_ns()}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        writer = ArchiveWriter(partial)
        with reading() as connection:
            chosen, running = _choose(connection, run_ids)
            rows = Selected(connection, chosen)
            # Read before anything is written: an archive of damaged points would be refused where it arrives.
            fingerprints(rows)
            for table in TABLES:
                writer.table(table, rows(table))
            wanted = named(rows, blobs) if with_blobs else {}
        total = sum(blobs.path(digest).stat().st_size for digest in wanted if digest in blobs)
        done = 0
        for digest, what in sorted(wanted.items()):
            writer.blob(blobs, digest, what)
            done += blobs.path(digest).stat().st_size
            progress(done, total, "")
        writer.close(blobs=with_blobs, created=time.time())
        size = partial.stat().st_size
        partial.rename(target)
    except Damaged as error:
        raise VoxloopError(f'Nothing was exported: {error}; "voxloop doctor --repair" sets it aside.') from error
    except OSError as error:
        raise VoxloopError(
            f"Cannot write {target}: {error.strerror or error}; check the path and its space."
        ) from error
    finally:
        partial.unlink(missing_ok=True)
    return Exported(target, tuple(chosen), tuple(running), writer.rows["versions"], len(wanted), size)


def _choose(connection: Connection, run_ids: Sequence[str] | None) -> tuple[list[str], list[str]]:
    query = sa.select(schema.runs.c.id, schema.runs.c.name, schema.runs.c.status).order_by(
        schema.runs.c.created, schema.runs.c.id
    )
    rows = connection.execute(query).all()
    running = {row.id: row.name for row in rows if row.status not in ENDED}
    if run_ids is None:
        return [row.id for row in rows if row.id not in running], list(running)
    known = {row.id for row in rows}
    for run_id in run_ids:
        if run_id not in known:
            raise VoxloopError(f'No run has the id "{run_id}"; "voxloop runs" lists them.')
        if run_id in running:
            raise VoxloopError(f"Run {running[run_id]} is still running; wait until it ends, then export it.")
    return [row.id for row in rows if row.id in set(run_ids)], []


# In


def import_runs(
    source: Path,
    root: Path,
    reading: Transaction,
    writing: Transaction,
    blobs: Blobs,
    as_new: bool = False,
    progress: Progress = _silent,
) -> Imported:
    """Takes over the runs of an archive, in one transaction and after every byte of it was checked.

    A run that is here with equal content is left as it is; one that is here with other content is refused, or comes under
    a new id with `as_new`. A version whose number is taken by other content gets the next number; aliases that are here
    do not move.
    """
    with Archive(source) as archive:
        plan = check(archive, progress)
        with reading() as connection:
            landing = land(connection, plan, as_new)
        stored = _store(archive, root, blobs, progress)
        try:
            with writing() as connection:
                if ids_here(connection, plan) != landing.here:
                    # Another import was faster; with the writers' lock held, this look is the last.
                    landing = land(connection, plan, as_new)
                versions = insert_versions(connection, plan, landing.ids)
                insert_runs(connection, archive, landing, versions)
        except VoxloopError as error:
            if isinstance(error.__cause__, sa.exc.IntegrityError):
                raise archive.refused("it says the same thing twice") from error
            raise
    return Imported(
        runs={old: here for old, here in landing.ids.items() if old not in landing.present},
        present=tuple(landing.ids[old] for old in sorted(landing.present)),
        versions={f"{name}:v{number}": f"{name}:v{here}" for (name, number), here in sorted(versions.items())},
        blobs=stored,
        missing_blobs=sum(digest not in blobs for digest in plan.blobs),
    )


def _store(archive: Archive, root: Path, blobs: Blobs, progress: Progress) -> int:
    """Puts the blobs into the project; answers with how many were not there."""
    new = {digest: info for digest, info in archive.blobs.items() if digest not in blobs}
    need = sum(info.file_size for info in new.values()) + archive.table_bytes
    free = shutil.disk_usage(root).free
    if need > free:
        raise VoxloopError(
            f"{archive.path} needs {need / 1e9:.1f} GB in {root}, and {free / 1e9:.1f} GB are free; free some space."
        )
    total = sum(info.file_size for info in archive.blobs.values())
    done = total
    for digest, info in archive.blobs.items():
        _put(archive, blobs, digest)
        done += info.file_size
        progress(done, 2 * total, "storing")
    # A long copy takes its time: before the rows that refer to it, whatever was put first becomes young again.
    for digest in archive.blobs:
        _put(archive, blobs, digest)
    return len(new)


def _put(archive: Archive, blobs: Blobs, digest: str) -> None:
    size = archive.blobs[digest].file_size
    if not blobs.renew(digest, size):
        with archive.open_blob(digest) as member:
            blobs.put_stream(member, digest, size)
