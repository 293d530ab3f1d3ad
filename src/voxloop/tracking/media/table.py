"""A table as it is logged: typed columns, whose cells may be media."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from voxloop.errors import VoxloopError
from voxloop.store.contents.columns import Column, pack
from voxloop.tracking.media.cells import column_of
from voxloop.tracking.media.protocol import Known, is_media, register
from voxloop.tracking.media.snapshot import kept
from voxloop.tracking.params import encodable as text

if TYPE_CHECKING:
    from voxloop.store.blobs import Blobs


@register
class Table:
    """Rows with typed columns, kept column by column so that a million rows are read in parts.

        vx.Table({"case": ["spleen_2", "spleen_3"], "dice": [0.91, 0.95], "slice": [vx.Image(a), vx.Image(b)]})
        vx.Table(dataframe)
        vx.Table([{"case": "spleen_2", "dice": 0.91}])
        vx.Table([["spleen_2", 0.91]], columns=["case", "dice"])

    Integers of any size, NaN, None and every text come back as they were. A data frame's index is kept if it says something.
    """

    kind: ClassVar[str] = "table"

    def __init__(self, data: Any, columns: Sequence[str] | None = None) -> None:
        self.columns: dict[str, Column] = {}
        for name, cells in _columns(data, columns):
            if name in self.columns:
                raise VoxloopError(f'Two columns of the table are called "{name}"; rename one.')
            self.columns[name] = column_of(name, cells)
        if not self.columns:
            raise VoxloopError("A table has columns, and this one has none; name them with columns=[...].")
        lengths = {name: len(column) for name, column in self.columns.items()}
        if len(set(lengths.values())) > 1:
            (one, first), (other, second) = min(lengths.items(), key=_second), max(lengths.items(), key=_second)
            raise VoxloopError(
                f'The column "{one}" has {first} cells and "{other}" has {second}; a table\'s columns are of one length.'
            )
        self.rows = next(iter(lengths.values()))

    @property
    def nbytes(self) -> int:
        return sum(_size(column) for column in self.columns.values())

    def __repr__(self) -> str:
        told = ", ".join(f"{name}: {column.type}" for name, column in self.columns.items())
        return f"Table({self.rows:,} rows, {told})"

    def store(self, blobs: Blobs, known: Known | None = None) -> dict[str, Any]:
        """Puts the table and the media in its cells into the blob store and answers with what names them all."""
        known = {} if known is None else known
        # What the cells refer to is named in the record too, so that nobody takes it for forgotten.
        referred: dict[str, dict[str, Any]] = {}
        stored = {name: _with_media_stored(column, blobs, known, referred) for name, column in self.columns.items()}
        return {
            "table": kept(pack(stored), "table.vxt", blobs),
            "rows": self.rows,
            "columns": [{"name": name, "type": column.type} for name, column in self.columns.items()],
            "media": list(referred.values()),
        }


def _columns(data: Any, columns: Sequence[str] | None) -> list[tuple[str, Any]]:
    """Names and cells, of whatever a table was given as."""
    module = type(data).__module__.partition(".")[0]
    if module == "pandas" and hasattr(data, "columns"):
        told = data.index.name is not None or type(data.index).__name__ != "RangeIndex"
        frame = data.reset_index() if told else data
        found = [(str(name), frame.iloc[:, at]) for at, name in enumerate(frame.columns)]
    elif module == "polars" and hasattr(data, "columns"):
        found = [(str(name), data[name]) for name in data.columns]
    elif isinstance(data, Mapping):
        found = [(str(name), cells) for name, cells in data.items()]
    elif (isinstance(data, Sequence) and not isinstance(data, str | bytes)) or isinstance(data, np.ndarray):
        return _of_rows(list(data), columns)
    else:
        raise VoxloopError(
            f"A {type(data).__name__} is no table; give a data frame, a dict of columns, a list of dicts, or rows and columns=[...]."
        )
    named = [(text(name), cells) for name, cells in found]
    if columns is None:
        return named
    held = dict(named)
    absent = [name for name in columns if name not in held]
    if absent:
        raise VoxloopError(f'The table has no column "{absent[0]}"; it has {", ".join(held)}.')
    return [(name, held[name]) for name in columns]


def _of_rows(rows: list[Any], columns: Sequence[str] | None) -> list[tuple[str, Any]]:
    if rows and all(isinstance(row, Mapping) for row in rows):
        names = list(columns) if columns is not None else list(dict.fromkeys(key for row in rows for key in row))
        return [(text(name), [row.get(name) for row in rows]) for name in names]
    if columns is None:
        raise VoxloopError("Rows need names for their columns; give columns=[...], or rows as dicts.")
    for number, row in enumerate(rows):
        if isinstance(row, str | bytes | Mapping) or not hasattr(row, "__len__") or len(row) != len(columns):
            raise VoxloopError(f"Row {number} is {row!r:.60}; a row here is a list of {len(columns)} cells.")
    return [(text(name), [row[at] for row in rows]) for at, name in enumerate(columns)]


def _with_media_stored(column: Column, blobs: Blobs, known: Known, referred: dict[str, dict[str, Any]]) -> Column:
    if not isinstance(column.values, list) or column.type not in ("media", "mixed"):
        return column
    cells = []
    for cell in column.values:
        if is_media(cell):
            cell = {"kind": cell.kind, "data": cell.store(blobs, known)}
            referred.update((blob["digest"], blob) for blob in _blobs_in(cell["data"]))
        cells.append(cell)
    return Column(column.type, cells)


def _blobs_in(data: Any) -> list[dict[str, Any]]:
    """What names a blob, however deep."""
    if isinstance(data, dict):
        mine = [{key: data[key] for key in ("digest", "bytes", "filename")}] if "digest" in data else []
        return [*mine, *(blob for value in data.values() for blob in _blobs_in(value))]
    return [blob for value in data for blob in _blobs_in(value)] if isinstance(data, list) else []


def _size(column: Column) -> int:
    values = column.values
    if not isinstance(values, list):
        return values.nbytes
    if column.type == "text":
        # By a part of them: to weigh a million texts takes longer than to copy them.
        some = values[:: max(1, len(values) // 1000)]
        return len(values) * (50 + sum(len(cell or "") for cell in some) // max(1, len(some)))
    return sum(cell.nbytes if is_media(cell) else 64 for cell in values)


def _second(item: tuple[str, int]) -> int:
    return item[1]
