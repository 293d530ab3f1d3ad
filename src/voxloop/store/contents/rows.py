"""A logged table as a page asks for it: sorted, filtered and grouped here, and read in parts."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from voxloop.errors import VoxloopError
from voxloop.store.contents import columns
from voxloop.store.contents.columns import Column
from voxloop.store.contents.filters import fitting, missing

Order = npt.NDArray[np.int64]
MOST_GROUPS = 1000
DIGITS = re.compile(r"(\d{1,18})")


@dataclass(frozen=True, slots=True)
class Group:
    """The rows that have one value in a column: how many, and the means of the columns of numbers."""

    value: Any
    count: int
    means: dict[str, float | None]


def described(content: bytes) -> dict[str, Any]:
    """The number of rows, and the columns with names and types."""
    try:
        return columns.head(content)
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(error) from error


def order(content: bytes, sort: str | None, where: Mapping[str, str]) -> Order:
    """The numbers of the rows that fit, in order. `-dice` sorts downwards; what is missing or NaN comes last."""
    head = described(content)
    kept = np.ones(head["rows"], np.bool_)
    for name, said in where.items():
        kept &= fitting(name, _column(content, name), said)
    found = np.flatnonzero(kept)
    if not sort:
        return found
    name, downwards = (sort[1:], True) if sort.startswith("-") else (sort, False)
    column = _column(content, name)
    keys, last = _keys(column)
    keys, last = keys[found], last[found]
    there = found[~last]
    ranked = np.argsort(keys[~last], kind="stable")
    if downwards:
        # Equal rows stay in the table's own order.
        ranked = (len(ranked) - 1 - np.argsort(keys[~last][::-1], kind="stable"))[::-1]
    return np.concatenate([there[ranked], found[last]])


def part(content: bytes, rows: Order, names: Sequence[str] | None = None) -> dict[str, list[Any]]:
    """The cells of these rows, by column."""
    if not len(rows):
        return {one["name"]: [] for one in described(content)["columns"] if names is None or one["name"] in names}
    try:
        first, last = int(rows.min()), int(rows.max())
        found = columns.unpack(content, first, last - first + 1, names)
    except (ValueError, KeyError, TypeError, IndexError, OSError) as error:
        raise _damaged(error) from error
    return {name: _taken(column, rows - first) for name, column in found.items()}


def grouped(content: bytes, by: str, rows: Order) -> tuple[list[Group], int]:
    """The groups of these rows by a column, the largest first, and how many groups there are."""
    told = described(content)["columns"]
    cells = _taken(_column(content, by), rows)
    keys = [str(cell) if isinstance(cell, list | dict) or cell != cell else cell for cell in cells]
    places: dict[Any, int] = {}
    inverse = np.fromiter((places.setdefault((type(key), key), len(places)) for key in keys), np.int64, len(keys))
    counts = np.bincount(inverse, minlength=len(places))
    numbers = [one["name"] for one in told if one["type"] in ("number", "integer", "boolean") and one["name"] != by]
    means = {name: _means(_column(content, name), rows, inverse, len(places)) for name in numbers}
    largest = np.argsort(-counts, kind="stable")[:MOST_GROUPS].tolist()
    values = [key for _, key in places]
    return [Group(values[at], int(counts[at]), {name: means[name][at] for name in numbers}) for at in largest], len(
        places
    )


def _means(column: Column, rows: Order, inverse: Order, groups: int) -> list[float | None]:
    if not isinstance(column.values, np.ndarray):
        return [None] * groups
    values = column.values[rows].astype(np.float64)
    good = np.isfinite(values) & ~missing(column)[rows]
    counts = np.bincount(inverse[good], minlength=groups)
    sums = np.bincount(inverse[good], weights=values[good], minlength=groups)
    return [float(total / count) if count else None for total, count in zip(sums, counts, strict=True)]


def _column(content: bytes, name: str) -> Column:
    try:
        found = columns.unpack(content, names=[name])
    except (ValueError, KeyError, TypeError, IndexError, OSError) as error:
        raise _damaged(error) from error
    if name not in found:
        known = ", ".join(itertools.islice((one["name"] for one in described(content)["columns"]), 20))
        raise VoxloopError(f'The table has no column "{name}"; it has {known}.')
    return found[name]


def _keys(column: Column) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_]]:
    """What to sort by, and which rows have nothing to be sorted by."""
    if isinstance(column.values, np.ndarray):
        last = missing(column).copy()
        if column.values.dtype.kind == "f":
            last |= np.isnan(column.values)
        return column.values, last
    texts = [_natural(cell) for cell in column.values]
    ranks = {text: rank for rank, text in enumerate(sorted(set(texts)))}
    return np.array([ranks[text] for text in texts], np.int64), missing(column)


def _natural(cell: Any) -> tuple[tuple[int, int, str], ...]:
    """As people sort: spleen_2 before spleen_12, and numbers before words."""
    text = "" if cell is None else str(cell).casefold()[:200]
    return tuple(
        (0, int(one), "") if one.isdigit() and one.isascii() else (1, 0, one) for one in DIGITS.split(text) if one
    )


def _taken(column: Column, rows: Order) -> list[Any]:
    if isinstance(column.values, list):
        return [column.values[row] for row in rows.tolist()]
    gaps = None if column.missing is None else column.missing[rows]
    return Column(column.type, column.values[rows], gaps).plain()


def _damaged(error: BaseException) -> VoxloopError:
    reason = " ".join(str(error).split())[:100]
    return VoxloopError(f"This table is damaged ({reason}); restore the project from a backup.")
