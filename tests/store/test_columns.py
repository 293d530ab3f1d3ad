"""A table's blob gives back every cell, whole or in part."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from voxloop.errors import VoxloopError
from voxloop.store.contents import columns
from voxloop.store.contents.columns import Column

texts = st.lists(st.none() | st.text(st.characters(exclude_categories=["Cs"])), max_size=50)
numbers = st.sampled_from(["<i1", "<u2", "<i4", "<i8", "<u8", "<f2", "<f4", "<f8", "|b1"])


def test_rows_are_read_from_the_groups_that_hold_them() -> None:
    rows = columns.GROUP * 2 + 5
    table = {
        "id": Column("integer", np.arange(rows)),
        "name": Column("text", [str(row) for row in range(rows)]),
        "half": Column("number", np.arange(rows) / 2, np.arange(rows) % 7 == 0),
    }
    content = columns.pack(table)
    for first, count in ((0, 3), (columns.GROUP - 2, 4), (rows - 3, 100), (rows, 5), (rows + 9, 5), (5, 0)):
        part = columns.unpack(content, first, count, ["name", "half"])
        assert list(part) == ["name", "half"]
        wanted = range(min(first, rows), min(first + count, rows))
        assert part["name"].plain() == [str(row) for row in wanted]
        assert part["half"].plain() == [None if row % 7 == 0 else row / 2 for row in wanted]
    assert columns.head(content)["rows"] == rows


@given(data=st.data(), dtype=numbers, size=st.integers(0, 40))
def test_every_bit_of_an_array_comes_back(data: st.DataObject, dtype: str, size: int) -> None:
    values: npt.NDArray[Any] = data.draw(arrays(np.dtype(dtype), size))
    missing = data.draw(st.none() | arrays(np.bool_, size))
    back = columns.unpack(columns.pack({"a": Column("number", values, missing)}))["a"]
    assert isinstance(back.values, np.ndarray)
    assert back.values.dtype == values.dtype
    assert back.values.tobytes() == values.tobytes()
    assert (back.missing is None) == (missing is None or not size)
    assert missing is None or not size or np.array_equal(back.missing, missing)  # type: ignore[arg-type]


@given(cells=texts)
def test_every_text_comes_back(cells: list[str | None]) -> None:
    assert columns.unpack(columns.pack({"a": Column("text", cells)}))["a"].values == cells


def test_what_is_no_table_is_said() -> None:
    with pytest.raises(VoxloopError, match="holds no table"):
        columns.unpack(b"PAR1 and more")
