"""Long series as charts draw them: from the sketch beside each full chunk, without the points themselves.

A sketch holds the first and the last point of its chunk, and of every UNIT points the lowest, the highest and the mean. A chunk
whose steps go back, or with a value that is no number, has none, and its series is read in full.
"""

from __future__ import annotations

import itertools
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from voxloop.store import codec, schema
from voxloop.store.records import Points

UNIT = 128
POINT = np.dtype([("step", "<i8"), ("value", "<f8"), ("time", "<i8"), ("epoch", "<i4")])
TOLD = np.dtype([("low", POINT), ("high", POINT), ("mean", "<f8")])
CHECK = struct.Struct("<I")
ENDS = 2 * POINT.itemsize
# Chunks that have to be read all the same: where a part begins and ends, and the last one, which is not yet full.
MOST_READ = 3
FARTHEST = 2**63 - 1
# Stated once: to put a statement together takes longer than to answer it.
HERE = (
    (schema.chunks.c.series_id == sa.bindparam("series"))
    & (schema.chunks.c.high_step >= sa.bindparam("low"))
    & (schema.chunks.c.low_step <= sa.bindparam("high"))
)
OUTLINE = sa.select(*(column for column in schema.chunks.c if column is not schema.chunks.c.data))
OUTLINE = OUTLINE.where(HERE).order_by(schema.chunks.c.number)
WHOLE = sa.select(schema.chunks.c.number, schema.chunks.c.data)
WHOLE = WHOLE.where(HERE & schema.chunks.c.number.in_(sa.bindparam("numbers", expanding=True)))


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """Some points of a series, among them the extremes of every stretch, and the mean of the stretch of each."""

    points: Points
    means: npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Part:
    """What is told of neighbouring points, and how many they are."""

    told: bytes
    size: int


def of(columns: codec.Columns) -> bytes | None:
    """The sketch of neighbouring points, where they can have one: its CRC-32, and what it tells."""
    told = _told(columns)
    return None if told is None else CHECK.pack(zlib.crc32(told)) + told


def drawn(
    connection: Connection, series_id: int, most: int, first_step: int | None = None, last_step: int | None = None
) -> Drawn | None:
    """At most `most` points between two steps, never fewer than 4; nothing where there are too few for it, or not such as have sketches."""
    low = -FARTHEST - 1 if first_step is None else first_step
    high = FARTHEST if last_step is None else last_step
    here = {"series": series_id, "low": low, "high": high}
    rows = connection.execute(OUTLINE, here).all()
    most = max(most, 4)
    enough = UNIT * most * 3 // 4
    if sum(row.size for row in rows) < enough or any(a.high_step > b.low_step for a, b in itertools.pairwise(rows)):
        return None
    parts: dict[int, _Part] = {}
    try:
        for row in rows:
            inside = low <= row.low_step and row.high_step <= high
            if inside and row.sketch is not None:
                parts[row.number] = _Part(_checked(row.sketch), row.size)
        apart = [row.number for row in rows if row.number not in parts]
        if len(apart) > MOST_READ:
            return None
        for number, data in connection.execute(WHOLE, {**here, "numbers": apart}) if apart else ():
            columns = _between(codec.unpack(data), low, high)
            told = _told(columns)
            if told is None:
                return None
            parts[number] = _Part(told, len(columns[0]))
    except ValueError:
        # Something is damaged, and the points themselves say what can still be drawn.
        return None
    return _drawn([parts[row.number] for row in rows], most)


def _between(columns: codec.Columns, low: int, high: int) -> codec.Columns:
    steps, values, times, epochs = columns
    kept = (steps >= low) & (steps <= high)
    return steps[kept], values[kept], times[kept], epochs[kept]


def _checked(sketch: bytes) -> bytes:
    told = sketch[CHECK.size :]
    if sketch[: CHECK.size] != CHECK.pack(zlib.crc32(told)):
        raise ValueError("a damaged sketch")
    return told


def _told(columns: codec.Columns) -> bytes | None:
    steps, values = columns[:2]
    count = len(values)
    if not count or not np.isfinite(values).all() or (steps[1:] < steps[:-1]).any():
        return None
    points = np.empty(count, POINT)
    for name, column in zip(POINT.names or (), columns, strict=True):
        points[name] = column
    starts = np.arange(0, count, UNIT)
    told = np.empty(len(starts), TOLD)
    told["low"], told["high"] = points[_chosen(values, UNIT, np.argmin)], points[_chosen(values, UNIT, np.argmax)]
    with np.errstate(over="ignore"):
        told["mean"] = np.add.reduceat(values, starts) / _counts(count)
    return points[[0, -1]].tobytes() + told.tobytes()


def _counts(size: int) -> npt.NDArray[np.int64]:
    """How many points each unit has; the last may have fewer."""
    return np.diff(np.append(np.arange(0, size, UNIT), size))


def _chosen(values: npt.NDArray[np.float64], length: int, pick: Any) -> npt.NDArray[np.int64]:
    """The place of an extreme in every stretch of such a length; the last may be shorter."""
    starts = np.arange(0, len(values), length)
    # Its last value again fills it up, and of equal values the first is chosen.
    filled = np.full(len(starts) * length, values[-1])
    filled[: len(values)] = values
    chosen: npt.NDArray[np.int64] = starts + pick(filled.reshape(-1, length), axis=1)
    return chosen


def _drawn(parts: Sequence[_Part], most: int) -> Drawn:
    """Neighbouring units put together, until there are few enough."""
    told = np.frombuffer(b"".join(part.told[ENDS:] for part in parts), TOLD)
    counts = np.concatenate([_counts(part.size) for part in parts])
    length = -(-len(told) // ((most - 2) // 2))
    starts = np.arange(0, len(told), length)
    low = told["low"][_chosen(told["low"]["value"], length, np.argmin)]
    high = told["high"][_chosen(told["high"]["value"], length, np.argmax)]
    falling = high["step"] < low["step"]
    points = np.empty(2 * len(starts) + 2, POINT)
    points[0] = np.frombuffer(parts[0].told, POINT, 1)[0]
    points[1:-1:2], points[2:-1:2] = np.where(falling, high, low), np.where(falling, low, high)
    points[-1] = np.frombuffer(parts[-1].told, POINT, 2)[1]
    with np.errstate(over="ignore", invalid="ignore"):
        means = np.add.reduceat(told["mean"] * counts, starts) / np.add.reduceat(counts, starts)
    means = np.concatenate([means[:1], np.repeat(means, 2), means[-1:]])
    # A stretch of equal values has one extreme, and the first or the last point may be one.
    new = np.append(True, points[1:] != points[:-1])
    steps, values, times, epochs = (points[name][new] for name in POINT.names or ())
    return Drawn(Points(steps, values, times / 1e6, epochs), means[new])
