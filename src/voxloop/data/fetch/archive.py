"""What is in a tar, a tar.gz or a zip, one member after another, read without belief in what the archive says of itself."""

from __future__ import annotations

import errno
import gzip
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal, cast

from voxloop.data.fetch.places import amount
from voxloop.errors import VoxloopError

CHUNK = 1 << 20
# What may stand before a member's content: its header, its long name, its pax records.
MOST_HEADER = 16 * CHUNK
# What the libraries raise on archives that lie; RuntimeError is a recursion without end or a packing that they lack.
DAMAGE = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    RuntimeError,
    ValueError,
    ArithmeticError,
    LookupError,
    TypeError,
    AttributeError,
)

BY_HAND = "unpack it by hand if you trust it"
Kind = Literal["file", "folder", "a link", "a device", "a sparse file", "an encrypted file"]


@dataclass(frozen=True, slots=True)
class Member:
    """A name in an archive, how large it says it is, and its content, to be read before the next member is asked for."""

    name: str
    kind: Kind
    size: int
    chunks: Callable[[], Iterator[bytes]]
    done: int
    total: int


def members(archive: Path, most_bytes: int | None = None) -> Iterator[Member]:
    """Everything in an archive, in its order. Stops with a sentence where it is damaged, cut off or too large.

    `most_bytes` bounds what it may unpack to; by default that is a hundred times what it is itself.
    """
    if not archive.is_file():
        raise VoxloopError(f"No archive is at {archive}; check the path.")
    size = archive.stat().st_size
    with archive.open("rb") as file:
        begin = file.read(512)
        file.seek(0)
        if begin.startswith(b"PK\x03\x04"):
            most = most_bytes or _usual(size)
            yield from _bounded(archive, _zip_members(archive, file, most), most)
        elif begin.startswith(b"\x1f\x8b"):
            most = most_bytes or _usual(size)
            with gzip.GzipFile(fileobj=file) as plain:
                yield from _bounded(archive, _tar_members(archive, plain, file, most), most)
        elif is_tar(begin):
            # A tar is not compressed, so it can hold no more than it is.
            cut_off = "it is damaged or cut off, get it again" if (most_bytes or size) >= size else BY_HAND
            yield from _bounded(
                archive, _tar_members(archive, file, file, size), min(most_bytes or size, size), cut_off
            )
        else:
            raise VoxloopError(
                f"{archive.name} is neither a tar, a tar.gz nor a zip; get it again, or unpack it by hand."
            )


def is_tar(begin: bytes) -> bool:
    """Whether a file that begins with these 512 bytes can be a tar: its first header's checksum is right."""
    try:
        tarfile.TarInfo.frombuf(begin, "utf-8", "surrogateescape")
    except (tarfile.HeaderError, ValueError):
        return False
    return True


def _usual(size: int) -> int:
    return 100 * size + 64 * CHUNK


def _bounded(archive: Path, found: Iterator[Member], most: int, way_out: str = BY_HAND) -> Iterator[Member]:
    """Adds up what members say they are, and turns what the libraries raise on damaged archives into a sentence."""
    claimed = 0
    while True:
        with _readable(archive):
            member = next(found, None)
        if member is None:
            return
        claimed += member.size
        if claimed > most:
            raise _too_large(archive, most, way_out)
        yield member


def _too_large(archive: Path, most: int, way_out: str = BY_HAND) -> VoxloopError:
    size = amount(archive.stat().st_size)
    return VoxloopError(f"{archive.name} has {size} and says that it unpacks to more than {amount(most)}; {way_out}.")


@contextmanager
def _readable(archive: Path) -> Iterator[None]:
    try:
        yield
    except VoxloopError:
        raise
    except (*DAMAGE, OSError) as error:
        # EINVAL: sent to a place before the first byte. A disk that fails to read is told as such.
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise
        said = (str(error).splitlines() or [type(error).__name__])[0][:120]
        raise VoxloopError(f"{archive.name} is damaged or cut off ({said}); get it again.") from error


class _Forward:
    """The bytes of a tar, which can be read onwards only, and not without end where a header is read."""

    def __init__(self, archive: Path, file: IO[bytes], most: int) -> None:
        self._archive, self._file, self._most = archive, file, most
        self._position = self.header = 0
        self.last = b""

    def tell(self) -> int:
        return self._position

    def read(self, count: int) -> bytes:
        self.header += count
        if count < 0 or self.header > MOST_HEADER:
            raise VoxloopError(f"{self._archive.name} has a header without end; it is damaged, get it again.")
        self.last = self.content(count)
        return self.last

    def content(self, count: int) -> bytes:
        data = self._file.read(count)
        self._position += len(data)
        return data

    def seek(self, position: int) -> None:
        # Room for the headers and the blocks that round a file up.
        if position < self._position or position > 2 * self._most + MOST_HEADER:
            raise VoxloopError(f"{self._archive.name} points to where it has nothing; it is damaged, get it again.")
        self._file.seek(position)
        self._position = position


def _tar_members(archive: Path, plain: IO[bytes] | gzip.GzipFile, packed: IO[bytes], most: int) -> Iterator[Member]:
    total = archive.stat().st_size
    stream = _Forward(archive, cast(IO[bytes], plain), most)
    tar = tarfile.TarFile(fileobj=cast(IO[bytes], stream), mode="r")
    while (info := tar.next()) is not None:
        # The library keeps every member, and an archive may have millions of them.
        cast(Any, tar).members.clear()
        stream.header = 0
        start, size = info.offset_data, info.size

        def chunks(start: int = start, size: int = size) -> Iterator[bytes]:
            stream.seek(start)
            while size > 0:
                with _readable(archive):
                    data = stream.content(min(CHUNK, size))
                    if not data:
                        raise EOFError("it ends within a file")
                size -= len(data)
                yield data

        yield Member(info.name, _tar_kind(info), max(size, 0), chunks, packed.tell(), total)
    # At what it cannot read the library stops as if all were well; a whole archive ends with a block of zeros.
    if stream.last != bytes(512):
        raise VoxloopError(f"{archive.name} ends before its end is marked, so it is damaged or cut off; get it again.")
    # A checksum that is wrong shows at the end only.
    while stream.content(CHUNK):
        stream.seek(stream.tell())


def _tar_kind(info: tarfile.TarInfo) -> Kind:
    if info.isdir():
        return "folder"
    if info.issparse():
        return "a sparse file"
    if info.isreg():
        return "file"
    return "a link" if info.issym() or info.islnk() else "a device"


def _zip_members(archive: Path, file: IO[bytes], most: int) -> Iterator[Member]:
    with zipfile.ZipFile(file) as opened:
        infos = opened.infolist()
        total, done = sum(info.file_size for info in infos), 0
        if total > most:
            raise _too_large(archive, most)
        for info in infos:

            def chunks(info: zipfile.ZipInfo = info) -> Iterator[bytes]:
                with _readable(archive):
                    content = opened.open(info)
                with content:
                    while True:
                        with _readable(archive):
                            data = content.read(CHUNK)
                        if not data:
                            return
                        yield data

            yield Member(info.filename, _zip_kind(info), info.file_size, chunks, done, total)
            done += info.file_size


def _zip_kind(info: zipfile.ZipInfo) -> Kind:
    if info.is_dir():
        return "folder"
    if info.flag_bits & 0x1:
        return "an encrypted file"
    # Only zips made on Unix say what a member is.
    mode = stat.S_IFMT(info.external_attr >> 16) if info.create_system == 3 else 0
    if mode in (0, stat.S_IFREG):
        return "file"
    return "a link" if mode == stat.S_IFLNK else "a device"
