"""What was seen of cases, kept as JSON lines: a check that was interrupted goes on, and one that is repeated is quick."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import IO, Any

from voxloop.data.check.facts import VERSION, Facts
from voxloop.data.check.listing import Entry

FOLDER, NAME = ".voxloop-check", "cases.jsonl"
Key = list[Any]


class Kept:
    """Lines of key and facts. Whole lines are appended, so that several checks may write; the last line of a case counts."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        self._facts: dict[str, tuple[Key, dict[str, Any]]] = {}
        self._file: IO[str] | None = None
        try:
            lines = self.path.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            lines = []
        for line in lines:
            try:
                kept = json.loads(line)
                self._facts[_name(kept["key"])] = (kept["key"], kept["facts"])
            except (ValueError, KeyError, TypeError, IndexError):
                # The line that a killed process did not finish.
                continue

    def facts(self, root: Path, entry: Entry) -> Facts | None:
        """What is known of a case, if its files are as they were."""
        key = key_of(root, entry)
        known = self._facts.get(_name(key))
        if known is None or known[0] != key:
            return None
        try:
            return Facts.from_dict(known[1])
        except (KeyError, TypeError, ValueError):
            return None

    def keep(self, root: Path, entry: Entry, facts: Facts) -> None:
        """Appends a case. A disk without room costs the next check its time, not this one its result."""
        line = json.dumps({"key": key_of(root, entry), "facts": facts.as_dict()})
        try:
            if self._file is None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._file = self.path.open("a+", encoding="utf-8")
                if self._ends_within_a_line():
                    self._file.write("\n")
            self._file.write(line + "\n")
            self._file.flush()
        except OSError:
            pass

    def _ends_within_a_line(self) -> bool:
        size = self.path.stat().st_size
        if size == 0:
            return False
        with self.path.open("rb") as file:
            file.seek(size - 1)
            return file.read(1) != b"\n"

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


def _name(key: Key) -> str:
    """The files of a case, whatever their size and time."""
    return json.dumps([stamp and stamp[0] for stamp in key[1:3]])


def key_of(root: Path, entry: Entry) -> Key:
    """Version of the checker, then path, size and time of both files: another key is another file."""
    return [VERSION, _stamp(root, entry.image), _stamp(root, entry.label)]


def _stamp(root: Path, listed: str | None) -> list[Any] | None:
    if listed is None:
        return None
    try:
        stat = (root / listed).stat()
    except OSError:
        return [listed, -1, -1]
    return [listed, stat.st_size, stat.st_mtime_ns]


def folder_for(root: Path, wished: Path | None) -> Path:
    """Where a dataset's facts are kept: in the dataset, or where it cannot be written to, in the user's cache."""
    if wished is not None:
        return wished
    inside = root / FOLDER
    if os.access(inside if inside.is_dir() else root, os.W_OK):
        return inside
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "voxloop" / "check" / hashlib.sha256(str(root.resolve()).encode()).hexdigest()[:16]
