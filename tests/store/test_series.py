"""Series are chunks: however they were drained, the points are the same, and no chart loses a spike."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from voxloop.store import Points, Project, SeriesRecord, open_project, series
from voxloop.store.drain import UNITS
from voxloop.store.series_writer import SeriesWriter


def some(count: int, seed: int = 0) -> npt.NDArray[Any]:
    rng = np.random.default_rng(seed)
    points = np.zeros(count, UNITS)
    points["series"], points["epoch"] = 1, -1
    points["step"] = rng.permutation(count)
    points["value"] = rng.normal(size=count)
    points["time"] = np.arange(count)
    return points


def written(project: Project, parts: list[npt.NDArray[Any]], name: str = "loss") -> tuple[SeriesRecord, Points]:
    for part in parts:
        with project.writing() as connection:
            SeriesWriter("run").append(connection, [((name, "{}"), part)])
    (record,) = project.series_of("run", name)
    return record, project.points(record.id)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return open_project(tmp_path_factory.mktemp("project"), create=True)


@settings(deadline=None, max_examples=15)
@given(cuts=st.lists(st.integers(1, 9_999), max_size=6), number=st.integers(0, 10**9))
def test_many_small_drains_are_one_series_in_the_order_of_logging(
    project: Project, cuts: list[int], number: int
) -> None:
    points = some(10_000)
    edges = [0, *sorted(set(cuts)), 10_000]
    parts = [points[start:end] for start, end in itertools.pairwise(edges)]
    record, back = written(project, parts, f"loss-{number}-{len(cuts)}-{sum(cuts)}")
    if record.count > 10_000:
        return  # hypothesis drew the same name again
    assert (back.steps == points["step"]).all(), "steps that go back are kept as they came"
    assert (back.values == points["value"]).all()
    assert record.count == 10_000
    assert (record.first, record.last) == (points["value"][0], points["value"][-1])
    assert (record.min, record.max) == (points["value"].min(), points["value"].max())
    assert record.last_step == points["step"][-1]


def test_what_is_no_number_is_kept_and_left_out_of_the_summary(tmp_path: Path) -> None:
    points = some(4)
    points["value"] = [np.nan, 1.0, np.inf, -np.inf]
    with open_project(tmp_path, create=True) as project:
        record, back = written(project, [points])
    assert (record.first, record.last, record.min, record.max) == (None, None, 1.0, 1.0)
    assert np.array_equal(back.values, points["value"], equal_nan=True)


@given(
    values=arrays(np.float64, st.integers(1, 3000), elements=st.floats(-1e6, 1e6)),
    most=st.integers(4, 400),
)
def test_a_spike_never_disappears(values: npt.NDArray[np.float64], most: int) -> None:
    count = len(values)
    points = Points(np.arange(count), values, np.arange(count) / 1.0, np.zeros(count, np.int32))
    thin = series.thin(points, most)
    assert len(thin) <= max(most, 4)
    assert thin.values.max() == values.max()
    assert thin.values.min() == values.min()
    assert (np.diff(thin.steps) > 0).all()
    assert (thin.steps[0], thin.steps[-1]) == (0, count - 1)


def test_a_zoom_reads_between_two_steps(tmp_path: Path) -> None:
    points = some(9000)
    points["step"] = np.arange(9000)
    with open_project(tmp_path, create=True) as project:
        record, _ = written(project, [points])
        zoomed = project.points(record.id, max_points=100, first_step=4000, last_step=4500)
    assert zoomed.steps.min() >= 4000
    assert zoomed.steps.max() <= 4500
    assert zoomed.values.max() == points["value"][4000:4501].max()
