"""Named, versioned content: a manifest of blobs, aliases that point at one version, and who made and used it."""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import shutil
import time
import zipfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import IO, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from voxloop.errors import VoxloopError
from voxloop.store import schema
from voxloop.store.artifacts import aliases as alias_rows
from voxloop.store.artifacts.aliases import LATEST, NAME, VERSION
from voxloop.store.artifacts.aliases import move as move_alias
from voxloop.store.blobs import Blobs
from voxloop.store.records import ArtifactVersion

__all__ = [
    "add",
    "deleted",
    "digest_of",
    "export",
    "find",
    "inside",
    "manifest",
    "materialise",
    "move_alias",
    "next_number",
    "one",
    "remember_deleted",
    "select",
    "unsound",
]


def manifest(blobs: Blobs, path: Path) -> dict[str, dict[str, Any]]:
    """Stores a file or everything in a folder; answers with relative path → digest and size."""
    if not path.exists():
        raise VoxloopError(f"Nothing is at {path}, so it cannot be saved as an artifact; check the path.")
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    if not files:
        raise VoxloopError(f"{path} holds no file, so there is nothing to save.")
    root = path.parent if path.is_file() else path
    found: dict[str, dict[str, Any]] = {
        file.relative_to(root).as_posix(): {"digest": blobs.put_file(file), "bytes": file.stat().st_size}
        for file in files
    }
    # Storing a large folder takes its time, and the version's row comes after it: none may be discarded until then.
    for file in files:
        if not blobs.renew(found[file.relative_to(root).as_posix()]["digest"]):
            blobs.put_file(file)
    return found


def add(
    connection: Connection,
    name: str,
    kind: str,
    files: dict[str, dict[str, Any]],
    run_id: str | None,
    aliases: Iterable[str],
    metadata: dict[str, Any],
) -> tuple[str, int]:
    """A new version, or the one that already has exactly this content; its aliases move with it."""
    if not NAME.fullmatch(name):
        raise VoxloopError(f'"{name}" cannot name an artifact; use letters, digits, ".", "_" and "-".')
    for alias in aliases:
        alias_rows.check(alias)
    digest = digest_of(files)
    table = schema.versions
    same = connection.execute(
        sa.select(table.c.version).where((table.c.name == name) & (table.c.digest == digest))
    ).first()
    if same is None:
        version = next_number(connection, name)
        row = {
            "name": name,
            "version": version,
            "kind": kind,
            "digest": digest,
            "files": files,
            "metadata": metadata,
        }
        connection.execute(table.insert().values(**row, run_id=run_id, created=time.time()))
    else:
        version = same.version
    for alias in aliases:
        # Content that was there before does not become the newest by being saved again.
        if alias != LATEST or same is None:
            alias_rows.point(connection, name, alias, version)
    alias_rows.follow_newest(connection, name)
    return name, version


def digest_of(files: dict[str, dict[str, Any]]) -> str:
    """What a version's content is known by: equal files under equal paths."""
    return hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()


def next_number(connection: Connection, name: str) -> int:
    """The number of the next version: never one that other content has had, though it be deleted."""
    numbers = connection.execute(sa.select(schema.versions.c.version).where(schema.versions.c.name == name)).scalars()
    return max([*numbers, *deleted(connection, name)], default=0) + 1


def deleted(connection: Connection, name: str) -> dict[int, str]:
    """The versions of a name that are gone, and the digest that each had."""
    key = schema.meta.c.key
    rows = connection.execute(sa.select(schema.meta).where(key.startswith(f"deleted:{name}:v", autoescape=True)))
    return {int(row.key.rpartition(":v")[2]): row.value for row in rows}


def remember_deleted(connection: Connection, name: str, version: int, digest: str) -> None:
    """Keeps the number of a version that is gone from other content."""
    key = f"deleted:{name}:v{version}"
    connection.execute(schema.meta.delete().where(schema.meta.c.key == key))
    connection.execute(schema.meta.insert().values(key=key, value=digest))


def select(connection: Connection, name: str | None = None, version: int | None = None) -> list[ArtifactVersion]:
    """All versions, oldest first, of one name or of all; or the one of a number."""
    query = sa.select(schema.versions).order_by(schema.versions.c.name, schema.versions.c.version)
    if name is not None:
        query = query.where(schema.versions.c.name == name)
    if version is not None:
        query = query.where(schema.versions.c.version == version)
    pointing = sa.select(schema.aliases).order_by(schema.aliases.c.alias)
    if name is not None:
        pointing = pointing.where(schema.aliases.c.name == name)
    named: dict[tuple[str, int], list[str]] = {}
    for row in connection.execute(pointing):
        named.setdefault((row.name, row.version), []).append(row.alias)
    return [
        ArtifactVersion(
            name=row.name,
            kind=row.kind,
            version=row.version,
            aliases=tuple(named.get((row.name, row.version), [])),
            files=row.files,
            digest=row.digest,
            run_id=row.run_id,
            created=row.created,
            metadata=row.metadata,
        )
        for row in connection.execute(query)
    ]


