"""A version as a zip that is sent while it is made: nothing of it stands in memory but the piece under way."""

from __future__ import annotations

import hashlib
import io
import time
import zipfile
from collections.abc import Iterator

from voxloop.errors import VoxloopError
from voxloop.store.artifacts.previews import shown
from voxloop.store.artifacts.versions import inside
from voxloop.store.blobs import PIECE, Blobs
from voxloop.store.records import ArtifactVersion

# A zip knows no earlier year.
FIRST = (1980, 1, 1, 0, 0, 0)


def require_whole(version: ArtifactVersion, blobs: Blobs) -> None:
    """Refuses a version of which a file is missing, or would land outside; asked before the first byte is sent."""
    for relative, file in version.files.items():
        inside(version, relative)
        path = blobs.path(file["digest"])
        if not path.is_file() or path.stat().st_size != int(file["bytes"]):
            raise VoxloopError(
                f'{version.ref}: the blob of {relative} is missing or cut short; "voxloop doctor" says what else is.'
            )


def packed(version: ArtifactVersion, blobs: Blobs) -> Iterator[bytes]:
    """The zip, piece by piece. A blob that turns out to be damaged ends it, so that no half of it passes for the whole."""
    out = _Outbox()
    when = max(FIRST, time.localtime(version.created)[:6])
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for relative, file in version.files.items():
            entry = zipfile.ZipInfo(shown(inside(version, relative)), when)
            # Else it could be read by nobody after it was unpacked.
            entry.external_attr = 0o644 << 16
            hasher = hashlib.sha256()
            with archive.open(entry, "w", force_zip64=True) as target, blobs.path(file["digest"]).open("rb") as source:
                while piece := source.read(PIECE):
                    hasher.update(piece)
                    target.write(piece)
                    yield out.take()
            if hasher.hexdigest() != file["digest"]:
                raise VoxloopError(f'{version.ref}: {relative} is damaged; "voxloop doctor" says what else is.')
            yield out.take()
    yield out.take()


class _Outbox(io.RawIOBase):
    """What was written and not yet sent. It cannot seek, so a zip writes its sizes behind each file."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, piece: object) -> int:
        self.pieces.append(bytes(memoryview(piece)))  # type: ignore[arg-type]
        return len(self.pieces[-1])

    def take(self) -> bytes:
        taken, self.pieces = b"".join(self.pieces), []
        return taken
