"""A run keeps what it is told, says how it ended, and refuses nonsense in a sentence."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import voxloop as vx
from voxloop.errors import VoxloopError
from voxloop.store import open_project


def status(folder: Path) -> str:
    with open_project(folder) as project:
        return project.runs()[0].status


def test_how_it_ended_is_how_the_block_ended(tmp_path: Path) -> None:
    with vx.Run(project=tmp_path):
        assert status(tmp_path) == "running"
    assert status(tmp_path) == "finished"
    for error, expected in ((ValueError, "failed"), (KeyboardInterrupt, "interrupted")):
        with pytest.raises(error), vx.Run(project=tmp_path):
            raise error
        assert status(tmp_path) == expected


def test_a_run_that_failed_says_why_in_its_log(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no such organ"), vx.Run(project=tmp_path):
        raise ValueError("no such organ")
    with open_project(tmp_path) as project:
        printed = project.console(project.runs()[0].id)
    assert printed.startswith("Traceback (most recent call last):")
    assert printed.endswith("ValueError: no such organ\n")


@pytest.mark.parametrize(
    ("end", "expected"), [("", "finished"), ("raise ValueError", "failed"), ("raise KeyboardInterrupt", "interrupted")]
)
def test_a_script_without_a_block_ends_as_its_process_did(tmp_path: Path, end: str, expected: str) -> None:
    code = f"import voxloop as vx; run = vx.Run(project={str(tmp_path)!r}); run.log({{'x': 1.0}})\n{end}"
    subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert status(tmp_path) == expected


def test_points_are_seen_by_others_within_a_second_while_it_runs(tmp_path: Path) -> None:
    import time

    with vx.Run(name="live", project=tmp_path) as run, open_project(tmp_path) as project:
        run.log({"loss": 0.5}, step=3)
        deadline = time.monotonic() + 10
        while not project.series_of(run.id) and time.monotonic() < deadline:
            time.sleep(0.05)
        (loss,) = project.series_of(run.id)
        assert (loss.last, loss.last_step) == (0.5, 3)


def test_without_a_step_each_series_counts_its_own(tmp_path: Path) -> None:
    with vx.Run(project=tmp_path) as run:
        for value in (1, 2, 3):
            run.log({"loss": value})
        run.log({"loss": 9}, context={"case": "a"})
        run.log({"loss": 4}, step=10)
        run.log({"loss": 5})
    with open_project(tmp_path) as project:
        of_case, plain = sorted(project.series_of(run.id), key=lambda one: len(one.context), reverse=True)
        assert project.points(plain.id).steps.tolist() == [0, 1, 2, 10, 11]
        assert project.points(of_case.id).steps.tolist() == [0]


def test_a_context_is_the_same_in_any_order(tmp_path: Path) -> None:
    with vx.Run(project=tmp_path) as run:
        run.log({"dice": 0.1}, step=1, context={"case": "a", "class": "s"})
        run.log({"dice": 0.2}, step=2, context={"class": "s", "case": "a"})
    with open_project(tmp_path) as project:
        (dice,) = project.series_of(run.id)
        assert (dice.count, dice.context) == (2, {"case": "a", "class": "s"})


def test_resuming_goes_on_where_it_was(tmp_path: Path) -> None:
    with vx.Run(name="a", project=tmp_path, params={"lr": 1}) as run:
        run.log({"loss": 1.0})
        run.define("loss", best="min")
    with vx.Run(project=tmp_path, resume=run.id, params={"more": True}) as again:
        assert again.id == run.id
        again.log({"loss": 0.5})
    with open_project(tmp_path) as project:
        assert project.count_runs() == 1
        (loss,) = project.series_of(run.id)
        assert project.points(loss.id).steps.tolist() == [0, 1]
        assert loss.best == 0.5
        assert project.run("a").params == {"lr": 1, "more": True}


def test_a_fork_that_prints_at_once_is_kept(tmp_path: Path) -> None:
    with vx.Run(name="parent", project=tmp_path) as parent:
        parent.log({"loss": 1.0})
    with vx.Run(name="child", project=tmp_path, fork=parent.id) as child:
        print("hello")
        child.log({"loss": 0.5})
    with open_project(tmp_path) as project:
        kept = project.run(child.id)
        assert (kept.status, kept.parent) == ("finished", parent.id)
        assert project.console(child.id) == "hello\n"
        (series,) = [one for one in project.series_of(child.id) if one.name == "loss"]
        assert project.points(series.id).values.tolist() == [1.0, 0.5]


def test_a_run_that_is_being_written_is_not_resumed(tmp_path: Path) -> None:
    with vx.Run(project=tmp_path) as run, pytest.raises(VoxloopError, match="another process"):
        vx.Run(project=tmp_path, resume=run.id)


def test_params_are_kept_at_once(tmp_path: Path) -> None:
    with vx.Run(project=tmp_path, params={"shape": (96, 96)}) as run:
        run.params["optimizer"] = {"lr": np.float32(0.5)}
        del run.params["shape"]
        with open_project(tmp_path) as project:
            assert project.run(run.id).params == {"optimizer": {"lr": 0.5}}
        assert dict(run.params) == {"optimizer": {"lr": 0.5}}


@pytest.mark.parametrize("order", [1, -1])
def test_the_best_follows_the_closest_pattern_in_whatever_order_they_were_said(tmp_path: Path, order: int) -> None:
    said = {"val/loss": "min", "val/*": "max", "*": "min", "val/hd*": "min"}
    with vx.Run(project=tmp_path) as run:
        for pattern in list(said)[::order]:
            run.define(pattern, best=said[pattern])
        for value in (3, 1, 2):
            run.log({"val/loss": value, "val/dice": value, "val/hd95": value, "other": value})
    with open_project(tmp_path) as project:
        best = {one.name: one.best for one in project.series_of(run.id)}
    assert best == {"val/loss": 1, "val/dice": 3, "val/hd95": 1, "other": 1}


@pytest.mark.parametrize("value", [np.float32(2), np.array([2.0]), np.int64(2), True + 1])
def test_numbers_of_any_library_are_numbers(tmp_path: Path, value: Any) -> None:
    with vx.Run(project=tmp_path) as run:
        run.log({"x": value})
    with open_project(tmp_path) as project:
        assert project.series_of(run.id)[0].last == 2.0


@pytest.mark.parametrize("value", ["0.5", None, [1, 2], np.zeros(3), {}, object()])
def test_what_is_no_number_is_refused_with_its_name(tmp_path: Path, value: Any) -> None:
    with vx.Run(project=tmp_path) as run, pytest.raises(VoxloopError, match='"val/dice"'):
        run.log({"val/dice": value})


def test_a_context_is_flat(tmp_path: Path) -> None:
    with vx.Run(project=tmp_path) as run, pytest.raises(VoxloopError, match='context key "case"'):
        run.log({"x": 1.0}, context={"case": {"id": 3}})


def test_a_finished_run_takes_no_more(tmp_path: Path) -> None:
    run = vx.Run(name="over", project=tmp_path)
    run.finish()
    run.finish()
    with pytest.raises(VoxloopError, match="over is closed"):
        run.log({"x": 1.0})


def test_wrong_definitions_are_refused(tmp_path: Path) -> None:
    with vx.Run(project=tmp_path) as run:
        with pytest.raises(VoxloopError, match='"maximum"'):
            run.define("val/*", best="maximum")
        with pytest.raises(VoxloopError, match='"hour"'):
            run.define("val/*", axis="hour")


def test_it_remembers_where_it_came_from(tmp_path: Path) -> None:
    with vx.Run(project=tmp_path, tags=["baseline"]) as run:
        pass
    with open_project(tmp_path) as project:
        record = project.run(run.id)
    assert record.tags == ("baseline",)
    assert {"command", "python", "packages", "host", "git"} <= set(record.environment)
    assert record.environment["packages"]["numpy"] == np.__version__