def find(versions: list[ArtifactVersion], reference: str) -> ArtifactVersion:
    """`spleen-ct:v3`, `spleen-ct:best`, or `spleen-ct` for the newest, among all versions."""
    name, _, which = reference.partition(":")
    mine = [version for version in versions if version.name == name]
    if not mine:
        known = sorted({version.name for version in versions})
        near = difflib.get_close_matches(name, known, n=1)
        hint = (
            f'; did you mean "{near[0]}"?'
            if near
            else f"; there are: {', '.join(known)}."
            if known
            else "; there is none yet."
        )
        raise VoxloopError(f'No artifact is called "{name}"{hint}')
    if not which or which == LATEST:
        return mine[-1]
    for version in mine:
        if which in (f"v{version.version}", *version.aliases):
            return version
    has = ", ".join(
        [f"v{version.version}" for version in mine] + sorted({alias for version in mine for alias in version.aliases})
    )
    raise VoxloopError(f'{name} has no version or alias "{which}"; it has: {has}.')


def one(connection: Connection, reference: str) -> ArtifactVersion:
    """The same, asked of the database: a version by its number is read alone, however many there are beside it."""
    name, _, which = reference.partition(":")
    number = VERSION.fullmatch(which)
    # A number that no database holds is nobody's.
    alone = select(connection, name, int(number[1])) if number and len(number[1]) < 10 else []
    return find(alone or select(connection, name) or select(connection), reference)


def materialise(version: ArtifactVersion, blobs: Blobs, cache: Path) -> Path:
    """The version's files as a folder, made once; blobs are linked where the file system can, copied where it can't."""
    target = cache / "artifacts" / version.digest
    if target.is_dir():
        # Its time says when it was last asked for, so that `gc` does not take it away from its reader.
        with suppress(OSError):
            os.utime(target)
        return target
    partial = target.with_name(f".partial-{version.digest}-{time.monotonic_ns()}")
    try:
        for relative, file in version.files.items():
            _place(version, blobs, relative, file["digest"], partial)
        partial.rename(target)
    except OSError as error:
        # Another process may have been faster, and made the same.
        if not target.is_dir():
            raise VoxloopError(
                f"Cannot unpack {version.ref} into {cache}: {error.strerror or error}; free some space and try again."
            ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return target


def _place(version: ArtifactVersion, blobs: Blobs, relative: str, digest: str, folder: Path) -> None:
    path = folder / inside(version, relative)
    source = blobs.path(digest)
    if not source.is_file():
        raise VoxloopError(f"{version.ref}: the blob of {relative} is missing; restore {blobs.folder} from a backup.")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        path.hardlink_to(source)
    except OSError:
        shutil.copyfile(source, path)


def inside(version: ArtifactVersion, relative: str) -> str:
    """A manifest's path, if it stays in its folder."""
    path = PurePosixPath(relative)
    if path.is_absolute() or ".." in path.parts or not path.parts or "\0" in relative:
        raise VoxloopError(
            f'{version.ref} holds a file "{relative}" that would land outside its folder; it is refused.'
        )
    return relative


def export(version: ArtifactVersion, blobs: Blobs, target: Path) -> None:
    """Copies a version into a new folder, or into a zip if `target` ends so; every byte is checked, and all come or none."""
    if target.exists():
        raise VoxloopError(f"{target} is already there; choose a new name.")
    partial = target.with_name(f".partial-{target.name}-{time.monotonic_ns()}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.suffix.lower() == ".zip":
            # Weights and scans are packed already or do not pack.
            with zipfile.ZipFile(partial, "x", zipfile.ZIP_STORED) as archive:
                _copy_checked(version, blobs, lambda relative: archive.open(relative, "w", force_zip64=True))
        else:
            partial.mkdir()

            def opened(relative: str) -> IO[bytes]:
                (partial / relative).parent.mkdir(parents=True, exist_ok=True)
                return (partial / relative).open("xb")

            _copy_checked(version, blobs, opened)
        partial.rename(target)
    except OSError as error:
        raise VoxloopError(
            f"Cannot write {target}: {error.strerror or error}; check the path and its space."
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        if partial.is_file():
            partial.unlink()


def _copy_checked(version: ArtifactVersion, blobs: Blobs, opened: Callable[[str], IO[bytes]]) -> None:
    for relative, file in version.files.items():
        with opened(inside(version, relative)) as out:
            blobs.copy_to(file["digest"], out, f"{version.ref}: {relative}")


def unsound(version: ArtifactVersion, blobs: Blobs) -> dict[str, str]:
    """The files of a version that cannot be trusted: path → "missing" or "damaged". Every byte is read."""
    found = {}
    for relative, file in version.files.items():
        if file["digest"] not in blobs:
            found[relative] = "missing"
        elif not blobs.sound(file["digest"]):
            found[relative] = "damaged"
    return found
