"""A chunk of a series as bytes: each column delta-coded, its bytes sorted by significance, packed.

Steps and times grow evenly, so their differences are small; neighbouring values share sign, exponent and leading bits, so
their XOR begins with zeros. Bytes of one significance lie together and pack well. Every bit comes back, of NaN too.
"""

from __future__ import annotations

import struct
import zlib

import numpy as np
import numpy.typing as npt

FORMAT = 1
HEAD = struct.Struct("<BI")
COLUMNS = (np.dtype("<i8"), np.dtype("<u8"), np.dtype("<i8"), np.dtype("<i4"))
Column = npt.NDArray[np.generic]


def pack(
    steps: npt.NDArray[np.int64],
    values: npt.NDArray[np.float64],
    times_us: npt.NDArray[np.int64],
    epochs: npt.NDArray[np.int32],
) -> bytes:
    """Four columns of equal length as bytes."""
    bits = np.ascontiguousarray(values, "<f8").view("<u8")
    turned = bits.copy()
    turned[1:] ^= bits[:-1]
    # A difference of differences: an even pace becomes zeros.
    columns = (
        _delta(_delta(steps.astype("<i8"))),
        turned,
        _delta(times_us.astype("<i8")),
        _delta(epochs.astype("<i4")),
    )
    shuffled = b"".join(_shuffle(column) for column in columns)
    return HEAD.pack(FORMAT, len(steps)) + zlib.compress(shuffled, 6)


def unpack(
    data: bytes,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64], npt.NDArray[np.int64], npt.NDArray[np.int32]]:
    """The columns that `pack` was given; ValueError where these bytes are not its."""
    try:
        form, count = HEAD.unpack_from(data)
        plain = zlib.decompress(data[HEAD.size :])
    except (struct.error, zlib.error) as error:
        raise ValueError(str(error)) from error
    if form != FORMAT or len(plain) != count * sum(column.itemsize for column in COLUMNS):
        raise ValueError(f"format {form}, {count} points, {len(plain)} bytes")
    columns: list[Column] = []
    start = 0
    for dtype in COLUMNS:
        size = dtype.itemsize * count
        columns.append(_unshuffle(plain[start : start + size], dtype))
        start += size
    steps, bits, times, epochs = columns
    values = np.bitwise_xor.accumulate(bits.view("<u8")).view("<f8")
    return (
        _sum(_sum(steps.view("<i8"))).astype(np.int64),
        values.astype(np.float64),
        _sum(times.view("<i8")).astype(np.int64),
        _sum(epochs.view("<i4")).astype(np.int32),
    )


def _delta(column: npt.NDArray[np.signedinteger]) -> npt.NDArray[np.signedinteger]:
    # Overflow wraps around here and back in `_sum`, so any integers come through.
    out = column.copy()
    out[1:] = column[1:] - column[:-1]
    return out


def _sum(column: npt.NDArray[np.signedinteger]) -> npt.NDArray[np.signedinteger]:
    return np.cumsum(column, dtype=column.dtype)


def _shuffle(column: Column) -> bytes:
    return np.ascontiguousarray(
        np.ascontiguousarray(column).view(np.uint8).reshape(len(column), column.itemsize).T
    ).tobytes()


def _unshuffle(data: bytes, dtype: np.dtype[np.generic]) -> Column:
    sorted_bytes = np.frombuffer(data, np.uint8).reshape(dtype.itemsize, len(data) // dtype.itemsize)
    return np.ascontiguousarray(sorted_bytes.T).reshape(-1).view(dtype)
