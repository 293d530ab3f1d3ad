"""Pixel data: believed when their lengths are, and decoded one frame at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from voxloop.data.dicom.layout import Layout
from voxloop.data.dicom.stream import BIG_ENDIAN, Raw, Stream, open_stream
from voxloop.data.dicom.unpacking import Unpacker, compressed_frames, require_fragments
from voxloop.data.dicom.values import text, whole
from voxloop.errors import VoxloopError

PIXEL_DATA = 0x7FE00010

# No scanner makes larger slices; the largest are those of micro-CT.
MOST_PER_PLANE = 2**26
Frame = npt.NDArray[Any]


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
    (require_fragments if layout.compressed else _require_length)(layout, raw.size)
    return layout


def frames_of(layout: Layout, wanted: Sequence[int], unpacker: Unpacker) -> Iterator[Frame]:
    """These frames, in ascending order of their numbers, as the values that their stored bits say."""
    try:
        with open_stream(layout.path) as stream:
            stream.file.seek(layout.offset)
            packed = layout.compressed
            for frame in (
                compressed_frames(layout, stream, wanted, unpacker) if packed else _native(layout, stream, wanted)
            ):
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
