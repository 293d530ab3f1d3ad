"""The bytes of a DICOM file behind a guard: lengths that lie are met with a sentence, not with memory."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from voxloop.errors import VoxloopError

DEFLATED = "1.2.840.10008.1.2.1.99"
IMPLICIT = "1.2.840.10008.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"
BIG_ENDIAN = "1.2.840.10008.1.2.2"

# The largest structure sets and tables of frames in use are a fifth of this; pixels are not read through the guard.
MOST_BYTES_AT_ONCE = 2**28
# pydicom takes some microseconds for each element and each item of a sequence, and they can be eight bytes long. Real headers
# stay under these figures, of which the second grows with the file: pixels and contours are what is long in it.
MOST_ELEMENTS = 20_000
MOST_READS, BYTES_PER_READ = 200_000, 32
MOST_ITEMS, BYTES_PER_ITEM = 10_000, 150
ITEM = (b"\xfe\xff\0\xe0", b"\xff\xfe\xe0\0")
MOST_INFLATED = 2**27
PIXELS = (0x7FE00008, 0x7FE00009, 0x7FE00010)


class NotDicomError(VoxloopError):
    """A file that does not begin as DICOM; a folder may hold any number of them."""


class Guarded:
    """A file that refuses to read or skip more than it has, whatever a length in it says."""

    def __init__(self, path: Path, file: BinaryIO, size: int) -> None:
        self._path = path
        self._file = file
        self._size = size
        self._reads = self._items = 0

    def read(self, count: int = -1) -> bytes:
        self._reads += 1
        left = self._size - self._file.tell()
        if self._reads > MOST_READS + self._size // BYTES_PER_READ:
            raise _too_many(self._path)
        # Eight bytes are a tag and its length: that they are not there is how a file ends.
        if count > max(left, 8):
            raise cut_off(self._path, count, left)
        if max(count, left if count < 0 else 0) > MOST_BYTES_AT_ONCE:
            raise VoxloopError(f"{self._path.name} claims {count:,} bytes for one value of its header; it is damaged.")
        data = self._file.read(count)
        if data[:4] in ITEM:
            self._items += 1
            require_few_items(self._path, self._items, self._size)
        return data

    def seek(self, to: int, whence: int = 0) -> int:
        target = to + (0, self._file.tell(), self._size)[whence]
        if target > self._size:
            raise cut_off(self._path, target - self._file.tell(), self._size - self._file.tell())
        return self._file.seek(target)

    def tell(self) -> int:
        return self._file.tell()


@dataclass(frozen=True, slots=True)
class Stream:
    """An open file, positioned after its meta information, inflated where it was deflated."""

    file: Guarded
    syntax: str
    size: int
    stored_class: str


@dataclass(frozen=True, slots=True)
class PixelElement:
    """Where the pixel data begin in the (inflated) stream; `length` is None where they are compressed frame by frame."""

    tag: int
    offset: int
    length: int | None
    words: bool


@dataclass(frozen=True, slots=True)
class Raw:
    """What a file says before its pixels, as pydicom's elements, and where the pixels are."""

    path: Path
    syntax: str
    size: int
    stored_class: str
    elements: Any
    pixels: PixelElement | None


