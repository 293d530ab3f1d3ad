"""Content under its own SHA-256: written once, whole or not at all, never changed."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from voxloop.errors import VoxloopError

DIGEST = re.compile(r"[0-9a-f]{64}")
PIECE = 1 << 20


class Blobs:
    """A folder of blobs: `ab/cdef…`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, digest: str) -> Path:
        """Where a blob lies, whether it is there or not."""
        if not DIGEST.fullmatch(digest):
            raise VoxloopError(f'"{digest[:80]}" is no digest; one is 64 hexadecimal digits.')
        return self.folder / digest[:2] / digest[2:]

    def __contains__(self, digest: str) -> bool:
        return self.path(digest).is_file()

    def put(self, content: bytes) -> str:
        """Stores bytes; the same bytes are stored once."""
        digest = hashlib.sha256(content).hexdigest()
        if digest not in self:
            self._write(digest, lambda file: file.write(content))
        return digest

    def put_file(self, source: Path) -> str:
        """Stores a file's content, read piece by piece."""
        try:
            with source.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
                if digest not in self:
                    file.seek(0)
                    self._write(digest, lambda out: _copy(file, out, digest))
        except OSError as error:
            raise VoxloopError(f"Cannot read {source}: {error.strerror or error}; check the path.") from error
        return digest

    def get(self, digest: str) -> bytes:
        try:
            return self.path(digest).read_bytes()
        except FileNotFoundError as error:
            raise VoxloopError(
                f"The blob {digest[:12]}… is missing from {self.folder}; restore the folder from a backup."
            ) from error

    def damaged(self) -> Iterator[str]:
        """Digests whose content has changed under them."""
        for path in sorted(self.folder.glob("??/*")):
            digest = path.parent.name + path.name
            if DIGEST.fullmatch(digest):
                with path.open("rb") as file:
                    found = hashlib.file_digest(file, "sha256").hexdigest()
                if found != digest:
                    yield digest

    def _write(self, digest: str, fill: Callable[[IO[bytes]], object]) -> None:
        target = self.path(digest)
        partial: str | None = None
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            handle, partial = tempfile.mkstemp(prefix=".partial-", dir=target.parent)
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
