"""An archive that arrives is read to its last byte before anything of it is believed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass

from voxloop.store.artifacts import aliases, references
from voxloop.store.artifacts import versions as artifacts
from voxloop.store.portable.archive import Archive, Row
from voxloop.store.portable.fingerprint import Damaged, fingerprints
from voxloop.store.portable.selection import named
from voxloop.store.records import ArtifactVersion

Progress = Callable[[int, int, str], object]
ENDED = ("finished", "failed", "interrupted", "crashed")
# What no two rows of a table have in common.
KEYS: dict[str, list[tuple[str, ...]]] = {
    "runs": [("id",)],
    "series": [("id",), ("run_id", "name", "context")],
    "console": [("run_id", "number")],
    "versions": [("name", "version"), ("name", "digest")],
    "aliases": [("name", "alias")],
}
# The next number after an archive's must still be one.
MOST_VERSIONS = 1_000_000
RUN_ID = re.compile(r"[A-Za-z0-9_-]{1,48}")


@dataclass
class Plan:
    """What an archive would bring, after all of it was read."""

    content: dict[str, str]
    names: dict[str, str]
    versions: list[Row]
    aliases: list[Row]
    blobs: dict[str, str]


def check(archive: Archive, progress: Progress) -> Plan:
    """Reads every row and every blob, and refuses the archive where one is not what it should be."""
    for table, keys in KEYS.items():
        _refuse_twice(archive, table, keys)
    try:
        content = fingerprints(archive.rows)
    except Damaged as error:
        raise archive.refused(str(error)) from error
    names = _check_runs(archive)
    versions = list(archive.rows("versions"))
    for row in versions:
        _check_version(archive, row)
    here = {(row["name"], row["version"]) for row in versions}
    pointing = list(archive.rows("aliases"))
    for row in pointing:
        aliases.check(row["alias"])
        if (row["name"], row["version"]) not in here:
            raise archive.refused(f"the alias {row['alias']} points at a version that it does not hold")
    for row in archive.rows("uses"):
        if (
            row["run_id"] not in names
            or not aliases.NAME.fullmatch(row["name"])
            or not 1 <= row["version"] <= MOST_VERSIONS
        ):
            raise archive.refused(f"it says that {row['run_id'][:80]!r} used something, and holds no such run or name")
    return Plan(content, names, versions, pointing, _check_blobs(archive, progress))


def _refuse_twice(archive: Archive, table: str, keys: list[tuple[str, ...]]) -> None:
    seen: list[set[tuple[object, ...]]] = [set() for _ in keys]
    for row in archive.rows(table):
        for key, known in zip(keys, seen, strict=True):
            value = tuple(row[name] for name in key)
            if value in known:
                raise archive.refused(f"{table}.jsonl has two rows of the same {' and '.join(key)}")
            known.add(value)


def _check_runs(archive: Archive) -> dict[str, str]:
    names: dict[str, str] = {}
    for run in archive.rows("runs"):
        if run["status"] not in ENDED or not RUN_ID.fullmatch(run["id"]):
            raise archive.refused(f"the run {run['id'][:80]!r} is running or has no proper id")
        for key, kind in (("params", dict), ("environment", dict), ("definitions", dict), ("tags", list)):
            if not isinstance(run[key], kind):
                raise archive.refused(f"the {key} of run {run['id']} are no {kind.__name__}")
        if not all(isinstance(one, dict) for one in run["definitions"].values()):
            raise archive.refused(f"the definitions of run {run['id']} are none")
        names[run["id"]] = run["name"]
    for table in ("series", "media"):
        for row in archive.rows(table):
            if not _is_context(row["context"]) or not isinstance(row.get("data", {}), dict):
                raise archive.refused(f"{row['name'][:80]!r} in {table} has no proper context or content")
    return names


def _check_blobs(archive: Archive, progress: Progress) -> dict[str, str]:
    needed = named(archive.rows, None)
    allowed = set(needed)
    for run in archive.rows("runs"):
        allowed |= set(references.named_in([run["params"], run["environment"]]))
    for digest in archive.blobs:
        if digest not in allowed:
            raise archive.refused(f"it holds the blob {digest[:12]}…, to which nothing in it refers")
    for digest, what in needed.items():
        if archive.manifest["blobs"] and digest not in archive.blobs:
            raise archive.refused(f"it lacks the blob of {what[:200]}")
    total, done = sum(info.file_size for info in archive.blobs.values()), 0
    for digest, info in archive.blobs.items():
        archive.check_blob(digest)
        done += info.file_size
        progress(done, 2 * total, "checking")
    return needed


def _is_context(text: str) -> bool:
    try:
        context = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(context, dict) and all(isinstance(one, str | int | float) for one in context.values())


def _check_version(archive: Archive, row: Row) -> None:
    reference = f"{row['name'][:80]}:v{row['version']}"
    files = row["files"]
    try:
        version = _version(row)
        sound = (
            bool(aliases.NAME.fullmatch(row["name"]))
            and 1 <= row["version"] <= MOST_VERSIONS
            and isinstance(row["metadata"], dict)
            and bool(files)
            and all(isinstance(file["bytes"], int) for file in files.values())
            and all(artifacts.inside(version, path) for path in files)
            and len(list(references.named_in(files))) == len(files)
            and artifacts.digest_of(files) == row["digest"]
        )
    except (AttributeError, KeyError, TypeError):
        sound = False
    if not sound:
        raise archive.refused(f"the files of {reference} are not what its digest says")


def _version(row: Row) -> ArtifactVersion:
    names = ("name", "kind", "version", "files", "digest", "run_id", "created", "metadata")
    return ArtifactVersion(**{name: row[name] for name in names}, aliases=())
