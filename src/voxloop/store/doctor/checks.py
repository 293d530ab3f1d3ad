"""What can be wrong with a project, one thing at a time, in the order in which it is looked at and mended."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import sqlalchemy as sa

from voxloop.errors import VoxloopError
from voxloop.store import journal, recovery, schema
from voxloop.store.artifacts import references, retention
from voxloop.store.doctor import rebuild, row_checks, series_checks
from voxloop.store.doctor.examination import Check, Finding, Place

# How many a sentence names before it only counts.
NAMED = 3


def database(place: Place) -> Iterator[Finding]:
    if not place.database.is_file():
        yield Finding("database", "error", f"{place.root} has lost its database; restore voxloop.db from a backup.")
        return
    try:
        with closing(sqlite3.connect(place.database)) as connection:
            said = [row[0] for row in connection.execute("PRAGMA integrity_check(3)")]
            here = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            version = connection.execute("SELECT value FROM meta WHERE key = 'version'").fetchone()
    except sqlite3.DatabaseError as error:
        said, here, version = [str(error)], set(), None
    damage = f"{place.database} is damaged"
    if said != ["ok"]:
        said = [" ".join(one.split()) for one in said]
        yield Finding("database", "error", f"{damage} ({'; '.join(said)[:200]}).", mendable=True)
    elif version is None or not version[0].isdigit():
        yield Finding("database", "error", f"{damage}: it does not say which schema it has.", mendable=True)
    elif int(version[0]) > schema.VERSION:
        yield Finding(
            "database",
            "error",
            f"{place.database} was written by a newer voxloop (schema {version[0]}); update voxloop.",
        )
    elif int(version[0]) < schema.VERSION:
        yield Finding("schema", "note", f"{place.database} has schema {version[0]}; opening the project updates it.")
    elif lost := sorted(set(schema.metadata.tables) - here):
        yield Finding("database", "error", f"{damage}: it has lost the table {lost[0]}.", mendable=True)


def _rebuild(place: Place, finding: Finding) -> None:
    place.close()
    rebuild.rebuild(place.database, place.aside)


def writers(place: Place) -> Iterator[Finding]:
    """Runs that say they are running, and whom nobody writes; journals that nobody has drained."""
    with place.reading() as connection:
        running = connection.execute(
            sa.select(schema.runs.c.id, schema.runs.c.name).where(schema.runs.c.status == "running")
        ).all()
    left = {path.name for path in place.journals.glob("*.journal") if not journal.owned(path)}
    for run in running:
        mine = {path.name for path in place.journals.glob(f"{run.id}-*.journal")}
        if mine <= left:
            sentence = f"Run {run.name} ({run.id}) is marked running, and no process writes it."
            yield Finding("run", "warning", sentence, mendable=True)
            left -= mine
    if left:
        sentence = f"{len(left)} journals of dead processes wait to be drained; opening the project does it."
        yield Finding("run", "note", sentence, mendable=True)


def _recover(place: Place, finding: Finding) -> None:
    recovery.recover(place.journals, place)


def damaged_journals(place: Place) -> Iterator[Finding]:
    for path in sorted(place.journals.glob("*.damaged")):
        sentence = f"{path} is a journal that nobody could read; its points are not in the database."
        yield Finding("journal", "warning", sentence, mendable=True, subject=path)


def partials(place: Place) -> Iterator[Finding]:
    found = retention.stale(place.root, place.blobs)
    if found:
        sentence = f"{len(found)} files were left half-written by interrupted writers, such as {found[0]}."
        yield Finding("partial", "warning", sentence, mendable=True, subject=tuple(found))


def _remove_partials(place: Place, finding: Finding) -> None:
    for path in finding.subject:
        retention.remove(path)


def damaged_blobs(place: Place) -> Iterator[Finding]:
    try:
        with place.reading() as connection:
            users = references.named_by(connection)
    except VoxloopError:
        users = {}
    digests = list(place.blobs)
    total = sum(place.blobs.path(digest).stat().st_size for digest in digests)
    done = 0
    for digest in digests:
        sound = place.blobs.sound(digest)
        if not sound and digest in place.blobs:
            sentence = f"The blob {digest[:12]}… is damaged; {_used_by(users.get(digest, []))}."
            yield Finding("blob", "error", sentence, mendable=True, subject=digest)
        done += place.blobs.path(digest).stat().st_size if sound else 0
        place.progress(done, total, "")
    place.progress(total, total, "")


def _set_blob_aside(place: Place, finding: Finding) -> None:
    place.move_aside(place.blobs.path(finding.subject))


def missing_blobs(place: Place) -> Iterator[Finding]:
    with place.reading() as connection:
        users = references.named_by(connection)
        versions = schema.versions.c
        cached = {
            file["digest"]: place.root / "cache" / "artifacts" / digest / path
            for digest, files in connection.execute(sa.select(versions.digest, sa.cast(versions.files, sa.Text)))
            for path, file in (references.read(files) or {}).items()
        }
    for digest, names in sorted(users.items()):
        if digest in place.blobs:
            continue
        copy = cached.get(digest)
        there = copy is not None and copy.is_file()
        way_out = (
            "an unpacked copy is in the cache" if there else "restore blobs/ from a backup, or import its run again"
        )
        sentence = f"The blob {digest[:12]}… is missing, and {_used_by(names)}; {way_out}."
        yield Finding("missing", "error", sentence, mendable=there, subject=(digest, copy))


def _take_from_cache(place: Place, finding: Finding) -> None:
    digest, copy = finding.subject
    with copy.open("rb") as file:
        place.blobs.put_stream(file, digest, copy.stat().st_size)


def _used_by(names: list[str]) -> str:
    if not names:
        return "nothing refers to it"
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"{', '.join(names[:NAMED])}{more} need{'s' if len(names) == 1 else ''} it"


CHECKS = {
    "database": Check(database, _rebuild),
    "run": Check(writers, _recover),
    "json": Check(row_checks.unreadable, row_checks.set_unreadable_aside),
    "orphan": Check(row_checks.orphans, row_checks.set_orphans_aside),
    "chunk": Check(series_checks.damaged_chunks, series_checks.set_chunk_aside),
    "summary": Check(series_checks.wrong_summaries, series_checks.recompute),
    "blob": Check(damaged_blobs, _set_blob_aside),
    "missing": Check(missing_blobs, _take_from_cache),
    "journal": Check(damaged_journals, lambda place, finding: place.move_aside(finding.subject)),
    "partial": Check(partials, _remove_partials),
}
# What can be looked at where the database cannot.
WITHOUT_DATABASE = ("blob", "journal", "partial")
