"""A run's writer keeps any point from any thread to the bit, or refuses it in a sentence."""

from __future__ import annotations

import gc
import math
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import voxloop as vx
from tests.tracking.children import run_script
from voxloop.store import Points
from voxloop.tracking import writer
from voxloop.tracking.params import text


@pytest.fixture
def run(tmp_path: Path) -> Iterator[vx.Run]:
    with vx.Run(name="unet-a", project=tmp_path) as opened:
        yield opened


def read(folder: Path, run_id: str, name: str = "loss") -> Points:
    with vx.open(folder) as project:
        return project.points(project.series_of(run_id, name)[0].id)


def test_numbers_of_any_library_are_kept_to_the_bit(run: vx.Run, tmp_path: Path) -> None:
    values: list[Any] = [0.1, 1, True, np.float32(0.1), np.int64(7), np.array(2.5), math.nan, math.inf, -math.inf, -0.0]
    for value in values:
        run.log({"loss": value})
    run.finish()
    kept = read(tmp_path, run.id)
    assert kept.values.tobytes() == np.array([float(value) for value in values]).tobytes()
    assert kept.steps.tolist() == list(range(len(values)))
    assert (kept.epochs == -1).all()
    assert abs(kept.times - time.time()).max() < 60


@settings(max_examples=15, deadline=None)
@given(
    points=st.lists(
        st.tuples(
            st.floats(),
            st.none() | st.integers(-(2**63), 2**63 - 2),
            st.none() | st.integers(0, 2**31 - 1),
            st.dictionaries(st.text(max_size=5), st.text(max_size=5) | st.integers() | st.booleans(), max_size=2),
        ),
        max_size=30,
    ),
    name=st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
)
def test_any_points_come_back(
    tmp_path_factory: pytest.TempPathFactory, points: list[tuple[float, int | None, int | None, Any]], name: str
) -> None:
    folder = tmp_path_factory.mktemp("p")
    with vx.Run(project=folder) as run:
        for value, step, epoch, context in points:
            run.log({name: value}, step=step, epoch=epoch, context=context)
    with vx.open(folder) as project:
        # A zero byte, which no database holds in a text, has become another sign.
        kept = [project.points(one.id) for one in project.series_of(run.id, text(name))]
    expected = sorted(np.float64(value).tobytes() for value, *_ in points)
    assert sorted(value.tobytes() for one in kept for value in one.values) == expected
    steps = sorted(step for _, step, _, _ in points if step is not None)
    assert set(steps) <= {step for one in kept for step in one.steps.tolist()}


def test_contexts_tell_series_apart_by_content_and_type_not_by_order(run: vx.Run, tmp_path: Path) -> None:
    contexts: list[dict[str, Any]] = [{"a": 1, "b": 2}, {"b": 2, "a": 1}, {"a": 1}, {"a": True}, {"a": np.array(1)}]
    for context in contexts:
        run.log({"loss": 0.5}, context=context)
    run.finish()
    with vx.open(tmp_path) as project:
        found = [(one.context, one.count, type(one.context["a"])) for one in project.series_of(run.id)]
    assert found == [({"a": 1, "b": 2}, 2, int), ({"a": 1}, 2, int), ({"a": True}, 1, bool)]


@pytest.mark.parametrize(
    ("logged", "sentence"),
    [
        (({"loss": "0.5"},), "which is no number"),
        (({"loss": None},), "which is no number"),
        (({"loss": [1, 2]},), "is a list, which is no single number"),
        (({"loss": np.ones(3)},), "is a ndarray, which is no single number"),
        (({"loss": 1j},), "is a complex, which is no single number"),
        (({"loss": 10**400},), "cannot be logged"),
        (({"loss": 1.0}, 1.5), "cannot be logged"),
        (({"loss": 1.0}, 2**63), "cannot be logged"),
        (({"loss": 1.0}, "3"), "cannot be logged"),
        (({"loss": 1.0}, 3, 2**31), "cannot be logged"),
        (({"loss": 1.0}, 3, 1, {"case": [1, 2]}), "a context is flat"),
        (({"loss": 1.0}, 3, 1, {"case": None}), "a context is flat"),
    ],
)
def test_nonsense_is_refused_in_a_sentence_and_the_run_goes_on(
    run: vx.Run, tmp_path: Path, logged: tuple[Any, ...], sentence: str
) -> None:
    with pytest.raises(vx.VoxloopError, match=sentence) as caught:
        run.log(*logged)
    assert "\n" not in str(caught.value)
    run.log({"loss": 0.25}, step=9)
    run.finish()
    assert (read(tmp_path, run.id).steps.tolist(), read(tmp_path, run.id).values.tolist()) == ([9], [0.25])


