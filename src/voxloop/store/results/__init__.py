"""What a question is answered with: a list of records that is also a table, for pandas, Parquet, CSV, JSON and NumPy.

Nested values become dotted columns: `params.optimizer.lr`, `context.case`, `metrics.val/dice.max`. A key that has a dot
itself is written `params["a.b"]`.
"""

from __future__ import annotations

import dataclasses
import difflib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

import numpy as np
import numpy.typing as npt

from voxloop.errors import VoxloopError
from voxloop.store.records import Points, RunRecord, SeriesRecord
from voxloop.store.results import tables
from voxloop.store.results.tables import Table

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")
Metrics = Callable[[Sequence[str]], Mapping[str, Sequence[SeriesRecord]]]
STATISTICS = ("last", "min", "max", "best", "first", "count")
# Told only where it is asked for: it is long, and nobody compares it in a table.
ASIDE = ("environment",)


class Result(Sequence[T], Generic[T]):
    """Records in the order in which they were asked for.

        project.runs().to_pandas(columns=["name", "params.optimizer.lr", "metrics.val/dice.max"])

    `columns` names what to show; `params` alone means everything below it. Without it, all that is known is shown, of
    metrics the last and the best value, and no environment.
    """

    def __init__(self, records: Iterable[T], metrics: Metrics | None = None) -> None:
        self._records = tuple(records)
        self._metrics = metrics

    @overload
    def __getitem__(self, at: int) -> T: ...
    @overload
    def __getitem__(self, at: slice) -> Result[T]: ...
    def __getitem__(self, at: int | slice) -> T | Result[T]:
        return self._part(self._records[at]) if isinstance(at, slice) else self._records[at]

    def _part(self, records: tuple[T, ...]) -> Result[T]:
        return Result(records, self._metrics)

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[T]:
        return iter(self._records)

    def __eq__(self, other: object) -> bool:
        return list(self._records) == list(other) if isinstance(other, Sequence) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        kind = type(self._records[0]).__name__ if self._records else "record"
        return f"{type(self).__name__}({len(self)} × {kind})"

    def cells(self, columns: Sequence[str]) -> list[list[Any]]:
        """A row for each record with these columns; None for one that it lacks, even where nobody here has it."""
        return [[row.get(name) for name in columns] for row in self._rows()]

    def _rows(self) -> list[dict[str, Any]]:
        rows = [_flat(record) for record in self._records]
        if self._metrics is not None and any(isinstance(record, RunRecord) for record in self._records):
            series = self._metrics([record.id for record in self._records if isinstance(record, RunRecord)])
            for row in rows:
                row.update(_metrics(series.get(row["id"], ())))
        return rows

    def table(self, columns: Sequence[str] | None = None) -> Table:
        """The columns by name; a record that lacks one has None there."""
        rows = self._rows()
        known = dict.fromkeys(name for row in rows for name in row)
        if columns is None:
            shown = [name for name in known if _by_default(name)]
        else:
            shown = list(dict.fromkeys(name for asked in columns for name in _matching(asked, known)))
        return {name: [row.get(name) for row in rows] for name in shown}

    def to_pandas(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """A data frame; needs pandas. Lists are JSON texts."""
        return tables.to_pandas(self.table(columns))

    def to_parquet(self, path: Path | str, columns: Sequence[str] | None = None) -> None:
        """Writes a Parquet file; needs pyarrow. Lists, and columns of mixed kinds, are JSON texts."""
        tables.to_parquet(self.table(columns), Path(path))

    def to_csv(
        self, path: Path | str | None = None, columns: Sequence[str] | None = None, spreadsheet: bool = False
    ) -> str:
        """CSV as text, and into a file where a path is given. Numbers come back exactly; what is missing is empty.

        Texts stay as they are, though a spreadsheet runs those that begin with `=`, `+`, `-` or `@` as formulas: for Excel
        and the like use `spreadsheet=True`, which puts a `'` before them, and says in the file that it is UTF-8.
        """
        return tables.to_csv(self.table(columns), None if path is None else Path(path), spreadsheet)

    def to_json(self, path: Path | str | None = None, columns: Sequence[str] | None = None) -> str:
        """A JSON list with one object a record. JSON has no NaN and no infinity: they are the texts "NaN" and "Infinity"."""
        return tables.to_json(self.table(columns), None if path is None else Path(path))

    def to_numpy(self, columns: Sequence[str] | None = None) -> npt.NDArray[Any]:
        """Numbers as rows × columns; what is missing is NaN. Without `columns`, those that hold nothing but numbers."""
        return tables.to_numpy(self.table(columns), all_columns=columns is not None)


class SeriesResult(Result[SeriesRecord]):
    """Series whose points are read when they are asked for: the table has a row for each point.

        project.series('series.name == "val/dice"').to_pandas()     # run, name, context.case, ..., step, value, time, epoch

    `summaries` is the table with one row for each series.
    """

    def __init__(
        self,
        records: Iterable[SeriesRecord],
        points: Callable[[int], Points],
        run_names: Callable[[Sequence[str]], Mapping[str, str]] | None = None,
    ) -> None:
        super().__init__(records)
        self._points = points
        self._run_names = run_names

    def _part(self, records: tuple[SeriesRecord, ...]) -> SeriesResult:
        return SeriesResult(records, self._points, self._run_names)

    @property
    def summaries(self) -> Result[SeriesRecord]:
        return Result(self._records)

    def table(self, columns: Sequence[str] | None = None) -> Table:
        read = [self._points(record.id) for record in self._records]
        lengths = [len(points) for points in read]
        known: Table = {"run": self._repeated([record.run_id for record in self._records], lengths)}
        if self._run_names is not None:
            ids = list(dict.fromkeys(record.run_id for record in self._records))
            names = self._run_names(ids)
            known["run_name"] = self._repeated([names.get(record.run_id) for record in self._records], lengths)
        known["name"] = self._repeated([record.name for record in self._records], lengths)
        contexts = [dict(_below("context", record.context) if record.context else ()) for record in self._records]
        for key in dict.fromkeys(key for context in contexts for key in context):
            known[key] = self._repeated([context.get(key) for context in contexts], lengths)
        epochs = _joined([points.epochs for points in read], np.int32)
        known |= {
            "step": _joined([points.steps for points in read], np.int64),
            "value": _joined([points.values for points in read], np.float64),
            "time": _joined([points.times for points in read], np.float64),
            # -1 is how a point says that it has none.
            "epoch": np.ma.masked_equal(epochs, -1),
        }
        if columns is None:
            return known
        return {name: known[name] for asked in columns for name in _matching(asked, known)}

    def to_numpy(self, columns: Sequence[str] | None = None) -> npt.NDArray[Any]:
        """A structured array of all points: `series` (the place in this result), `step`, `value`, `time`, `epoch` (-1: none)."""
        if columns is not None:
            return super().to_numpy(columns)
        fields = [("series", "<i4"), ("step", "<i8"), ("value", "<f8"), ("time", "<f8"), ("epoch", "<i4")]
        read = [self._points(record.id) for record in self._records]
        found = np.zeros(sum(map(len, read)), fields)
        start = 0
        for place, points in enumerate(read):
            part = found[start : start + len(points)]
            part["series"], part["step"], part["value"] = place, points.steps, points.values
            part["time"], part["epoch"] = points.times, points.epochs
            start += len(points)
        return found

    @staticmethod
    def _repeated(values: list[Any], lengths: list[int]) -> npt.NDArray[Any]:
        column = np.empty(len(values), object)
        column[:] = values
        return np.repeat(column, lengths)


def _joined(parts: list[npt.NDArray[Any]], kind: type) -> npt.NDArray[Any]:
    return np.concatenate(parts) if parts else np.zeros(0, kind)


def _flat(record: Any) -> dict[str, Any]:
    """A record as dotted names and values; what a property computes is no less a column."""
    row: dict[str, Any] = {}
    for field in dataclasses.fields(record):
        value = getattr(record, field.name)
        if value != {}:
            row.update(_below(field.name, value))
        if field.name == "heartbeat" and isinstance(record, RunRecord):
            row["duration_s"] = record.duration_s
    return row


def _below(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """The leaves of a value. An empty dict inside of it is one, or nobody would see that it is there."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _below(key_below(name, key), inner)
    else:
        yield name, list(value) if isinstance(value, tuple) else value


def key_below(name: str, key: str) -> str:
    """What the column of a nested value is called."""
    plain = key and not any(sign in key for sign in '."[]')
    return f"{name}.{key}" if plain else f"{name}[{json.dumps(key, ensure_ascii=False)}]"


def _metrics(series: Sequence[SeriesRecord]) -> dict[str, Any]:
    return {
        f"metrics.{one.name}.{what}": getattr(one, what) for one in series if not one.context for what in STATISTICS
    }


def _by_default(name: str) -> bool:
    if name.startswith("metrics."):
        return name.endswith((".last", ".best"))
    return not any(name == aside or name.startswith((f"{aside}.", f"{aside}[")) for aside in ASIDE)


def _matching(asked: str, known: Mapping[str, Any]) -> list[str]:
    """The columns that a name means: itself, or what lies below it. A name that nobody knows is no empty column."""
    if asked in known or not known:
        return [asked]
    below = [name for name in known if name.startswith((f"{asked}.", f"{asked}["))]
    if not below:
        near = difflib.get_close_matches(asked, known, n=3)
        hint = f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(list(known)[:12])}, …"
        raise VoxloopError(f'No record has the column "{asked}"; {hint}')
    return below