@contextmanager
def quiet() -> Iterator[None]:
    """Around calls of pydicom alone: what it warns of is said in our own words where it matters."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def cut_off(path: Path, claimed: int, left: int) -> VoxloopError:
    return VoxloopError(
        f"{path.name} claims {claimed:,} bytes where {max(left, 0):,} are left; it is cut off or damaged, get it again."
    )


def require_few_items(path: Path, items: int, size: int) -> None:
    """Refuses sequences of more items than a file of this size can have a use for."""
    if items > MOST_ITEMS + size // BYTES_PER_ITEM:
        raise _too_many(path)


@contextmanager
def open_stream(path: Path) -> Iterator[Stream]:
    """Opens a file behind the guard, past its preamble and meta information."""
    from pydicom.filereader import read_dataset

    try:
        raw = path.open("rb")
    except OSError as error:
        raise VoxloopError(f"{path.name} cannot be opened ({error.strerror}); check its permissions.") from error
    with raw:
        size = raw.seek(0, 2)
        raw.seek(_begin(path, raw))
        file = Guarded(path, raw, size)
        meta: Any = read_dataset(file, False, True, stop_when=lambda tag, _vr, _length: tag >> 16 != 2)
        syntax = str(meta.get("TransferSyntaxUID", "") or "")
        stored_class = str(meta.get("MediaStorageSOPClassUID", "") or "")
        if syntax != DEFLATED:
            yield Stream(file, syntax or _guessed(file), size, stored_class)
            return
        unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
        body = bytearray()
        while len(body) < MOST_INFLATED and not unpacker.eof and (packed := raw.read(1 << 16)):
            body += unpacker.decompress(packed, MOST_INFLATED - len(body))
        if len(body) >= MOST_INFLATED:
            raise VoxloopError(
                f'{path.name} is deflated and unpacks to more than {MOST_INFLATED >> 20} MB; rewrite it with "gdcmconv --raw".'
            )
        yield Stream(Guarded(path, io.BytesIO(body), len(body)), syntax, len(body), stored_class)


def read_raw(path: Path, tags: tuple[int, ...]) -> Raw:
    """Reads these elements of a file, none of its pixels; whatever is wrong with it becomes one sentence."""
    from pydicom.filereader import read_dataset

    try:
        with quiet(), open_stream(path) as stream:
            elements: Any = read_dataset(
                stream.file,
                stream.syntax == IMPLICIT,
                stream.syntax != BIG_ENDIAN,
                stop_when=_at_pixels(path),
                specific_tags=list(tags),
            )
            # Sequences of a known length are still bytes: pydicom reads them only when they are asked for.
            for element in elements.elements():
                if isinstance(value := element.value, bytes):
                    require_few_items(path, max(map(value.count, ITEM)), stream.size)
            return Raw(path, stream.syntax, stream.size, stream.stored_class, elements, _pixel_element(stream))
    except VoxloopError:
        raise
    # pydicom raises whatever its parts raise (struct, zlib, decoding, recursion); its words may hold a patient's name.
    except Exception as error:
        raise VoxloopError(f"{path.name} has a damaged DICOM header ({type(error).__name__}); get it again.") from error


def _at_pixels(path: Path) -> Callable[[int, str | None, int], bool]:
    """Stops before the pixels, and gives up on a header that has no end."""
    count = 0

    def stop(tag: int, _vr: str | None, _length: int) -> bool:
        nonlocal count
        count += 1
        if count > MOST_ELEMENTS:
            raise _too_many(path)
        return tag in PIXELS

    return stop


def _too_many(path: Path) -> VoxloopError:
    return VoxloopError(f"{path.name} has more elements than a header can have; it is damaged, get it again.")


def _begin(path: Path, file: BinaryIO) -> int:
    """After the preamble, or 0 where a file has none and begins with a plausible first element."""
    file.seek(0)
    start = file.read(132)
    if start[128:] == b"DICM":
        return 132
    if len(start) >= 16:
        group, element, vr, length = struct.unpack("<HH2sH", start[:8])
        if (
            group in (2, 8)
            and element <= 0x18
            and (vr in (b"UL", b"UI", b"CS", b"OB") or (vr[1:] == b"\0" and not length))
        ):
            return 0
    raise NotDicomError(f"{path.name} is no DICOM file; name one that is.")


def _guessed(file: Guarded) -> str:
    """Files without meta information are explicit where their first element has letters for a type."""
    here = file.tell()
    start = file.read(8)
    file.seek(here)
    return EXPLICIT if start[4:6].isalpha() and start[4:6].isupper() else IMPLICIT


def _pixel_element(stream: Stream) -> PixelElement | None:
    file, order = stream.file, ">" if stream.syntax == BIG_ENDIAN else "<"
    head = file.read(8)
    if len(head) < 8:
        return None
    group, element = struct.unpack(f"{order}HH", head[:4])
    explicit = head[4:6].isalpha() and head[4:6].isupper()
    (length,) = struct.unpack(f"{order}I", file.read(4) if explicit else head[4:])
    return PixelElement(
        group << 16 | element, file.tell(), None if length == 0xFFFFFFFF else length, head[4:6] != b"OB"
    )
