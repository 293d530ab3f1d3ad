"""A table as one blob: typed columns in groups of rows, so that a page of a million rows is read without the rest.

After the magic: the length of a JSON head, the head, the pieces. The head names the columns with their types and encodings,
and where each group's pieces lie. `data` is an array of numbers, its bytes sorted by significance; `text` the lengths of the
texts in characters, and the texts as UTF-8; `json` a list of anything. A cell without a value is marked in a bitmap of its own.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from voxloop.errors import VoxloopError

MAGIC = b"VXTABLE1"
LENGTH = struct.Struct("<Q")
GROUP = 1 << 16
TYPES = ("integer", "number", "text", "boolean", "media", "mixed")
Values = npt.NDArray[Any] | list[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """Cells of one type: an array where all are numbers, or true and false, of 64 bits at most, otherwise a list.

    `missing` marks the cells of an array that hold nothing; a list holds None there.
    """

    type: str
    values: Values
    missing: npt.NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, rows: slice) -> Column:
        return replace(self, values=self.values[rows], missing=None if self.missing is None else self.missing[rows])

    def plain(self) -> list[Any]:
        """The cells as Python's own values, with None where there is none."""
        if isinstance(self.values, list):
            return self.values
        cells: list[Any] = self.values.tolist()
        for row in np.flatnonzero(self.missing).tolist() if self.missing is not None else ():
            cells[row] = None
        return cells


def pack(columns: Mapping[str, Column]) -> bytes:
    """Columns of one length as a blob."""
    rows = len(next(iter(columns.values()))) if columns else 0
    pieces: list[bytes] = []
    at = 0

    def add(content: bytes) -> list[int]:
        nonlocal at
        pieces.append(zlib.compress(content, 1))
        at += len(pieces[-1])
        return [at - len(pieces[-1]), len(pieces[-1])]

    told = []
    for name, column in columns.items():
        values = column.values
        told.append(
            {
                "name": name,
                "type": column.type,
                "encoding": values.dtype.str
                if isinstance(values, np.ndarray)
                else "text"
                if column.type == "text"
                else "json",
                "groups": [
                    [add(piece) for piece in _pieces(column[start : start + GROUP])] for start in range(0, rows, GROUP)
                ],
            }
        )
    head = json.dumps({"rows": rows, "group": GROUP, "columns": told}, ensure_ascii=False).encode("utf-8", "replace")
    return b"".join((MAGIC, LENGTH.pack(len(head)), head, *pieces))


def head(content: bytes | memoryview) -> dict[str, Any]:
    """The number of rows, and the columns with their names and types."""
    if bytes(content[: len(MAGIC)]) != MAGIC:
        raise VoxloopError("This blob holds no table that this version of Voxloop knows; upgrade it.")
    start = len(MAGIC) + LENGTH.size
    told: dict[str, Any] = json.loads(bytes(content[start : start + _head_size(content)]))
    return told


def unpack(
    content: bytes | memoryview, first: int = 0, count: int | None = None, names: Iterable[str] | None = None
) -> dict[str, Column]:
    """The columns that `pack` was given, or `count` rows of some of them from row `first` on."""
    told = head(content)
    start = len(MAGIC) + LENGTH.size + _head_size(content)
    last = told["rows"] if count is None else min(told["rows"], first + count)
    first = min(first, last)
    wanted = None if names is None else set(names)
    size = told["group"]
    found: dict[str, Column] = {}
    for column in told["columns"]:
        if wanted is not None and column["name"] not in wanted:
            continue
        groups = column["groups"][first // size : -(-last // size) if last > first else first // size]
        parts = [
            _column(column, [zlib.decompress(content[start + at : start + at + length]) for at, length in group])
            for group in groups
        ]
        whole = _joined(column, parts)
        offset = first // size * size
        found[column["name"]] = whole[first - offset : last - offset]
    return found


def _head_size(content: bytes | memoryview) -> int:
    return int(LENGTH.unpack_from(content, len(MAGIC))[0])


def _pieces(column: Column) -> list[bytes]:
    values = column.values
    if isinstance(values, np.ndarray):
        shuffled = values.view(np.uint8).reshape(len(values), values.itemsize).T.tobytes()
        return [shuffled] if column.missing is None else [shuffled, np.packbits(column.missing).tobytes()]
    if column.type == "text":
        missing = np.fromiter((cell is None for cell in values), np.bool_, len(values))
        cells = ["" if cell is None else cell for cell in values]
        lengths = np.fromiter(map(len, cells), "<u4", len(cells))
        # A lone surrogate, as from a file name in another encoding, becomes one question mark, and no length changes.
        pieces = [lengths.tobytes(), "".join(cells).encode("utf-8", "replace")]
        return [*pieces, np.packbits(missing).tobytes()] if missing.any() else pieces
    return [json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")]


def _column(told: dict[str, Any], pieces: list[bytes]) -> Column:
    encoding, kind = told["encoding"], told["type"]
    if encoding == "json":
        return Column(kind, json.loads(pieces[0]))
    if encoding == "text":
        ends = np.cumsum(np.frombuffer(pieces[0], "<u4"), dtype=np.int64).tolist()
        text = pieces[1].decode()
        cells: list[Any] = [text[start:end] for start, end in zip([0, *ends[:-1]], ends, strict=True)] if ends else []
        for row in np.flatnonzero(_bits(pieces[2], len(cells))).tolist() if len(pieces) > 2 else ():
            cells[row] = None
        return Column(kind, cells)
    dtype = np.dtype(encoding)
    count = len(pieces[0]) // dtype.itemsize
    values = np.ascontiguousarray(np.frombuffer(pieces[0], np.uint8).reshape(dtype.itemsize, count).T)
    return Column(kind, values.reshape(-1).view(dtype), _bits(pieces[1], count) if len(pieces) > 1 else None)


def _joined(told: dict[str, Any], parts: list[Column]) -> Column:
    if told["encoding"] in ("json", "text"):
        return Column(told["type"], [cell for part in parts for cell in part.values])
    arrays = [np.asarray(part.values) for part in parts] or [np.empty(0, told["encoding"])]
    missing = None
    if any(part.missing is not None for part in parts):
        missing = np.concatenate(
            [part.missing if part.missing is not None else np.zeros(len(part), np.bool_) for part in parts]
        )
    return Column(told["type"], np.concatenate(arrays), missing)


def _bits(packed: bytes, count: int) -> npt.NDArray[np.bool_]:
    return np.unpackbits(np.frombuffer(packed, np.uint8), count=count).astype(np.bool_)
