"""A table on its way out: columns by name, as a data frame, a file or an array. The libraries are imported where needed."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from voxloop.errors import VoxloopError

if TYPE_CHECKING:
    import pandas as pd

Column = Sequence[Any] | npt.NDArray[Any]
Table = dict[str, Column]
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def to_pandas(table: Table) -> pd.DataFrame:
    try:
        import pandas as pd
    except ImportError as error:
        raise _missing("pandas", "a data frame") from error

    frame: dict[str, Any] = {}
    for name, column in table.items():
        if isinstance(column, np.ma.MaskedArray):
            # An integer that may be missing stays an integer.
            frame[name] = pd.array(column.tolist(), dtype="Int32")
        elif isinstance(column, np.ndarray):
            frame[name] = column
        else:
            # The index says the length, or a table of no rows would lose its columns' kinds.
            frame[name] = pd.Series([_cell(value) for value in column], dtype=None if len(column) else object)
    return pd.DataFrame(frame)


def to_parquet(table: Table, path: Path) -> None:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise _missing("pyarrow", "a Parquet file") from error

    columns = {}
    for name, column in table.items():
        if isinstance(column, np.ma.MaskedArray):
            columns[name] = pa.array(column.data, mask=np.ma.getmaskarray(column))
        elif isinstance(column, np.ndarray) and column.dtype != object:
            columns[name] = pa.array(column)
        else:
            columns[name] = pa.array(_of_one_kind(list(column)))
    try:
        pq.write_table(pa.table(columns), path)
    except OSError as error:
        raise _unwritten(path, error) from error


def to_csv(table: Table, path: Path | None, spreadsheet: bool) -> str:
    out = io.StringIO(newline="")
    # Both signs, as RFC 4180 has it, or a lone carriage return in a text is not quoted and ends the row.
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([_safe(name) if spreadsheet else name for name in table])
    for row in _rows(table):
        writer.writerow([_csv_cell(value, spreadsheet) for value in row])
    text = out.getvalue()
    if path is not None:
        _write(path, text.encode("utf-8-sig" if spreadsheet else "utf-8"))
    return text


def to_json(table: Table, path: Path | None) -> str:
    rows = [dict(zip(table, map(json_value, row), strict=True)) for row in _rows(table)]
    text = json.dumps(rows, ensure_ascii=False, allow_nan=False, indent=1)
    if path is not None:
        _write(path, text.encode())
    return text


def to_numpy(table: Table, all_columns: bool) -> npt.NDArray[np.float64]:
    columns = []
    for name, column in table.items():
        values = [np.nan if value is None else value for value in _values(column)]
        if all(isinstance(value, int | float) for value in values):
            columns.append(np.array(values, np.float64))
        elif all_columns:
            raise VoxloopError(f'The column "{name}" holds more than numbers; leave it out, or use to_pandas().')
    rows = len(next(iter(table.values()), ()))
    return np.column_stack(columns) if columns else np.zeros((rows, 0))


def _rows(table: Table) -> Iterator[tuple[Any, ...]]:
    return zip(*(_values(column) for column in table.values()), strict=True)


def _values(column: Column) -> list[Any]:
    # A masked value becomes None, and NumPy's scalars plain ones.
    return list(column.tolist()) if isinstance(column, np.ndarray) else list(column)


def _cell(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value


def _of_one_kind(values: list[Any]) -> list[Any]:
    """Values that one column of a file can hold: all of a kind, or else their JSON."""
    values = [_cell(value) for value in values]
    kinds = {type(value) for value in values if value is not None}
    small = all(-(2**63) <= value < 2**63 for value in values if isinstance(value, int))
    if len(kinds) <= 1 and small:
        return values
    if kinds == {int, float} and all(abs(value) <= 2**53 for value in values if isinstance(value, int)):
        return [None if value is None else float(value) for value in values]
    return [None if value is None else value if isinstance(value, str) else json.dumps(value) for value in values]


def _csv_cell(value: Any, spreadsheet: bool) -> str:
    value = _cell(value)
    if value is None:
        return ""
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else repr(value)
    return _safe(value) if spreadsheet and isinstance(value, str) else str(value)


def _safe(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA) else text


def json_value(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, list):
        return [json_value(inner) for inner in value]
    if isinstance(value, dict):
        return {key: json_value(inner) for key, inner in value.items()}
    return value


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise _unwritten(path, error) from error


def _unwritten(path: Path, error: OSError) -> VoxloopError:
    return VoxloopError(f"Cannot write {path}: {error.strerror or error}; check the path and its space.")


def _missing(library: str, what: str) -> VoxloopError:
    return VoxloopError(f'{library} is not installed, which {what} needs; run: pip install "voxloop[tables]"')