def test_names_that_no_database_can_hold_are_made_so(tmp_path: Path) -> None:
    with vx.Run(
        name="a\ud800", experiment="b\ud800", tags=["c\ud800"], params={"d\ud800": "e\ud800"}, project=tmp_path
    ) as run:
        run.log({"loss\ud800": 1.0, "": 2.0, "größe/🧠": 3.0}, context={"case\ud800": "x\ud800"})
    with vx.open(tmp_path) as project:
        record = project.runs()[0]
        assert (record.name, record.experiment, record.tags, record.params) == ("a?", "b?", ("c?",), {"d?": "e?"})
        assert [(one.name, one.context) for one in project.series_of(run.id)] == [
            (name, {"case?": "x?"}) for name in ("", "größe/🧠", "loss?")
        ]


def test_points_are_in_the_database_while_the_run_goes_on(run: vx.Run, tmp_path: Path) -> None:
    run.log({"loss": 1.0})
    with vx.open(tmp_path) as project:
        heartbeat = project.run(run.id).heartbeat
        until = time.monotonic() + 10
        while not project.series_of(run.id) or project.run(run.id).heartbeat == heartbeat:
            assert time.monotonic() < until, "neither points nor heartbeat arrived"
            time.sleep(0.05)
        record = project.run(run.id)
        assert (record.status, record.ended) == ("running", None)
        assert 0 < record.duration_s < 60


def test_several_threads_may_log(run: vx.Run, tmp_path: Path) -> None:
    def work(number: int) -> None:
        for step in range(500):
            run.log({"loss": number}, step=step, context={"thread": number})

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    run.finish()
    with vx.open(tmp_path) as project:
        assert [(one.count, one.min, one.max) for one in project.series_of(run.id)] == [(500, n, n) for n in range(4)]


def test_a_full_journal_makes_way_for_a_new_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "FULL", 1 << 12)
    with vx.Run(project=tmp_path) as run:
        journals = run.project.journals
        for step in range(2_000):
            run.log({"loss": step, "dice": -step}, step=step)
            if step % 250 == 0:
                run._writer.drain()
                assert len(list(journals.iterdir())) == 1
    assert not list(journals.iterdir())
    assert read(tmp_path, run.id).values.tolist() == list(range(2_000))


def test_params_are_kept_at_every_depth(run: vx.Run, tmp_path: Path) -> None:
    run.params["optimizer"] = {"lr": 1e-4, "betas": (0.9, 0.999)}
    run.params["optimizer"]["lr"] = 1e-3
    run.params.update(path=Path("a/b"))
    run.params["gone"] = 1
    del run.params["gone"]
    assert run.params == {"optimizer": {"lr": 1e-3, "betas": [0.9, 0.999]}, "path": "a/b"}
    with vx.open(tmp_path) as project:
        assert project.run(run.id).params == {"optimizer": {"lr": 1e-3, "betas": [0.9, 0.999]}, "path": "a/b"}


def test_a_run_that_nobody_holds_is_finished(tmp_path: Path) -> None:
    """As in a notebook whose cell runs again."""
    run = vx.Run(project=tmp_path)
    run_id = run.id
    run.log({"loss": 1.0})
    del run
    gc.collect()
    with vx.open(tmp_path) as project:
        assert project.run(run_id).status == "finished"
    assert read(tmp_path, run_id).values.tolist() == [1.0]


def test_importing_voxloop_imports_nothing_heavy() -> None:
    code = """
import sys
import voxloop
print([name for name in ("numpy", "sqlalchemy", "torch") if name in sys.modules])
voxloop.Run, voxloop.Volume, voxloop.open
print([name for name in ("torch", "monai", "ignite", "fastapi", "scipy", "nibabel") if name in sys.modules])
"""
    assert run_script(code).split() == ["[]", "[]"]


def test_a_refused_resumption_leaves_the_living_run_alone(run: vx.Run, tmp_path: Path) -> None:
    with pytest.raises(vx.VoxloopError, match="is being written by another process"):
        vx.Run(project=tmp_path, resume=run.id)
    gc.collect()
    with vx.open(tmp_path) as project:
        assert project.run(run.id).status == "running"
        assert len(list(project.journals.iterdir())) == 1
    run.log({"loss": 1.0})
    run.finish()
    assert read(tmp_path, run.id).values.tolist() == [1.0]
