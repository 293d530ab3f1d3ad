"""Named, versioned content: a manifest of blobs, aliases that point at one version, and who made and used it."""

from __future__ import annotations

import difflib
import hashlib
import json
import re
import shutil
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from voxloop.errors import VoxloopError
from voxloop.store import schema
from voxloop.store.blobs import Blobs
from voxloop.store.records import ArtifactVersion

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
VERSION = re.compile(r"v(\d+)")


def manifest(blobs: Blobs, path: Path) -> dict[str, dict[str, Any]]:
    """Stores a file or everything in a folder; answers with relative path → digest and size."""
    if not path.exists():
        raise VoxloopError(f"Nothing is at {path}, so it cannot be saved as an artifact; check the path.")
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    if not files:
        raise VoxloopError(f"{path} holds no file, so there is nothing to save.")
    root = path.parent if path.is_file() else path
    return {
        file.relative_to(root).as_posix(): {"digest": blobs.put_file(file), "bytes": file.stat().st_size}
        for file in files
    }


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
        check_alias(alias)
    digest = hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()
    table = schema.versions
    same = connection.execute(
        sa.select(table.c.version).where((table.c.name == name) & (table.c.digest == digest))
    ).first()
    if same is None:
        newest = connection.execute(sa.select(sa.func.max(table.c.version)).where(table.c.name == name)).scalar()
        version = (newest or 0) + 1
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
        move_alias(connection, name, alias, version)
    return name, version


def check_alias(alias: str) -> None:
    if not NAME.fullmatch(alias) or VERSION.fullmatch(alias):
        raise VoxloopError(f'"{alias}" cannot be an alias; use letters, digits, ".", "_" and "-", but not v1, v2, …')


def move_alias(connection: Connection, name: str, alias: str, version: int) -> None:
    """Points an alias at a version; whoever looks at the same time sees the old or the new one."""
    check_alias(alias)
    here = (schema.aliases.c.name == name) & (schema.aliases.c.alias == alias)
    connection.execute(schema.aliases.delete().where(here))
    connection.execute(schema.aliases.insert().values(name=name, alias=alias, version=version))


def select(connection: Connection, name: str | None = None) -> list[ArtifactVersion]:
    """All versions, oldest first, of one name or of all."""
    query = sa.select(schema.versions).order_by(schema.versions.c.name, schema.versions.c.version)
    if name is not None:
        query = query.where(schema.versions.c.name == name)
    named: dict[tuple[str, int], list[str]] = {}
    for row in connection.execute(sa.select(schema.aliases).order_by(schema.aliases.c.alias)):
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
    for version in mine:
        if which in (f"v{version.version}", *version.aliases):
            return version
    if not which or which == "latest":
        return mine[-1]
    has = ", ".join(
        [f"v{version.version}" for version in mine] + sorted({alias for version in mine for alias in version.aliases})
    )
    raise VoxloopError(f'{name} has no version or alias "{which}"; it has: {has}.')


def materialise(version: ArtifactVersion, blobs: Blobs, cache: Path) -> Path:
    """The version's files as a folder, made once; blobs are linked where the file system can, copied where it can't."""
    target = cache / "artifacts" / version.digest
    if target.is_dir():
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
    path = folder / relative
    if folder.resolve() not in path.resolve().parents:
        raise VoxloopError(
            f'{version.ref} holds a file "{relative}" that would land outside its folder; it is refused.'
        )
    source = blobs.path(digest)
    if not source.is_file():
        raise VoxloopError(f"{version.ref}: the blob of {relative} is missing; restore {blobs.folder} from a backup.")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        path.hardlink_to(source)
    except OSError:
        shutil.copyfile(source, path)
