"""What the doctor works with: a project's folder, what is wrong with it, and how that is found and mended."""

from __future__ import annotations

import base64
import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from voxloop.errors import VoxloopError
from voxloop.store.blobs import Blobs
from voxloop.store.sqlite import connect

Progress = Callable[[int, int, str], object]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. `subject` is what its check needs to mend it; a note is nothing to be mended."""

    check: str
    severity: str
    sentence: str
    mendable: bool = False
    subject: Any = None


@dataclass(frozen=True, slots=True)
class Check:
    """What can be wrong in one respect, and how it is mended."""

    find: Callable[[Place], Iterable[Finding]]
    mend: Callable[[Place, Finding], object] | None = None


class Place:
    """A project's folder without its doors: nothing is recovered, migrated or made by looking at it."""

    shared = False

    def __init__(self, root: Path, progress: Progress | None = None) -> None:
        self.root = root
        self.database = root / "voxloop.db"
        self.journals = root / "journals"
        self.blobs = Blobs(root / "blobs")
        self.progress: Progress = progress or (lambda done, total, what: None)
        self.aside = root / "set-aside" / time.strftime("%Y%m%d-%H%M%S")
        self._engine = connect(self.database)

    def close(self) -> None:
        self._engine.dispose()

    def reading(self) -> AbstractContextManager[Connection]:
        return self._told(lambda: self._engine.connect().execution_options(reading=True))

    def writing(self) -> AbstractContextManager[Connection]:
        return self._told(self._engine.begin)

    @contextmanager
    def _told(self, opened: Callable[[], AbstractContextManager[Connection]]) -> Iterator[Connection]:
        if not self.database.is_file():
            # SQLite would make an empty one.
            raise VoxloopError(f"{self.database} is missing; restore it from a backup.")
        try:
            with opened() as connection:
                yield connection
        except (sa.exc.DatabaseError, sqlite3.DatabaseError) as error:
            reason = getattr(error, "orig", error)
            raise VoxloopError(f"{self.database} cannot be used ({reason}); restore it from a backup.") from error

    def move_aside(self, path: Path) -> None:
        """Out of the way, and kept."""
        target = self.aside / path.relative_to(self.root)
        target.parent.mkdir(parents=True, exist_ok=True)
        path.replace(target)

    def keep_rows(self, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Writes rows down, safely on the disk, before they are deleted."""
        self.aside.mkdir(parents=True, exist_ok=True)
        with (self.aside / f"{table}.jsonl").open("a") as file:
            for row in rows:
                file.write(json.dumps({key: _kept(value) for key, value in row.items()}) + "\n")
            file.flush()
            os.fsync(file.fileno())


def _kept(value: Any) -> Any:
    return {"base64": base64.b64encode(value).decode()} if isinstance(value, bytes) else value
