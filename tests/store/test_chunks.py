"""A series is its points however it was cut into drains; a damaged chunk is named and stops nobody."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxloop.errors import VoxloopError
from voxloop.store import Project, codec, open_project, schema, series
from voxloop.store.drain import UNITS
from voxloop.store.series_writer import SeriesWriter


def units(values: npt.ArrayLike, steps: npt.ArrayLike | None = None) -> npt.NDArray[Any]:
    column = np.asarray(values, np.float64)
    points = np.zeros(len(column), UNITS)
    points["step"] = np.arange(len(column)) if steps is None else steps
    points["value"], points["time"], points["epoch"] = column, np.arange(len(column)) * 1000, -1
    return points


def drained(project: Project, *parts: npt.NDArray[Any]) -> int:
    for part in parts:
        with project.writing() as connection:
            SeriesWriter("a-run").append(connection, [(("loss", "{}"), part)])
    return project.series_of("a-run")[0].id


def rows(project: Project) -> int:
    with project.reading() as connection:
        return len(connection.execute(schema.chunks.select()).all())


def test_a_long_series_is_a_row_per_chunk(tmp_path: Path) -> None:
    with open_project(tmp_path, create=True) as project:
        values = np.random.default_rng(1).normal(size=10_000)
        number = drained(project, units(values[:1]), units(values[1:5_000]), units(values[5_000:]))
        assert project.points(number).values.tolist() == values.tolist()
        assert rows(project) == -(-10_000 // series.CHUNK)


def test_steps_that_go_back_are_stored_as_they_came(tmp_path: Path) -> None:
    with open_project(tmp_path, create=True) as project:
        steps = [5, 3, 3, -(2**63), 2**63 - 1, 0]
        number = drained(project, units(np.arange(6.0), steps))
        assert project.points(number).steps.tolist() == steps
        assert project.points(number, first_step=0, last_step=5).values.tolist() == [0.0, 1.0, 2.0, 5.0]


def test_a_damaged_chunk_is_named_and_does_not_stop_the_run(tmp_path: Path) -> None:
    with open_project(tmp_path, create=True) as project:
        number = drained(project, units([1.0, 2.0]))
        with project.writing() as connection:
            connection.execute(schema.chunks.update().values(data=b"nonsense"))
        drained(project, units([3.0]))
        assert project.series_of("a-run")[0].count == 3
        with pytest.raises(VoxloopError, match="damaged chunk"):
            project.points(number)
        with pytest.raises(VoxloopError, match="No series has the number 99"):
            project.points(99)


def test_a_spike_of_one_point_in_a_hundred_thousand_is_on_the_chart(tmp_path: Path) -> None:
    with open_project(tmp_path, create=True) as project:
        values = np.zeros(100_000)
        values[77_777], values[31] = 1.0, -1.0
        chart = project.points(drained(project, units(values)), max_points=100)
        assert len(chart) <= 100
        assert {77_777, 31} <= set(chart.steps.tolist())


@given(st.binary(max_size=80))
def test_foreign_bytes_are_a_value_error_and_nothing_else(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        codec.unpack(data)


def test_a_chunk_that_lost_its_end_is_refused() -> None:
    column = np.arange(100)
    data = codec.pack(column, np.sqrt(column.astype(np.float64)), column, column.astype(np.int32))
    for length in (0, 3, 5, len(data) // 2, len(data) - 1):
        with pytest.raises(ValueError):
            codec.unpack(data[:length])
