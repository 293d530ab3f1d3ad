"""A column of anything as a typed one. What a column holds is told by the types of its cells, not by their looks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from voxloop.errors import VoxloopError
from voxloop.store.contents.columns import Column
from voxloop.tracking.media.protocol import is_media
from voxloop.tracking.media.snapshot import is_tensor, viewed
from voxloop.tracking.params import encodable as text
from voxloop.tracking.params import plain

# What libraries put where there is nothing.
NOTHING = {"NoneType", "NAType", "NaTType"}
EXACT = 2**53
MOST_BITS = 10_000


def column_of(name: str, given: Any) -> Column:
    """A copy of a column's cells with their type: integer, number, boolean, text, media, or mixed."""
    if type(given).__module__.partition(".")[0] in ("pandas", "polars"):
        return _of_series(name, given)
    if is_tensor(given) or (hasattr(given, "dtype") and getattr(given, "ndim", 0) >= 1):
        return _of_array(name, given)
    if isinstance(given, str | bytes) or not hasattr(given, "__iter__"):
        raise VoxloopError(f'The column "{name}" is {given!r:.60}; a column is a list of cells.')
    return _of_cells(list(given))


def _of_series(name: str, series: Any) -> Column:
    if isinstance(series.dtype, np.dtype) and series.dtype.kind in "biuf":
        return _of_array(name, series.to_numpy())
    cells = series.to_list()
    if {type(cell) for cell in cells if not _is_nan(cell)} <= {str, type(None)}:
        # pandas marks a missing text with NaN.
        cells = [cell if isinstance(cell, str) else None for cell in cells]
    return _of_cells(cells)


def _of_array(name: str, given: Any) -> Column:
    if not is_tensor(given) and given.dtype.kind not in "biuf":
        cells = np.datetime_as_string(given).tolist() if given.dtype.kind == "M" else given.tolist()
        return _of_cells([None if given.dtype.kind == "M" and cell == "NaT" else cell for cell in cells])
    array, _ = viewed(given, f'The column "{name}"')
    if array.ndim != 1:
        raise VoxloopError(f'The column "{name}" has {array.ndim} axes; a column has one.')
    if array.dtype.itemsize > 8:
        array = array.astype(np.float64)
    # In the byte order of files, and apart from the caller's.
    array = np.array(array, dtype=array.dtype.newbyteorder("<"), order="C")
    return Column({"b": "boolean", "f": "number"}.get(array.dtype.kind, "integer"), array)


def _of_cells(cells: list[Any]) -> Column:
    kinds = set(map(type, cells))
    if any(kind.__module__ in ("numpy", "torch") or kind.__name__ in NOTHING - {"NoneType"} for kind in kinds):
        cells = [_own(cell) for cell in cells]
        kinds = set(map(type, cells))
    held = kinds - {type(None)}
    if not held:
        return Column("mixed", cells)
    if held == {bool}:
        return _masked("boolean", cells, np.dtype(np.bool_), False)
    if held == {int}:
        return _integers(cells)
    if held <= {int, float} and all(
        isinstance(cell, float) or cell is None or -EXACT <= cell <= EXACT for cell in cells
    ):
        return _masked("number", cells, np.dtype("<f8"), 0.0)
    if held == {str}:
        return Column("text", cells)
    if all(is_media(cell) for cell in cells if cell is not None):
        return Column("media", cells)
    if all(issubclass(kind, dt.date) for kind in held):
        return Column("text", [None if cell is None else cell.isoformat() for cell in cells])
    return Column("mixed", [cell if is_media(cell) else plain(cell) for cell in cells])


def _is_nan(cell: Any) -> bool:
    return isinstance(cell, float) and cell != cell


def _own(cell: Any) -> Any:
    """A cell of a library as Python's own value."""
    if type(cell).__name__ in NOTHING:
        return None
    if hasattr(cell, "item") and getattr(cell, "ndim", 1) == 0:
        value = cell.item()
        return text(value) if isinstance(value, np.generic) else value
    return cell


def _integers(cells: Sequence[int | None]) -> Column:
    held = [cell for cell in cells if cell is not None]
    least, most = min(held), max(held)
    if least >= -(2**63) and most < 2**63:
        return _masked("integer", cells, np.dtype("<i8"), 0)
    if max(-least, most).bit_length() > MOST_BITS:
        return Column("mixed", [plain(cell) for cell in cells])
    return Column("integer", list(cells))


def _masked(kind: str, cells: Sequence[Any], dtype: np.dtype[Any], filler: Any) -> Column:
    if None not in cells:
        return Column(kind, np.fromiter(cells, dtype, len(cells)))
    missing: npt.NDArray[np.bool_] = np.fromiter((cell is None for cell in cells), np.bool_, len(cells))
    return Column(kind, np.fromiter((filler if cell is None else cell for cell in cells), dtype, len(cells)), missing)
