"""What may go: artifact versions that no rule keeps, and blobs that nothing refers to."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from voxloop.errors import VoxloopError
from voxloop.store import schema
from voxloop.store.artifacts import aliases, references
from voxloop.store.artifacts import versions as artifacts
from voxloop.store.artifacts.aliases import LATEST, PROTECTED
from voxloop.store.blobs import DIGEST, PARTIAL, Blobs
from voxloop.store.contents.pictures import PICTURES
from voxloop.store.database import Transaction
from voxloop.store.records import ArtifactVersion

RULES = {
    "best": "the version with the alias best",
    "latest": "the newest version of each name",
    "aliased": "versions with an alias",
    "used": "versions that a run used",
}
HOUR_S = 3600.0


def delete(connection: Connection, version: ArtifactVersion, force: bool = False) -> None:
    """Takes a version out of the database; its number is not given again, and its blobs wait for `collect`."""
    # Asked anew in the transaction that deletes: an alias may have come, and a run may have begun to use it.
    reason = None if force else why_kept(connection, version)
    if reason is not None:
        raise VoxloopError(reason)
    table, pointing = schema.versions, schema.aliases
    connection.execute(table.delete().where((table.c.name == version.name) & (table.c.version == version.version)))
    here = (pointing.c.name == version.name) & (pointing.c.version == version.version)
    connection.execute(pointing.delete().where(here & (pointing.c.alias != LATEST)))
    artifacts.remember_deleted(connection, version.name, version.version, version.digest)
    aliases.follow_newest(connection, version.name)


def why_kept(connection: Connection, version: ArtifactVersion) -> str | None:
    """Why a version is not to be deleted without force, in a sentence; nothing where it may go."""
    names = [f"{version.name}:{one}" for one in aliases.of(connection, version.name, version.version) if one != LATEST]
    if names:
        return f"{version.ref} is {', '.join(names)}, so it is kept; move the alias first, or delete it with --force."
    users = running_users(connection).get((version.name, version.version), [])
    if users:
        return f"{version.ref} is in use by the running run {users[0]}, so it is kept; wait for its end, or delete it with --force."
    return None


def running_users(connection: Connection) -> dict[tuple[str, int], list[str]]:
    """The names of the running runs by the version that they use."""
    query = (
        sa.select(schema.uses.c.name, schema.uses.c.version, schema.runs.c.name.label("run"))
        .join(schema.runs, schema.runs.c.id == schema.uses.c.run_id)
        .where(schema.runs.c.status == "running")
    )
    found: dict[tuple[str, int], list[str]] = {}
    for row in connection.execute(query):
        found.setdefault((row.name, row.version), []).append(row.run)
    return found


@dataclass(frozen=True, slots=True)
class Pruned:
    """The versions that no rule keeps, and the bytes of the blobs that only they refer to."""

    removed: tuple[ArtifactVersion, ...]
    kept: int
    bytes: int


def prune(
    connection: Connection,
    blobs: Blobs,
    keep: Collection[str] = tuple(RULES),
    last: int = 0,
    name: str = "*",
    kind: str | None = None,
    dry_run: bool = False,
) -> Pruned:
    """Removes the versions of matching names that no rule keeps; in the caller's transaction.

    Whatever the rules say, a version that a running run uses stays, and so does one with the alias `protected`.
    """
    unknown = sorted(set(keep) - set(RULES))
    if unknown:
        raise VoxloopError(f'"{unknown[0]}" is no rule of what to keep; there are: {", ".join(RULES)}.')
    if last < 0:
        raise VoxloopError(f"last={last} cannot be; keep the newest 0, 1, 2, … versions of each name.")
    everything = artifacts.select(connection)
    # They come in the order of their numbers, so the last of a name stays.
    newest = {version.name: version.version for version in everything}
    in_use = set(running_users(connection))
    used = {(row.name, row.version) for row in connection.execute(sa.select(schema.uses))} if "used" in keep else set()
    matching: dict[str, list[ArtifactVersion]] = {}
    for version in everything:
        if fnmatchcase(version.name, name) and kind in (None, version.kind):
            matching.setdefault(version.name, []).append(version)
    gone = []
    for versions in matching.values():
        for place, version in enumerate(reversed(versions)):
            key = (version.name, version.version)
            if not (
                place < last
                or key in in_use | used
                or PROTECTED in version.aliases
                or ("latest" in keep and version.version == newest[version.name])
                or ("best" in keep and "best" in version.aliases)
                or ("aliased" in keep and version.aliases)
            ):
                gone.append(version)
    gone.sort(key=lambda version: (version.name, version.version))
    frees = _only_theirs(connection, blobs, gone)
    if not dry_run:
        for version in gone:
            delete(connection, version, force=True)
    return Pruned(tuple(gone), len(everything) - len(gone), frees)


def _only_theirs(connection: Connection, blobs: Blobs, versions: list[ArtifactVersion]) -> int:
    theirs = {file["digest"] for version in versions for file in version.files.values()}
    theirs -= references.kept(connection, {(version.name, version.version) for version in versions})
    return sum(blobs.path(digest).stat().st_size for digest in theirs if digest in blobs)


@dataclass(frozen=True, slots=True)
class Collected:
    """What nothing refers to. `waiting` blobs are too young to tell whether their row is still to come."""

    blobs: int
    bytes: int
    waiting: int
    partials: int
    folders: int
    pictures: int


def collect(
    root: Path,
    reading: Transaction,
    writing: Transaction,
    blobs: Blobs,
    age_s: float = HOUR_S,
    dry_run: bool = False,
    progress: Callable[[int, int, str], object] = lambda done, total, what: None,
) -> Collected:
    """Removes blobs that nothing refers to, what interrupted writers left, and what was made of versions and media that are gone.

    Safe beside writers: a blob that was put (or put again) within the last hour stays, for its row may be still to come.
    """
    before = time.time() - age_s
    # Journals first: what is drained in between is then found in the database.
    kept = references.kept_by_files(root)
    with reading() as connection:
        kept |= references.kept(connection)
    count = size = waiting = 0
    lost = [digest for digest in blobs if digest not in kept]
    for number, digest in enumerate(lost, 1):
        progress(number, len(lost), "")
        freed = _old(blobs.path(digest), before) if dry_run else blobs.discard(digest, before)
        if freed is None:
            waiting += digest in blobs
        else:
            count, size = count + 1, size + freed
    partials = stale(root, blobs, age_s)
    if not dry_run:
        for path in partials:
            remove(path)
    folders = _forget_folders(root / "cache" / "artifacts", reading, writing, before, dry_run)
    pictures = [path for path in (root / "cache" / PICTURES).glob("*") if path.name[:64] not in kept]
    for path in pictures:
        with suppress(FileNotFoundError):
            size += path.stat().st_size
        if not dry_run:
            remove(path)
    return Collected(count, size, waiting, len(partials), folders, len(pictures))


def _old(path: Path, before: float) -> int | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_size if found.st_mtime < before else None


def stale(root: Path, blobs: Blobs, age_s: float = HOUR_S) -> list[Path]:
    """What writers began an hour ago or longer, and never gave a name."""
    begun = [
        *blobs.folder.glob(f"??/{PARTIAL}*"),
        *(root / "cache" / "artifacts").glob(f"{PARTIAL}*"),
        *(root / "journals").glob("*.partial"),
        *root.glob("*.partial"),
    ]
    return [path for path in begun if _old(path, time.time() - age_s) is not None]


def remove(path: Path) -> None:
    """A file or a folder; that another process was faster does not matter."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _forget_folders(folder: Path, reading: Transaction, writing: Transaction, before: float, dry_run: bool) -> int:
    count = 0
    digest = schema.versions.c.digest
    with reading() as connection:
        known = set(connection.execute(sa.select(digest)).scalars())
    for path in sorted(folder.glob("*")):
        if not DIGEST.fullmatch(path.name) or path.name in known or _old(path, before) is None:
            continue
        count += 1
        if dry_run:
            continue
        aside = path.with_name(f"{PARTIAL}{path.name}-{time.monotonic_ns()}")
        # With the writers' lock held, no version of this content can come between the question and the deed.
        with writing() as connection:
            if connection.execute(sa.select(digest).where(digest == path.name)).first() is None:
                with suppress(FileNotFoundError):
                    path.rename(aside)
        remove(aside)
    return count
