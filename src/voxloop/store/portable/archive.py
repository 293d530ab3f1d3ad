"""A zip of runs as it lies on the disk: a manifest, each table as JSON lines, and blobs by digest. A foreign one is hostile.

manifest.json          format, versions, rows of each table
tables/runs.jsonl      a row a line; bytes as base64 (and so for each of TABLES)
blobs/<digest>         stored as they are, for they are packed already
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import sqlalchemy as sa

from voxloop.errors import VoxloopError
from voxloop.store import schema
from voxloop.store.blobs import PIECE, Blobs

FORMAT = "voxloop-runs"
FORMAT_VERSION = 1
TABLES = ("runs", "series", "chunks", "media", "console", "versions", "aliases", "uses")
MANIFEST = "manifest.json"
MEMBER = re.compile(r"tables/([a-z]+)\.jsonl|blobs/([0-9a-f]{64})")
# A line of JSON is at most what a run's params may be; a table that packs better than this is a bomb.
LONGEST_LINE = 1 << 26
LONGEST_MANIFEST = 1 << 20
SMALL = 1 << 26
BEST_PACKING = 300
DEEPEST = 200
WHOLE = 2**63
BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, OverflowError)
Row = dict[str, Any]


class ArchiveWriter:
    """Writes an archive from start to end; the manifest comes last, when the rows are counted."""

    def __init__(self, path: Path) -> None:
        self._zip = zipfile.ZipFile(path, "x")
        self.rows: dict[str, int] = {}

    def table(self, name: str, rows: Iterable[Row]) -> None:
        count = 0
        with self._open(f"tables/{name}.jsonl", zipfile.ZIP_DEFLATED) as out:
            for row in rows:
                out.write(json.dumps({key: _encoded(value) for key, value in row.items()}).encode() + b"\n")
                count += 1
        self.rows[name] = count

    def blob(self, blobs: Blobs, digest: str, what: str) -> None:
        with self._open(f"blobs/{digest}", zipfile.ZIP_STORED) as out:
            blobs.copy_to(digest, out, what)

    def close(self, **said: Any) -> None:
        manifest = {"format": FORMAT, "format_version": FORMAT_VERSION, "schema": schema.VERSION, **said}
        with self._open(MANIFEST, zipfile.ZIP_DEFLATED) as out:
            out.write(json.dumps({**manifest, "rows": self.rows}, indent=1).encode())
        self._zip.close()

    def _open(self, name: str, packing: int) -> IO[bytes]:
        # Without the time of day, equal runs are equal archives.
        info = zipfile.ZipInfo(name)
        info.compress_type = packing
        info.external_attr = 0o644 << 16
        return self._zip.open(info, "w", force_zip64=True)


class Archive:
    """An archive that is read. Whatever is wrong with it is one sentence, and nothing is taken from it by its own paths."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._zip = zipfile.ZipFile(path)
        except BROKEN as error:
            if isinstance(error, FileNotFoundError | IsADirectoryError):
                raise VoxloopError(f"No archive of runs is at {path}; check the path.") from error
            raise self.refused("it is no zip file, or its end is missing") from error
        try:
            self._tables, self.blobs = self._members()
            self.manifest = self._manifest()
        except BaseException:
            self._zip.close()
            raise

    def __enter__(self) -> Archive:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._zip.close()

    def refused(self, reason: str) -> VoxloopError:
        return VoxloopError(f"{self.path} cannot be imported: {reason}; export it again, and nothing was changed here.")

    @property
    def table_bytes(self) -> int:
        return sum(info.file_size for info in self._tables.values())

    def rows(self, table: str) -> Iterator[Row]:
        """The rows of a table, each checked against the schema."""
        columns = schema.metadata.tables[table].columns
        count = 0
        try:
            with self._zip.open(self._tables[table]) as member:
                lines = io.BufferedReader(member)  # type: ignore[type-var]
                while line := lines.readline(LONGEST_LINE + 1):
                    count += 1
                    place = f"{table}.jsonl, line {count}"
                    if len(line) > LONGEST_LINE:
                        raise self.refused(f"{place} is longer than {LONGEST_LINE >> 20} MB")
                    yield self._row(line, columns, place)
        except BROKEN as error:
            raise self.refused(f"{table}.jsonl is damaged") from error
        if count != self.manifest["rows"][table]:
            raise self.refused(f"{table}.jsonl has {count} rows, and the manifest says {self.manifest['rows'][table]}")

    def open_blob(self, digest: str) -> IO[bytes]:
        return self._zip.open(self.blobs[digest])

    def check_blob(self, digest: str) -> None:
        """Reads a blob and refuses the archive where it is not what its name says."""
        hasher = hashlib.sha256()
        try:
            with self.open_blob(digest) as member:
                while piece := member.read(PIECE):
                    hasher.update(piece)
        except BROKEN as error:
            raise self.refused(f"the blob {digest[:12]}… is damaged") from error
        if hasher.hexdigest() != digest:
            raise self.refused(f"the blob {digest[:12]}… is not what its name says")

    def _members(self) -> tuple[dict[str, zipfile.ZipInfo], dict[str, zipfile.ZipInfo]]:
        tables: dict[str, zipfile.ZipInfo] = {}
        blobs: dict[str, zipfile.ZipInfo] = {}
        seen = set()
        for info in self._zip.infolist():
            name = info.filename
            found = MEMBER.fullmatch(name)
            if name in seen:
                raise self.refused(f"it holds {name[:80]!r} twice")
            seen.add(name)
            if info.flag_bits & 1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise self.refused(f"{name[:80]!r} is encrypted or packed in another way")
            if found and found[1] in TABLES:
                tables[found[1]] = info
            elif found and found[2]:
                if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size:
                    raise self.refused(f"{name[:80]!r} is packed, and blobs are stored as they are")
                blobs[found[2]] = info
            elif name != MANIFEST:
                raise self.refused(f"it holds {name[:80]!r}, which is no part of an archive of runs")
            if info.file_size > SMALL and info.file_size > BEST_PACKING * info.compress_size:
                raise self.refused(f"{name[:80]!r} would unpack to {info.file_size / 1e9:.1f} GB, as a bomb does")
        # Members that lie over each other unpack to more than there is.
        if sum(info.compress_size for info in self._zip.infolist()) > self.path.stat().st_size:
            raise self.refused("its members are larger than itself")
        missing = [name for name in TABLES if name not in tables]
        if MANIFEST not in seen or missing:
            raise self.refused("it lacks " + (f"tables/{missing[0]}.jsonl" if MANIFEST in seen else MANIFEST))
        return tables, blobs

    def _manifest(self) -> dict[str, Any]:
        try:
            with self._zip.open(MANIFEST) as member:
                text = member.read(LONGEST_MANIFEST)
            manifest = json.loads(text)
            rows = manifest["rows"]
            sound = (
                manifest["format"] == FORMAT
                and isinstance(manifest["blobs"], bool)
                and all(isinstance(rows[table], int) for table in TABLES)
            )
            versions = int(manifest["format_version"]), int(manifest["schema"])
        except (ValueError, KeyError, TypeError, RecursionError, *BROKEN) as error:
            raise self.refused("its manifest cannot be read") from error
        if not sound:
            raise self.refused("its manifest is not that of an archive of runs")
        if versions[0] > FORMAT_VERSION or versions[1] > schema.VERSION:
            raise VoxloopError(f"{self.path} was written by a newer voxloop; update voxloop, then import it again.")
        return dict(manifest)

    def _row(self, line: bytes, columns: Any, place: str) -> Row:
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise self.refused(f"{place} is no JSON") from error
        if not isinstance(row, dict):
            raise self.refused(f"{place} is no row")
        unknown = sorted(set(row) - set(columns.keys()))
        if unknown:
            raise self.refused(f"{place} has an unknown column {unknown[0][:80]!r}")
        found = {}
        for column in columns:
            value = row.get(column.name)
            if value is None and column.default is not None:
                value = column.default.arg
            try:
                found[column.name] = _decoded(value, column)
            except (ValueError, TypeError, UnicodeError, RecursionError) as error:
                raise self.refused(f"{place} has a {column.name} that does not fit its column") from error
        return found


def _encoded(value: Any) -> Any:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def _decoded(value: Any, column: sa.Column[Any]) -> Any:
    """A value as its column holds it; ValueError or TypeError where it cannot."""
    if value is None:
        if column.nullable:
            return None
        raise ValueError
    kind = column.type
    if isinstance(kind, sa.LargeBinary):
        return base64.b64decode(value, validate=True)
    if isinstance(kind, sa.JSON):
        _refuse_depth(value, DEEPEST)
        return value
    if isinstance(kind, sa.Boolean):
        fits = isinstance(value, bool)
    elif isinstance(kind, sa.Integer):
        fits = isinstance(value, int) and not isinstance(value, bool) and -WHOLE <= value < WHOLE
    elif isinstance(kind, sa.Float):
        fits = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < float("inf")
    else:
        # A lone surrogate is text to JSON and to no database.
        fits = isinstance(value, str) and value.encode() is not None
    if not fits:
        raise ValueError
    return float(value) if isinstance(kind, sa.Float) else value


def _refuse_depth(value: Any, left: int) -> None:
    if left == 0:
        raise ValueError
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _refuse_depth(inner, left - 1)
