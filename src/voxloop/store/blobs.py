"""Content under its own SHA-256: written once, whole or not at all, never changed."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from voxloop.errors import VoxloopError

DIGEST = re.compile(r"[0-9a-f]{64}")
PIECE = 1 << 20

PARTIAL = ".partial-"


class Blobs:
    """A folder of blobs: `ab/cdef…`.

    A blob's time is when somebody last relied on it: what was put a moment ago may not have its row yet, and `discard`
    spares it. The two cannot meet in the middle, for one lock stands between them.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, digest: str) -> Path:
        """Where a blob lies, whether it is there or not."""
        if not DIGEST.fullmatch(digest):
            raise VoxloopError(f'"{digest[:80]}" is no digest; one is 64 hexadecimal digits.')
        return self.folder / digest[:2] / digest[2:]

    def __contains__(self, digest: str) -> bool:
        return self.path(digest).is_file()

    def __iter__(self) -> Iterator[str]:
        """Every digest that is there, in order."""
        for path in sorted(self.folder.glob("??/*")):
            digest = path.parent.name + path.name
            if DIGEST.fullmatch(digest):
                yield digest

    def put(self, content: bytes) -> str:
        """Stores bytes; the same bytes are stored once."""
        digest = hashlib.sha256(content).hexdigest()
        if not self.renew(digest, len(content)):
            self._write(digest, lambda file: file.write(content))
        return digest

    def put_file(self, source: Path) -> str:
        """Stores a file's content, read piece by piece."""
        try:
            with source.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
                if not self.renew(digest, file.tell()):
                    file.seek(0)
                    self._write(digest, lambda out: _copy(file, out, digest))
        except OSError as error:
            raise VoxloopError(f"Cannot read {source}: {error.strerror or error}; check the path.") from error
        return digest

    def put_stream(self, source: IO[bytes], digest: str, size: int) -> None:
        """Stores a stream that must turn out to be the blob `digest`; refused, and nothing kept, where it does not."""
        if not self.renew(digest, size):
            self._write(digest, lambda out: _copy(source, out, digest))

    def renew(self, digest: str, size: int | None = None) -> bool:
        """Whether a blob is there (and of this size); if it is, nobody discards it for a while."""
        path = self.path(digest)
        if not path.exists():
            return False
        try:
            with self._locked(fcntl.LOCK_SH):
                if size is not None and path.stat().st_size != size:
                    return False
                os.utime(path)
        except OSError:
            # Gone by now, or another user's in a shared project, whose time is not ours to change: to be written anew.
            return False
        return True

    def discard(self, digest: str, before: float) -> int | None:
        """Removes a blob that nobody has relied on since `before`; answers with its bytes, or nothing where it stays."""
        path = self.path(digest)
        with self._locked(fcntl.LOCK_EX):
            try:
                found = path.stat()
                if found.st_mtime >= before:
                    return None
                path.unlink()
            except FileNotFoundError:
                return None
        return found.st_size

    def copy_to(self, digest: str, out: IO[bytes], what: str) -> None:
        """Copies a blob and checks every byte of it; `what` names it where it is missing or damaged."""
        hasher = hashlib.sha256()
        try:
            with self.path(digest).open("rb") as file:
                while piece := file.read(PIECE):
                    hasher.update(piece)
                    out.write(piece)
        except FileNotFoundError as error:
            raise VoxloopError(f"{what} is missing from {self.folder}; restore it from a backup.") from error
        if hasher.hexdigest() != digest:
            raise VoxloopError(f'{what} is damaged in {self.folder}; "voxloop doctor" says what else is.')

    def get(self, digest: str) -> bytes:
        try:
            return self.path(digest).read_bytes()
        except FileNotFoundError as error:
            raise VoxloopError(
                f"The blob {digest[:12]}… is missing from {self.folder}; restore the folder from a backup."
            ) from error

    def sound(self, digest: str) -> bool:
        """Whether a blob is what its name says; every byte of it is read."""
        try:
            with self.path(digest).open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest() == digest
        except OSError:
            return False

    def damaged(self) -> Iterator[str]:
        """Digests whose content has changed under them."""
        return (digest for digest in self if not self.sound(digest))

    @contextmanager
    def _locked(self, kind: int) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True)
        # Read-only is enough for a lock, and is what another user of a shared project may do.
        file = os.open(self.folder.with_name(f"{self.folder.name}.lock"), os.O_RDONLY | os.O_CREAT, 0o666)
        try:
            fcntl.flock(file, kind)
            yield
        finally:
            # Said, not left to the closing: a child that was forked in between still has the file open.
            fcntl.flock(file, fcntl.LOCK_UN)
            os.close(file)

    def _write(self, digest: str, fill: Callable[[IO[bytes]], object]) -> None:
        target = self.path(digest)
        partial: str | None = None
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            handle, partial = tempfile.mkstemp(prefix=PARTIAL, dir=target.parent)
            with os.fdopen(handle, "wb") as file:
                fill(file)
                file.flush()
                # Synced before it gets its name, or a crash leaves an empty blob under a digest.
                os.fsync(file.fileno())
            os.chmod(partial, 0o444)  # noqa: PTH101 - of the temporary name
            Path(partial).replace(target)
        except BaseException as error:
            if partial is not None:
                Path(partial).unlink(missing_ok=True)
            if not isinstance(error, OSError):
                raise
            raise VoxloopError(
                f"Cannot store a blob in {self.folder}: {error.strerror or error}; free some space and try again."
            ) from error


def _copy(source: IO[bytes], out: IO[bytes], digest: str) -> None:
    """Copies what is to become the blob `digest`, and refuses it if it is no longer that."""
    hasher = hashlib.sha256()
    while piece := source.read(PIECE):
        hasher.update(piece)
        out.write(piece)
    if hasher.hexdigest() != digest:
        raise VoxloopError(f"{source.name} changed while it was being stored; store it once it is complete.")
