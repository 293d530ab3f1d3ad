"""Many histograms as one: on common edges, over steps, each count kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from voxloop.store.blobs import Blobs
from voxloop.store.contents import contents
from voxloop.store.records import MediaRecord

MOST_COLUMNS = 240
BINS = 72
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """What was logged from step `first` to step `last`, spread over the common bins."""

    first: int
    last: int
    share: Floats
    count: int
    nan: int
    inf: int
    min: float | None
    max: float | None
    mean: float | None
    std: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Heat:
    """Columns over steps. `beyond` counts those that reach out of `low` to `high`."""

    low: float
    high: float
    beyond: int
    columns: tuple[Column, ...]


def of_records(blobs: Blobs, records: Sequence[MediaRecord], central: bool) -> Heat:
    """The distributions of one series of them. `central` leaves out how far a few reach, as when gradients explode.

    More than a page has columns for are summed up, so that no value that is not a number is lost.
    """
    found = sorted(records, key=lambda one: (one.step, one.id))
    held = [(one, content.counts, content.edges) for one in found if (content := contents(blobs, one))]
    # One without a finite value has edges that mean nothing.
    lows = np.array([edges[0] for _, counts, edges in held if counts.any()])
    highs = np.array([edges[-1] for _, counts, edges in held if counts.any()])
    low, high = (float(lows.min()), float(highs.max())) if lows.size else (0.0, 1.0)
    if central and lows.size:
        low, high = float(np.percentile(lows, 10)), float(np.percentile(highs, 90))
    if not low < high:
        low, high = low - 0.5, high + 0.5
    share = np.arange(BINS + 1) / BINS
    common = low * (1 - share) + high * share
    parts = np.array_split(np.arange(len(held)), min(len(held), MOST_COLUMNS)) if held else []
    columns = tuple(_column([held[at] for at in part], common) for part in parts)
    return Heat(low, high, int(((lows < low) | (highs > high)).sum()), columns)


def _column(held: Sequence[tuple[MediaRecord, npt.NDArray[np.int64], Floats]], common: Floats) -> Column:
    data = [record.data for record, _, _ in held]
    finite = [one["count"] - one["nan"] - one["inf"] for one in data]
    weights = np.array(finite, np.float64)
    means = [one["mean"] for one in data]
    mean = std = None
    if weights.sum() > 0 and all(value is not None for value, weight in zip(means, finite, strict=True) if weight):
        middles = np.array([value or 0.0 for value in means])
        spreads = np.array([one["std"] or 0.0 for one in data])
        mean = float(np.average(middles, weights=weights))
        # Of all values together: within each, and between them.
        std = float(np.sqrt(np.average(spreads**2 + (middles - mean) ** 2, weights=weights)))
    return Column(
        held[0][0].step,
        held[-1][0].step,
        np.sum([_spread(counts, edges, common) for _, counts, edges in held], axis=0),
        sum(one["count"] for one in data),
        sum(one["nan"] for one in data),
        sum(one["inf"] for one in data),
        min((one["min"] for one in data if one["min"] is not None), default=None),
        max((one["max"] for one in data if one["max"] is not None), default=None),
        mean,
        std,
    )


def _spread(counts: npt.NDArray[np.int64], edges: Floats, common: Floats) -> Floats:
    """Counts on other edges: a bin that lies over several gives each its part. Their sum stays, within the common edges."""
    below = np.concatenate([[0.0], np.cumsum(counts, dtype=np.float64)])
    # A straight line between edges is an even spread within a bin.
    return np.diff(np.interp(common, edges, below))
