"""A file that has come in part: its bytes so far, their running checksum, and which of the server's versions they belong to."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from voxloop.data.fetch.places import Progress

CHUNK = 1 << 20
CHECKING = "Checking what is here"


@dataclass(frozen=True, slots=True)
class Version:
    """What a server says of the file that it sends, so that a later part can be asked of the same one."""

    etag: str | None = None
    modified: str | None = None
    bytes: int | None = None

    @property
    def condition(self) -> str | None:
        """What If-Range may hold: a strong tag, or a date."""
        return self.etag if self.etag and not self.etag.startswith("W/") else self.modified


class Part:
    """`FILE.part`, open to grow, and its version in `FILE.part.json`."""

    def __init__(self, whole: Path, progress: Progress | None = None) -> None:
        self.whole = whole
        self._path, self._note = whole.with_name(f"{whole.name}.part"), whole.with_name(f"{whole.name}.part.json")
        # Unbuffered: what was received is in the system's hands, whatever happens to this process.
        self._file = self._path.open("ab", buffering=0)
        self._hash, self.size = _hash_of(self._path, progress)
        self.version = _read(self._note)
        self.resumed = self.size > 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        if self.size == 0:
            self._path.unlink(missing_ok=True)
            self._note.unlink(missing_ok=True)

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()

    def begin(self, version: Version) -> None:
        """From the first byte; what came of another version goes before the new one is noted, so that the two never mix."""
        self._file.truncate(0)
        self._hash, self.size, self.version, self.resumed = _md5(), 0, version, False
        partial = self._note.with_name(f"{self._note.name}.new")
        partial.write_text(json.dumps(asdict(version)), encoding="utf-8")
        partial.replace(self._note)

    def append(self, data: bytes) -> None:
        left = memoryview(data)
        while left:
            left = left[self._file.write(left) :]
        self._hash.update(data)
        self.size += len(data)

    def become_whole(self) -> None:
        os.fsync(self._file.fileno())
        self._path.rename(self.whole)
        self._note.unlink(missing_ok=True)

    def discard(self) -> None:
        self.begin(Version())


def digest_of(path: Path, progress: Progress | None = None) -> str:
    """The MD5 of a file, as the Decathlon's checksums are."""
    return _hash_of(path, progress)[0].hexdigest()


def _md5() -> hashlib._Hash:
    # Not for security: against damage. Systems in FIPS mode refuse MD5 where this is not said.
    return hashlib.md5(usedforsecurity=False)


def _hash_of(path: Path, progress: Progress | None) -> tuple[hashlib._Hash, int]:
    found, total, done = _md5(), path.stat().st_size, 0
    with path.open("rb") as file:
        while data := file.read(CHUNK):
            found.update(data)
            done += len(data)
            if progress is not None:
                progress(done, max(total, done), CHECKING)
    return found, done


def _read(note: Path) -> Version:
    try:
        said = json.loads(note.read_text(encoding="utf-8"))
        etag, modified, count = said["etag"], said["modified"], said["bytes"]
    except (OSError, ValueError, TypeError, KeyError):
        return Version()
    return Version(
        etag if isinstance(etag, str) else None,
        modified if isinstance(modified, str) else None,
        count if isinstance(count, int) else None,
    )
