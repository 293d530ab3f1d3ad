"""A chunk of a series as bytes: each column delta-coded, its bytes sorted by significance into planes, each plane as short as it gets.

Steps and times grow evenly, so their differences are small; neighbouring values share sign, exponent and leading bits, so
their XOR begins with zeros. A plane of zeros costs nothing, one that packs is deflated, and noise is kept as it is: it would
not get shorter, and reads at the speed of memory. Every bit comes back, of NaN too.

    format 1 | points 4 | CRC-32 of the rest 4 | first of each column 36 | kinds 28 | deflated lengths 4 each | planes
"""

from __future__ import annotations

import struct
import zlib

import numpy as np
import numpy.typing as npt

FORMAT = 1
HEAD = struct.Struct("<BII")
# The first step, the first difference of steps, the first value's bits, the first time, the first epoch: apart, because
# a first among small differences would make a plane of zeros into one that has to be inflated.
FIRSTS = struct.Struct("<qqQqi")
PLANES = 28
BEGIN = HEAD.size + FIRSTS.size
ZEROS, PLAIN, DEFLATED = range(3)
# A plane that saves less than this is not worth the time to inflate it.
WORTH = 0.9
SHORT = 512
Columns = tuple[npt.NDArray[np.int64], npt.NDArray[np.float64], npt.NDArray[np.int64], npt.NDArray[np.int32]]


def pack(
    steps: npt.NDArray[np.int64],
    values: npt.NDArray[np.float64],
    times_us: npt.NDArray[np.int64],
    epochs: npt.NDArray[np.int32],
) -> bytes:
    """Four columns of equal length as bytes."""
    count = len(steps)
    bits = np.ascontiguousarray(values, "<f8").view("<u8")
    turned = bits.copy()
    turned[1:] ^= bits[:-1]
    # A difference of differences: an even pace becomes zeros.
    pace = _delta(steps.astype("<i8"))
    turns, times, epochs = _delta(pace), _delta(times_us.astype("<i8")), _delta(epochs.astype("<i4"))
    firsts = [int(column[0]) if count else 0 for column in (turns, turned, times, epochs)]
    second = int(pace[1]) if count > 1 else 0
    for column in (turns, turned, times, epochs):
        column[:1] = 0
    turns[1:2] = 0
    kinds, lengths, planes = bytearray(), [], []
    for column in (turns, turned, times, epochs):
        for plane in column.view(np.uint8).reshape(count, column.itemsize).T:
            kind, content = _shortest(plane.tobytes())
            kinds.append(kind)
            planes.append(content)
            if kind == DEFLATED:
                lengths.append(len(content))
    start = FIRSTS.pack(firsts[0], second, *firsts[1:])
    rest = start + bytes(kinds) + struct.pack(f"<{len(lengths)}I", *lengths) + b"".join(planes)
    return HEAD.pack(FORMAT, count, zlib.crc32(rest)) + rest


def unpack(data: bytes) -> Columns:
    """The columns that `pack` was given; ValueError where these bytes are not its."""
    chunk = Chunk(data)
    return chunk.steps(), chunk.values(), chunk.times(), chunk.epochs()


class Chunk:
    """Packed columns of which one reads what one needs; ValueError where these bytes are no chunk."""

    def __init__(self, data: bytes) -> None:
        try:
            form, self.count, check = HEAD.unpack_from(data)
            self._firsts = FIRSTS.unpack_from(data, HEAD.size)
            kinds = data[BEGIN : BEGIN + PLANES]
            lengths = struct.unpack_from(f"<{kinds.count(DEFLATED)}I", data, BEGIN + PLANES)
        except struct.error as error:
            raise ValueError(str(error)) from error
        if form != FORMAT:
            raise ValueError(f"format {form}")
        if check != zlib.crc32(memoryview(data)[HEAD.size :]) or len(kinds) < PLANES or max(kinds) > DEFLATED:
            raise ValueError(
                f"{self.count} points, {len(data)} bytes, with another checksum than when they were written"
            )
        self._data = memoryview(data)
        self._kinds = kinds
        self._starts: list[tuple[int, int]] = []
        at, inflated = BEGIN + PLANES + 4 * len(lengths), iter(lengths)
        for kind in kinds:
            length = 0 if kind == ZEROS else self.count if kind == PLAIN else next(inflated)
            self._starts.append((at, at + length))
            at += length
        if at != len(data):
            raise ValueError(f"{self.count} points in {len(data)} bytes")

    def steps(self) -> npt.NDArray[np.int64]:
        first, second = self._firsts[:2]
        if not any(self._kinds[:8]):
            even: npt.NDArray[np.int64] = first + np.arange(self.count, dtype=np.int64) * second
            return even
        turns = self._column(0, 8).view("<i8")
        turns[1:2] = second
        pace = _sum(turns)
        pace[:1] = first
        return _sum(pace)

    def values(self) -> npt.NDArray[np.float64]:
        turned = self._column(8, 8).view("<u8")
        turned[:1] = self._firsts[2]
        return np.bitwise_xor.accumulate(turned).view("<f8")

    def times(self) -> npt.NDArray[np.int64]:
        times = self._column(16, 8).view("<i8")
        times[:1] = self._firsts[3]
        return _sum(times)

    def epochs(self) -> npt.NDArray[np.int32]:
        if not any(self._kinds[24:]):
            return np.full(self.count, self._firsts[4], np.int32)
        epochs = self._column(24, 4).view("<i4")
        epochs[:1] = self._firsts[4]
        return _sum(epochs)

    def _column(self, first: int, width: int) -> npt.NDArray[np.uint8]:
        rows = np.zeros((self.count, width), np.uint8)
        for plane in range(width):
            kind = self._kinds[first + plane]
            if kind == ZEROS:
                continue
            start, end = self._starts[first + plane]
            content: bytes | memoryview = self._data[start:end]
            if kind == DEFLATED:
                try:
                    content = zlib.decompress(content, bufsize=self.count)
                except zlib.error as error:
                    raise ValueError(str(error)) from error
                if len(content) != self.count:
                    raise ValueError(f"{self.count} points, and {len(content)} of them in a plane")
            rows[:, plane] = np.frombuffer(content, np.uint8)
        return rows.reshape(-1)


def _shortest(plane: bytes) -> tuple[int, bytes]:
    if not any(plane):
        return ZEROS, b""
    # Most chunks are short, and to prepare a large window for each plane would take longer than all else.
    packer = zlib.compressobj(6, zlib.DEFLATED, 9, 1) if len(plane) <= SHORT else zlib.compressobj(6)
    deflated = packer.compress(plane) + packer.flush()
    return (DEFLATED, deflated) if len(deflated) + 4 < WORTH * len(plane) else (PLAIN, plane)


def _delta(column: npt.NDArray[np.signedinteger]) -> npt.NDArray[np.signedinteger]:
    # Overflow wraps around here and back in `_sum`, so any integers come through.
    out = column.copy()
    out[1:] = column[1:] - column[:-1]
    return out


def _sum(column: npt.NDArray[np.signedinteger]) -> npt.NDArray[np.signedinteger]:
    return np.cumsum(column, dtype=column.dtype)
