"""Compressed pixel data: found by their fragments, checked against the header, and unpacked in a process that may die of them."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt

from voxloop.data.dicom.layout import Layout
from voxloop.data.dicom.stream import Stream, open_stream, quiet
from voxloop.errors import VoxloopError

# A frame of zeros in JPEG 2000 takes a hundred bytes, and so does its place in the header.
MOST_PIXELS_PER_BYTE = 4096
# The largest picture takes a few seconds.
PATIENCE_S = 60.0


class Unpacker:
    """The process that unpacks; it begins with the first picture and ends with the `with` block."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Unpacker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        if self._process:
            self._end(self._process)

    def unpacked(self, layout: Layout, code: bytes) -> npt.NDArray[Any]:
        """The pixels [row, column] of one picture, as unsigned words."""
        options = json.dumps(
            {
                "syntax": layout.syntax,
                "rows": layout.rows,
                "columns": layout.columns,
                "number_of_frames": 1,
                "samples_per_pixel": 1,
                "photometric_interpretation": "MONOCHROME2",
                "bits_allocated": layout.allocated,
                "bits_stored": layout.stored,
                "pixel_representation": int(layout.signed),
                "pixel_keyword": "PixelData",
            }
        ).encode()
        answer = self._ask(struct.pack("<II", len(options), len(code)) + options + code)
        if len(answer) != layout.rows * layout.columns * layout.allocated // 8:
            raise VoxloopError(f"{layout.path.name} has damaged pixel data that cannot be unpacked; get it again.")
        return np.frombuffer(answer, f"<u{layout.allocated // 8}").reshape(layout.rows, layout.columns)

    def _ask(self, request: bytes) -> bytes:
        """Sends a request; answers with nothing where the process died of it or took too long."""
        if self._process is None:
            self._process = _begin()
        process = self._process
        assert process.stdin is not None, "it is a pipe"
        assert process.stdout is not None, "it is a pipe"
        watch = threading.Timer(PATIENCE_S, process.kill)
        watch.start()
        try:
            process.stdin.write(request)
            process.stdin.flush()
            head = process.stdout.read(8)
            answer = process.stdout.read(struct.unpack("<Q", head)[0]) if len(head) == 8 else b""
        except OSError:
            answer = b""
        finally:
            watch.cancel()
        if not answer:
            self._end(process)
            self._process = None
        return answer

    @staticmethod
    def _end(process: subprocess.Popen[bytes]) -> None:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            assert pipe is not None, "both are pipes"
            try:
                pipe.close()
            except OSError:
                # What was still to be written has no reader any more.
                continue


def _begin() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        # -P: the files beside it must not stand in for libraries of the same name.
        [sys.executable, "-P", str(Path(__file__).with_name("unpacker.py"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )


def require_fragments(layout: Layout, size: int) -> None:
    """Steps over the compressed fragments by their lengths, and refuses too few of them, or too little for their claim."""
    _require_decoder(layout)
    name = layout.path.name
    if layout.rows * layout.columns * layout.frames > size * MOST_PIXELS_PER_BYTE:
        raise VoxloopError(
            f"{name} claims {layout.frames} slices of {layout.columns}×{layout.rows} pixels in {size:,} bytes, which cannot be; "
            "its header is damaged."
        )
    # The first item is the table of offsets, empty or not.
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


def compressed_frames(
    layout: Layout, stream: Stream, wanted: Sequence[int], unpacker: Unpacker
) -> Iterator[npt.NDArray[Any]]:
    """These frames, in ascending order of their numbers."""
    from pydicom.encaps import generate_frames

    left = set(wanted)
    with quiet():
        codes = generate_frames(stream.file, number_of_frames=layout.frames)
    for number in range(max(wanted) + 1):
        with quiet():
            code = next(codes)
        if number in left:
            _require_size(layout, code)
            yield unpacker.unpacked(layout, code)


def _require_decoder(layout: Layout) -> None:
    from pydicom.pixels.decoders.base import get_decoder
    from pydicom.uid import UID

    try:
        available = get_decoder(layout.syntax).is_available and layout.allocated > 1
    except NotImplementedError:
        available = False
    if not available:
        raise VoxloopError(
            f"{layout.path.name} is compressed as {UID(layout.syntax).name}, which cannot be unpacked here; "
            'install python-gdcm or pylibjpeg with its plugins, or unpack it first with "gdcmconv --raw".'
        )


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
