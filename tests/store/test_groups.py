"""Runs in groups: every run is in the right ones, and the figures are what a person would work out by hand."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import voxloop as vx
from tests import postgres
from voxloop.errors import VoxloopError
from voxloop.store import Project, open_project
from voxloop.store.results import groups
from voxloop.store.results.summaries import Summary, key_of
from voxloop.store.results.summaries import summed as summed_up

RUNS = 12
DICE = "metrics.val/dice.best"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("groups")
    fill(root)
    return root


def fill(root: Path) -> None:
    """Learning rates as whole numbers and as others, a param that is a text here and a tree there, and runs without either."""
    rates: list[object] = [1, 1.0, 0.001, True, None, "1"]
    for number in range(RUNS):
        params = {
            "lr": rates[number % 6],
            "model": {"name": "unet"} if number % 2 else "unet",
            "a.b": {"c": number % 3},
        }
        tags = [tag for tag, every in (("even", 2), ("third", 3)) if number % every == 0]
        with vx.Run(name=f"run-{number}", experiment="x", params=params, tags=tags, project=root) as run:
            run.define("val/*", best="max")
            if number != 2:
                run.log({"val/dice": number / 10, "loss": -float(number)}, step=1)


@pytest.fixture(scope="module")
def project(root: Path) -> Iterator[Project]:
    with open_project(root) as opened:
        yield opened


def members(project: Project, *by: str, q: str = "") -> dict[str, list[int]]:
    names = {run.id: int(run.name.removeprefix("run-")) for run in project.runs()}
    return {group.key: sorted(names[one] for one in group.ids) for group in project.groups(by, q).groups}


def test_equal_values_are_one_group_and_what_is_missing_comes_last(project: Project) -> None:
    assert members(project, "params.lr") == {
        "true": [3, 9],
        "0.001": [2, 8],
        "1": [0, 1, 6, 7],
        '"1"': [5, 11],
        "null": [4, 10],
    }
    assert list(members(project, "params.model")) == ['"unet"', "null"], "what has keys inside is no value"
    assert members(project, 'params["a.b"].c')["2"] == [2, 5, 8, 11]
    assert members(project, "params.gone") == {"null": list(range(RUNS))}


def test_a_run_is_in_the_group_of_each_of_its_tags(project: Project) -> None:
    found = members(project, "tags")
    assert found == {'"even"': [0, 2, 4, 6, 8, 10], '"third"': [0, 3, 6, 9], "null": [1, 5, 7, 11]}
    assert members(project, "tags", "params.lr", q="run.params.lr < 1")['"even", 0.001'] == [2, 8]
    assert project.groups(["tags"]).runs == RUNS


def test_columns_are_summed_up_and_the_groups_ordered_by_them(project: Project) -> None:
    by, columns = ["params.lr"], [DICE, "metrics.loss.last", "status", "name"]
    found = project.groups(by, columns=columns, order=[f"-{DICE}"])
    assert [group.key for group in found.groups] == ["0.001", '"1"', "null", "true", "1"]
    ones = next(group for group in found.groups if group.key == "1")
    values = [0.0, 0.1, 0.6, 0.7]
    dice = ones.cells[0]
    assert dice is not None
    assert (dice.count, dice.low, dice.high) == (4, 0.0, 0.7)
    assert dice.mean == pytest.approx(0.35)
    assert dice.median == pytest.approx(0.35)
    assert dice.deviation == pytest.approx(statistics.stdev(values))
    assert ones.cells[2] == Summary(4, distinct=1, values=("finished",))
    assert ones.cells[3] is not None
    assert (ones.cells[3].distinct, len(ones.cells[3].values)) == (4, 3)
    lone = next(group for group in found.groups if group.key == "0.001")
    assert lone.cells[0] == Summary(1, 0.8, None, 0.8, 0.8, 0.8), "run 2 has said nothing"

    def keys(*order: str, figure: groups.Figure = "mean") -> list[str]:
        return [group.key for group in project.groups(by, columns=columns, order=order, figure=figure).groups]

    assert keys("metrics.loss.last", figure="range")[0] == '"1"'
    assert keys("-metrics.loss.last", figure="range")[0] == "1"
    assert keys("-runs")[0] == "1"
    assert keys("-params.lr") == ['"1"', "1", "0.001", "true", "null"], "what is missing is last both ways"
    within = project.groups(by, sort="run.created").groups
    assert [len(group.ids) for group in within] == [2, 2, 4, 2, 2]
    assert within[2].ids == tuple(
        run.id for run in project.runs(sort="run.created") if run.name in ("run-0", "run-1", "run-6", "run-7")
    )
    with pytest.raises(VoxloopError, match="no column"):
        project.groups(by, order=["metrics.loss.max"])
    with pytest.raises(VoxloopError, match="one column or two"):
        project.groups(["name", "tags", "status"])


def test_more_groups_than_can_be_shown_are_counted(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "MOST", 5)
    found = project.groups(["name"])
    assert (found.total, len(found.groups)) == (RUNS, 5)


def test_a_teams_database_groups_alike(tmp_path: Path, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    with postgres.server() as url:
        monkeypatch.setenv("VOXLOOP_STORE", f"{url}&application_name=groups")
        fill(tmp_path)
        with open_project(tmp_path) as team:
            for by in (["params.lr"], ["tags", "params.model"], ['params["a.b"].c', "status"]):
                assert members(team, *by) == members(project, *by)
                asked = [DICE, "experiment", "params.lr"]
                mine, theirs = (one.groups(by, columns=asked, order=[f"-{DICE}"]) for one in (project, team))
                assert [group.cells for group in mine.groups] == [group.cells for group in theirs.groups]


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1, max_size=20))
def test_the_figures_are_those_of_the_finite_numbers(values: list[float]) -> None:
    summed = summed_up(values)
    finite = [value for value in values if np.isfinite(value)]
    assert summed is not None
    if not finite:
        assert summed.mean is None
        assert summed.distinct is not None
        return
    assert summed.count == len(finite)
    assert summed.mean is not None
    assert summed.median is not None
    assert (summed.low, summed.high) == (min(finite), max(finite))
    assert min(finite) <= summed.mean <= max(finite)
    assert min(finite) <= summed.median <= max(finite)
    if all(abs(value) < 1e100 for value in finite):
        near = 1e-9 * max(map(abs, finite)) + 1e-300
        assert summed.mean == pytest.approx(statistics.fmean(finite), abs=near)
        assert summed.median == pytest.approx(statistics.median(finite), abs=near)
        assert summed.deviation == (pytest.approx(statistics.stdev(finite), abs=near) if len(finite) > 1 else None)


def test_a_whole_number_beyond_all_floats_is_told_as_it_is() -> None:
    assert summed_up([10**400, 1]) == Summary(2, distinct=2, values=(10**400, 1))
    assert groups._place(10**400) > groups._place(1e300)


@given(st.lists(st.none() | st.booleans() | st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=3))
def test_a_key_can_be_read_and_joined_with_others(values: list[object]) -> None:
    key = key_of(values)
    assert json.loads(f"[{key}]") == values
    assert "~" not in key
