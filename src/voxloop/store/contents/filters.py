"""What a person types over a column to see fewer rows: `> 0.5`, `0.2..0.8`, `nan`, `missing`, or a part of a text."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from voxloop.errors import VoxloopError
from voxloop.store.contents.columns import Column

NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[-+]?inf"
COMPARED = re.compile(rf"(<=|>=|!=|==|=|<|>)\s*({NUMBER})")
BETWEEN = re.compile(rf"({NUMBER})\s*\.\.\s*({NUMBER})")
OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "==": operator.eq,
    "!=": operator.ne,
}
TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
Mask = npt.NDArray[np.bool_]


class FilterError(VoxloopError):
    """A filter that means nothing for its column; the page shows it at the filter."""


def fitting(name: str, column: Column, said: str) -> Mask:
    """The rows of a column that a filter fits. `=` in front of a text means all of it, `!` none of it."""
    said = said.strip()
    gaps = missing(column)
    if said.lower() in ("missing", "none"):
        return gaps
    if column.type in ("number", "integer") and isinstance(column.values, np.ndarray):
        return _numbers(name, column.values, said) & ~gaps
    if column.type == "boolean" and isinstance(column.values, np.ndarray):
        if said.lower() not in TRUTHS:
            raise FilterError(f'"{said}" is no filter for "{name}", which holds truths; write true, false or missing.')
        return np.asarray(column.values == TRUTHS[said.lower()]) & ~gaps
    cells = ["" if cell is None else str(_said(cell)).casefold() for cell in column.plain()]
    if said.startswith("=") and not said.startswith("=="):
        return _mask([cell == said[1:].casefold() for cell in cells]) & ~gaps
    if said.startswith("!"):
        return ~_mask([said[1:].casefold() in cell for cell in cells])
    return _mask([said.casefold() in cell for cell in cells])


def missing(column: Column) -> Mask:
    if isinstance(column.values, np.ndarray):
        return np.zeros(len(column), np.bool_) if column.missing is None else column.missing
    return _mask([cell is None for cell in column.values])


def _numbers(name: str, values: npt.NDArray[Any], said: str) -> Mask:
    if said.lower() == "nan":
        return np.asarray(np.isnan(values) if values.dtype.kind == "f" else np.zeros(len(values), np.bool_))
    with np.errstate(invalid="ignore"):
        if compared := COMPARED.fullmatch(said):
            return np.asarray(OPERATORS[compared[1]](values, _number(compared[2])))
        if between := BETWEEN.fullmatch(said):
            return np.asarray((values >= _number(between[1])) & (values <= _number(between[2])))
        if re.fullmatch(NUMBER, said):
            return np.asarray(values == _number(said))
    raise FilterError(
        f'"{said}" is no filter for "{name}", which holds numbers; write > 0.5, 0.2..0.8, = 3, nan or missing.'
    )


def _number(text: str) -> int | float:
    # A whole number beyond 2^53 stays what was typed, as far as a column holds it.
    return int(text) if re.fullmatch(r"[-+]?\d{1,19}", text) and abs(int(text)) < 2**63 else float(text)


def _said(cell: Any) -> Any:
    """What a cell that is a medium is called."""
    if isinstance(cell, dict) and isinstance(cell.get("data"), dict):
        return cell["data"].get("caption") or cell["data"].get("text") or cell.get("kind", "")
    return cell


def _mask(found: list[bool]) -> Mask:
    return np.array(found, np.bool_)
