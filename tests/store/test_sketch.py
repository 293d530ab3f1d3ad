"""A long series is drawn from the sketches beside its chunks: by its own points, with every spike, and in full where a sketch cannot say it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

import voxloop as vx
from tests.store.test_chunks import drained, units
from voxloop.store import Project, curves, open_project, schema, series, sketch
from voxloop.store.curves import Axis, Curve
from voxloop.store.records import Points

MOST = 40
Floats = npt.NDArray[np.float64]


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with open_project(tmp_path, create=True) as opened:
        yield opened


def drawn(project: Project, axis: Axis | None = None, most: int = MOST) -> Curve:
    return curves.read(project, project.series_of("a-run")[0], axis or Axis(), most, 0.0, None)


def from_points(values: Floats, steps: npt.NDArray[np.int64], axis: Axis | None = None) -> Curve:
    count = len(values)
    points = Points(steps, values, np.zeros(count), np.full(count, -1, np.int32))
    return curves.curve(points, axis or Axis(), MOST)


def sketches(project: Project) -> int:
    with project.reading() as connection:
        query = sa.select(sa.func.count()).where(schema.chunks.c.sketch.is_not(None))
        return connection.execute(query.select_from(schema.chunks)).scalar_one()


def damage(project: Project, number: int, column: str) -> None:
    with project.writing() as connection:
        connection.execute(schema.chunks.update().where(schema.chunks.c.number == number).values({column: b"nonsense"}))


@settings(deadline=None, max_examples=40)
@given(
    count=st.integers(10_000, 30_000),
    seed=st.integers(0, 2**32 - 1),
    kind=st.sampled_from(["noise", "walk", "flat", "stairs"]),
    part=st.none() | st.tuples(st.floats(0, 0.3), st.floats(0.7, 1)),
    most=st.integers(4, 60),
)
def test_what_is_drawn_are_points_of_the_series_around_all_others(
    tmp_path_factory: pytest.TempPathFactory,
    count: int,
    seed: int,
    kind: str,
    part: tuple[float, float] | None,
    most: int,
) -> None:
    rng = np.random.default_rng(seed)
    noise, places = rng.normal(size=count), np.arange(count)
    kinds: dict[str, Floats] = {
        "noise": noise,
        "walk": noise.cumsum(),
        "flat": np.zeros(count),
        "stairs": (places // 5000).astype(np.float64),
    }
    values = kinds[kind]
    steps = np.cumsum(rng.integers(1, 4, count))
    axis = Axis(low=steps[-1] * part[0], high=steps[-1] * part[1]) if part else Axis()
    with open_project(tmp_path_factory.mktemp("project"), create=True) as project:
        drained(project, units(values, steps))
        told = drawn(project, axis, most)
        damage(project, 0, "data")
        if part is None:
            assert drawn(project, axis, most).points.steps.tolist() == told.points.steps.tolist(), "no chunk is read"
    inside = np.flatnonzero((steps >= (axis.low or 0)) & (steps <= (axis.high or steps[-1])))
    at = np.searchsorted(steps, told.points.steps)
    assert (steps[at] == told.points.steps).all()
    assert (values[at] == told.points.values).all()
    assert len(at) <= most
    assert (np.diff(at) > 0).all()
    assert (at[0], at[-1]) == (inside[0], inside[-1])
    assert told.broken_count == told.unplaced == 0
    # Each point lies between the lowest and the highest that are drawn near it.
    units_in = -(-len(inside) // sketch.UNIT) + sketch.MOST_READ
    reach = 2 * sketch.UNIT * -(-units_in // ((most - 2) // 2))
    for one in rng.choice(inside, 50):
        near = values[at[(at > one - reach) & (at < one + reach)]]
        assert near.min() <= values[one] <= near.max()
    assert (values[inside].min(), values[inside].max()) == (told.points.values.min(), told.points.values.max())


@pytest.mark.parametrize("most", [0, 1, 3, 4, 5])
def test_the_fewest_points_that_can_be_asked_for_are_four(project: Project, most: int) -> None:
    drained(project, units(np.random.default_rng(0).normal(size=20_000)))
    chart = project.points(project.series_of("a-run")[0].id, max_points=most)
    assert len(chart) == 4
    assert (chart.steps[0], chart.steps[-1]) == (0, 19_999)


def test_means_are_those_of_the_stretches(project: Project) -> None:
    count = 5 * series.CHUNK
    values = np.repeat(np.arange(count // 1024), 1024) + np.tile([-0.5, 0.5], count // 2)
    drained(project, units(values))
    told = drawn(project, most=2 + 2 * (count // 1024))
    assert told.means.tolist() == (told.points.steps // 1024).tolist()


@pytest.mark.parametrize("what", ["NaN", "infinite", "back"])
def test_what_a_sketch_cannot_say_is_read_in_full(project: Project, what: str) -> None:
    values, steps = np.random.default_rng(0).normal(size=20_000), np.arange(20_000)
    if what == "back":
        steps[9_000:9_100] = np.arange(100)
    else:
        values[9_000] = np.nan if what == "NaN" else np.inf
    drained(project, units(values, steps))
    assert sketches(project) == 1, "that of the other full chunk"
    told, whole = drawn(project), from_points(values, steps)
    assert told.points.steps.tolist() == whole.points.steps.tolist()
    assert told.points.values.tolist() == whole.points.values.tolist()
    assert told.broken_count == (what != "back")


def test_a_process_that_began_anew_at_step_0_is_drawn_in_order(project: Project) -> None:
    drained(project, units(np.zeros(series.CHUNK)), units(np.ones(series.CHUNK)))
    assert sketches(project) == 2
    told = drawn(project)
    assert (np.diff(told.x) >= 0).all()
    assert set(told.points.values.tolist()) == {0.0, 1.0}


def test_a_damaged_sketch_is_made_up_for_by_the_points(project: Project) -> None:
    values = np.random.default_rng(0).normal(size=20_000)
    drained(project, units(values))
    damage(project, 0, "sketch")
    whole = from_points(values, np.arange(20_000))
    assert drawn(project).points.steps.tolist() == whole.points.steps.tolist()


def test_a_run_from_an_archive_has_sketches_of_its_own_points(project: Project, tmp_path: Path) -> None:
    with vx.Run(name="long", project=project.root) as run:
        for step in range(2 * series.CHUNK):
            run.log({"loss": float(step % 100)}, step=step)
    damage(project, 0, "sketch")
    archive = tmp_path / "runs.zip"
    project.export_runs(archive, [run.id])
    with open_project(tmp_path / "other", create=True) as other:
        other.import_runs(archive)
        assert sketches(other) == 2
        with other.reading() as connection:
            assert sketch.drawn(connection, other.series_of(run.id)[0].id, MOST) is not None
