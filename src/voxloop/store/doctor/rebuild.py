"""A broken database copied, as far as it can be read, into a new one; the broken one is kept."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path

import sqlalchemy as sa

from voxloop.errors import VoxloopError
from voxloop.store import journal, schema
from voxloop.store.probe import READABLE
from voxloop.store.sqlite import make_tables

# How often a gap in a table is probed before what is left of it is given up.
PROBES = 20_000
# Where even the end of a table cannot be asked for, it is looked for this far behind the last row that can be read.
FARTHEST = 5_000
Values = tuple[object, ...]


def rebuild(database: Path, aside: Path) -> dict[str, int]:
    """Puts a new database in the place of a broken one, which goes to `aside`; answers with the rows of each table."""
    alive = [path for path in (database.parent / "journals").glob("*.journal") if journal.owned(path)]
    if alive:
        raise VoxloopError(
            f"{database} cannot be rebuilt while {len(alive)} runs are written; wait for their end, then try again."
        )
    fresh = database.with_name(f"{database.name}.rebuilt.partial")
    fresh.unlink(missing_ok=True)
    aside.mkdir(parents=True, exist_ok=True)
    # The backup is made before SQLite looks at the file, for it may write when it closes.
    for suffix in ("", "-wal"):
        if (old := Path(f"{database}{suffix}")).exists():
            shutil.copy2(old, aside / old.name)
    make_tables(fresh)
    try:
        counts = _copy(database, fresh)
    except VoxloopError:
        _remove(fresh, "", "-wal", "-shm")
        raise
    _remove(database, "-wal", "-shm")
    fresh.replace(database)
    _remove(fresh, "-wal", "-shm")
    return counts


def _copy(database: Path, fresh: Path) -> dict[str, int]:
    counts: dict[str, int] = {}
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(fresh)) as target:
        source.text_factory = lambda text: text.decode("utf-8", "replace")
        for name, table in schema.metadata.tables.items():
            counts[name] = 0
            columns = _columns(source, table)
            if not columns:
                continue
            marks = ", ".join("?" * len(columns))
            insert = f"INSERT OR IGNORE INTO {name} ({', '.join(map(_quoted, columns))}) VALUES ({marks})"
            for row in _Rescue(source, name, columns).rows():
                counts[name] += target.execute(insert, row).rowcount
        version = target.execute("SELECT value FROM meta WHERE key = 'version'").fetchone()
        if not sum(counts.values()):
            raise VoxloopError(f"Nothing in {database} can be read any more; restore it from a backup.")
        if version is None:
            target.execute("INSERT INTO meta (key, value) VALUES ('version', ?)", (str(schema.VERSION),))
        elif version[0].isdigit() and READABLE <= int(version[0]) < schema.VERSION:
            # What has come since then is in the new file, and empty.
            target.execute("UPDATE meta SET value = ? WHERE key = 'version'", (str(schema.VERSION),))
        elif version[0] != str(schema.VERSION):
            raise VoxloopError(
                f"{database} has schema {version[0]} and is broken, so it cannot be brought to {schema.VERSION}; restore a backup."
            )
        target.commit()
        target.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return counts


def _columns(source: sqlite3.Connection, table: sa.Table) -> list[str]:
    """The columns that the old table has and the new one knows."""
    try:
        found = {row[1] for row in source.execute(f"PRAGMA table_info({table.name})")}
    except sqlite3.DatabaseError:
        return []
    return [column.name for column in table.columns if column.name in found]


class _Rescue:
    """The rows of one table around what is broken: forwards to a break, backwards to it, and again in both halves between."""

    def __init__(self, source: sqlite3.Connection, table: str, columns: list[str]) -> None:
        self._source = source
        self._query = f"SELECT rowid, {', '.join(map(_quoted, columns))} FROM {table} WHERE rowid > ? AND rowid < ?"
        self._newest = f"SELECT max(rowid) FROM {table}"
        self._left = PROBES

    def rows(self) -> Iterator[Values]:
        broken_at = yield from self._read(-1, 2**63 - 1)
        gaps = [] if broken_at is None else [(broken_at, self._end(broken_at))]
        while gaps and self._left > 0:
            low, high = gaps.pop()
            after = yield from self._read(low, high)
            if after is None:
                continue
            before = yield from self._read(after, high, backwards=True)
            # A gap of one row is that row, and it is lost.
            if before is not None and before - after > 2:
                middle = (after + before) // 2
                gaps += [(middle, before), (after, middle + 1)]

    def _end(self, low: int) -> int:
        try:
            return int(self._source.execute(self._newest).fetchone()[0] or 0) + 1
        except sqlite3.DatabaseError:
            return low + FARTHEST

    def _read(self, low: int, high: int, backwards: bool = False) -> Generator[Values, None, int | None]:
        """Rows until something is broken; returns the last row id that was read then, or nothing at a proper end."""
        self._left -= 1
        last = high if backwards else low
        try:
            for row in self._ask(low, high, backwards):
                last = row[0]
                yield row[1:]
        except sqlite3.DatabaseError:
            pass
        else:
            return None
        # The module looks a row ahead, so the last one before the break is lost with it, unless it is asked for alone.
        try:
            bounds = (low, last) if backwards else (last, high)
            row = self._ask(*bounds, backwards, "LIMIT 1").fetchone()
        except sqlite3.DatabaseError:
            return last
        if row is None:
            return last
        yield row[1:]
        return int(row[0])

    def _ask(self, low: int, high: int, backwards: bool, most: str = "") -> sqlite3.Cursor:
        return self._source.execute(f"{self._query} ORDER BY rowid {'DESC' if backwards else ''} {most}", (low, high))


def _quoted(name: str) -> str:
    return f'"{name}"'


def _remove(path: Path, *suffixes: str) -> None:
    for suffix in suffixes:
        Path(f"{path}{suffix}").unlink(missing_ok=True)
