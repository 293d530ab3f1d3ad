"""Pixel data: believed when their lengths are, and decoded one frame at a time."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from voxloop.data.dicom.stream import BIG_ENDIAN, DEFLATED, IMPLICIT, Raw, Stream, open_stream, quiet
from voxloop.data.dicom.values import text, whole
from voxloop.errors import VoxloopError

EXPLICIT = "1.2.840.10008.1.2.1"
UNCOMPRESSED = (IMPLICIT, EXPLICIT, DEFLATED, BIG_ENDIAN)
PIXEL_DATA = 0x7FE00010

# No scanner makes larger slices; the largest are those of micro-CT.
MOST_PER_PLANE = 2**26
# A frame of zeros in JPEG 2000 takes a hundred bytes, and so does its place in the header.
MOST_PIXELS_PER_BYTE = 4096

Frame = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Layout:
    """How pixels lie in a file, checked against the bytes that are there."""

    path: Path
    syntax: str
    offset: int
    length: int | None
    rows: int
    columns: int
    frames: int
    allocated: int
    stored: int
    high: int
    signed: bool
    words: bool

    @property
    def compressed(self) -> bool:
        return self.syntax not in UNCOMPRESSED

    @property
    def bounds(self) -> tuple[int, int]:
        """The least and the greatest value that the stored bits can say."""
        return (-(2 ** (self.stored - 1)), 2 ** (self.stored - 1) - 1) if self.signed else (0, 2**self.stored - 1)


def layout_of(raw: Raw) -> Layout:
    """Refuses pixel data that cannot be what the header says, before a byte of them is read."""
    name, ds, pixels = raw.path.name, raw.elements, raw.pixels
    if pixels is None:
        raise VoxloopError(f"{name} holds no pixels; it is cut off or no image, get it again.")
    if pixels.tag != PIXEL_DATA:
        raise VoxloopError(f"{name} holds fractions as pixels, which is a map and no scan; convert it to NIfTI first.")
    samples, shown = whole(ds, "SamplesPerPixel", 1), text(ds, "PhotometricInterpretation")
    if samples != 1 or shown not in ("MONOCHROME1", "MONOCHROME2", ""):
        raise VoxloopError(f"{name} is a colour picture ({shown}), not a scan; leave it out.")
    # Whether somebody inverted the values or only wants them shown so cannot be told from the file.
    if shown == "MONOCHROME1":
        raise VoxloopError(
            f"{name} says that its values are inverted (MONOCHROME1), which makes their meaning doubtful; "
            "export it as MONOCHROME2."
        )
    rows, columns = whole(ds, "Rows"), whole(ds, "Columns")
    frames, allocated = whole(ds, "NumberOfFrames", 1), whole(ds, "BitsAllocated")
    stored = whole(ds, "BitsStored", allocated)
    high = whole(ds, "HighBit", stored - 1)
    if min(rows, columns, frames) < 1 or rows * columns > MOST_PER_PLANE:
        raise VoxloopError(
            f"{name} claims {frames} slices of {columns}×{rows} pixels, which cannot be; its header is damaged."
        )
    if allocated not in (1, 8, 16, 32) or not 1 <= stored <= allocated or not stored - 1 <= high < allocated:
        raise VoxloopError(
            f"{name} stores {stored} of {allocated} bits up to bit {high}, which cannot be; its header is damaged."
        )
    layout = Layout(
        raw.path,
        raw.syntax,
        pixels.offset,
        pixels.length,
        rows,
        columns,
        frames,
        allocated,
        stored,
        high,
        whole(ds, "PixelRepresentation") == 1,
        pixels.words,
    )
    (_require_fragments if layout.compressed else _require_length)(layout, raw.size)
    return layout


def frames_of(layout: Layout, wanted: Sequence[int]) -> Iterator[Frame]:
    """These frames, in ascending order of their numbers, as the values that their stored bits say."""
    try:
        with open_stream(layout.path) as stream:
            stream.file.seek(layout.offset)
            for frame in (_decoded if layout.compressed else _native)(layout, stream, wanted):
                yield _meant(frame, layout)
    except VoxloopError:
        raise
    except Exception as error:
        raise VoxloopError(
            f"{layout.path.name} has damaged pixel data ({type(error).__name__}); get it again."
        ) from error


def _require_length(layout: Layout, size: int) -> None:
    bits = layout.rows * layout.columns * layout.frames * layout.allocated
    expected = -(-bits // 8)
    length = layout.length
    if length is None or length not in (expected, expected + expected % 2):
        said = "no length" if length is None else f"{length:,} bytes"
        raise VoxloopError(
            f"{layout.path.name} claims {layout.frames} slices of {layout.columns}×{layout.rows} pixels, which are {expected:,} bytes, "
            f"and has {said} of them; it is damaged, get it again."
        )
    if layout.offset + expected > size:
        raise VoxloopError(
            f"{layout.path.name} is cut off: {size - layout.offset:,} of {expected:,} bytes of pixels are there; get it again."
        )


def _require_fragments(layout: Layout, size: int) -> None:
    """Steps over the compressed fragments by their lengths, and refuses too few of them, or too little for their claim."""
    _decoder(layout)
    name = layout.path.name
    if layout.rows * layout.columns * layout.frames > size * MOST_PIXELS_PER_BYTE:
        raise VoxloopError(
            f"{name} claims {layout.frames} slices of {layout.columns}×{layout.rows} pixels in {size:,} bytes, which cannot be; "
            "its header is damaged."
        )
    count, at = -1, layout.offset
    with open_stream(layout.path) as stream:
        while True:
            if at + 8 > size:
                raise VoxloopError(f"{name} is cut off within its compressed pixels; get it again.")
            stream.file.seek(at)
            group, element, length = struct.unpack("<HHI", stream.file.read(8))
            if (group, element) == (0xFFFE, 0xE0DD):
                break
            if (group, element) != (0xFFFE, 0xE000) or at + 8 + length > size:
                raise VoxloopError(f"{name} has damaged compressed pixels; it is cut off or damaged, get it again.")
            count, at = count + 1, at + 8 + length
    if count < layout.frames:
        raise VoxloopError(
            f"{name} claims {layout.frames} slices and holds {max(count, 0)}; it is damaged, get it again."
        )


def _native(layout: Layout, stream: Stream, wanted: Sequence[int]) -> Iterator[Frame]:
    pixels = layout.rows * layout.columns
    order = ">" if layout.syntax == BIG_ENDIAN else "<"
    for number in wanted:
        # Frames of single bits follow each other without a gap, so that one may begin within a byte.
        begin, end = number * pixels * layout.allocated, (number + 1) * pixels * layout.allocated
        stream.file.seek(layout.offset + begin // 8)
        data = stream.file.read(-(-end // 8) - begin // 8)
        if layout.allocated == 1:
            bits = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little")
            yield bits[begin % 8 :][:pixels].reshape(layout.rows, layout.columns)
        elif layout.allocated == 8 and order == ">" and layout.words:
            raise VoxloopError(
                f'{layout.path.name} holds bytes in big-endian words, a retired form; rewrite it with "gdcmconv --raw".'
            )
        else:
            kind = np.dtype(f"{order}u{layout.allocated // 8}")
            yield np.frombuffer(data, kind).reshape(layout.rows, layout.columns)


def _decoded(layout: Layout, stream: Stream, wanted: Sequence[int]) -> Iterator[Frame]:
    from pydicom.encaps import encapsulate, generate_frames

    decoder = _decoder(layout)
    left = set(wanted)
    with quiet():
        fragments = generate_frames(stream.file, number_of_frames=layout.frames)
    for number in range(max(wanted) + 1):
        with quiet():
            code = next(fragments)
            if number not in left:
                continue
            _require_size(layout, code)
            array, _ = decoder.as_array(
                encapsulate([code], has_bot=False),
                index=0,
                raw=True,
                rows=layout.rows,
                columns=layout.columns,
                number_of_frames=1,
                samples_per_pixel=1,
                photometric_interpretation="MONOCHROME2",
                bits_allocated=layout.allocated,
                bits_stored=layout.stored,
                pixel_representation=int(layout.signed),
                pixel_keyword="PixelData",
            )
        yield array.view(f"u{array.itemsize}") if array.dtype.kind == "i" else array


def _decoder(layout: Layout) -> Any:
    from pydicom.pixels.decoders.base import get_decoder
    from pydicom.uid import UID

    try:
        decoder = get_decoder(layout.syntax)
    except NotImplementedError:
        decoder = None
    if decoder is None or not decoder.is_available or layout.allocated == 1:
        raise VoxloopError(
            f"{layout.path.name} is compressed as {UID(layout.syntax).name}, which cannot be unpacked here; "
            'install python-gdcm or pylibjpeg with its plugins, or unpack it first with "gdcmconv --raw".'
        )
    return decoder


def _require_size(layout: Layout, code: bytes) -> None:
    """Refuses a compressed picture that is larger than the header says: a decoder would allocate it."""
    size = _size_in_code(code)
    if size is not None and size != (layout.rows, layout.columns):
        raise VoxloopError(
            f"{layout.path.name} claims {layout.columns}×{layout.rows} pixels and its compressed picture {size[1]}×{size[0]}; "
            "it is damaged, get it again."
        )


def _size_in_code(code: bytes) -> tuple[int, int] | None:
    """Rows and columns as a JPEG, JPEG-LS or JPEG 2000 picture says itself; None for anything else."""
    start = code.find(b"\xff\x4f\xff\x51", 0, 4096)
    if start >= 0 and len(code) >= start + 24:
        right, low, left, top = struct.unpack(">IIII", code[start + 8 : start + 24])
        return low - top, right - left
    if code[:2] != b"\xff\xd8":
        return None
    at = 2
    while at + 9 <= len(code) and code[at] == 0xFF:
        marker, length = code[at + 1], int.from_bytes(code[at + 2 : at + 4], "big")
        # The frame headers SOF0 to SOF15, and SOF55 of JPEG-LS, without the tables that share their range.
        if (0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)) or marker == 0xF7:
            rows, columns = struct.unpack(">HH", code[at + 5 : at + 9])
            return rows, columns
        at += 2 + length
    return None


def _meant(frame: Frame, layout: Layout) -> Frame:
    """The stored bits alone: what else a word holds (overlays, by old custom) is shifted and masked away, the sign extended."""
    if layout.allocated == 1:
        return frame
    above = layout.allocated - 1 - layout.high
    if not above and layout.stored == layout.allocated:
        return frame.view(frame.dtype.str.replace("u", "i")) if layout.signed else frame
    shifted = np.left_shift(frame, above)
    if layout.signed:
        shifted = shifted.view(shifted.dtype.str.replace("u", "i"))
    return np.right_shift(shifted, layout.allocated - layout.stored)
