"""What runs say of cases, side by side and epoch by epoch, held to the points themselves."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pytest

import voxloop as vx
from voxloop.store import Project, codec, open_project
from voxloop.store.goals import goal_of
from voxloop.store.results import cases

STEPS = (1, 2, 4)
DICE = {("a", "liver"): (0.1, 0.5, 0.7), ("a", "spleen"): (0.9, math.nan, 0.6), ("b", "liver"): (0.2, 0.3, 0.2)}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    root = tmp_path_factory.mktemp("cases") / ".voxloop"
    with vx.Run(name="old", project=root) as run:
        run.define("val/hd95", best="min")
        for nth, step in enumerate(STEPS):
            for (case, name), values in DICE.items():
                run.log({"val/dice": values[nth], "val/hd95": 10 * values[nth]}, step=step, context=of(case, name))
            run.log({"val/dice": 0.5, "train/loss": 1.0}, step=step)
        # Said again at a step: the later word counts.
        run.log({"val/dice": 0.8}, step=4, epoch=9, context=of("a", "liver"))
        run.log({"val/dice": 0.1}, step=1, context={"subset": '"case":', "class": "liver"})
    with vx.Run(name="new", project=root) as run:
        run.log({"val/dice": 0.4}, step=7, context=of("c", "liver"))
        run.log({"val/dice": 0.6}, step=7, context={"case": "a", "class": "liver", "fold": 2})
        run.log({"val/dice": 0.7}, step=7, context={"case": 12})
        run.log({"val/nsd": 0.5}, step=7, context={"case": 12, "class": 1})
        run.log({"val/nsd": 0.5}, step=7, context={"class": "spleen"})
    with open_project(root) as opened:
        yield opened


def of(case: str, name: str) -> dict[str, str]:
    return {"case": case, "class": name}


def test_runs_stand_side_by_side_over_all_their_cases(project: Project) -> None:
    board = project.case_board(["old", "new"])
    assert board.metric == "val/dice"
    assert [(one.name, one.goal, one.series) for one in board.metrics] == [
        ("val/dice", "max", 6),
        ("val/hd95", "min", 3),
        ("val/nsd", "max", 1),
    ]
    assert board.rows == [
        ("12", ""),
        ("a", "liver"),
        ("a", "liver · fold=2"),
        ("a", "spleen"),
        ("b", "liver"),
        ("c", "liver"),
    ]
    old, new = board.columns
    assert old.last == [None, 0.8, None, 0.6, 0.2, None]
    assert old.best == [None, 0.8, None, 0.9, 0.3, None]
    assert old.worst == [None, 0.1, None, 0.6, 0.2, None]
    assert new.last == [0.7, None, 0.6, None, None, 0.4]
    assert not any(old.has_volume)


def test_contexts_need_not_be_texts_and_series_of_no_case_are_no_rows(project: Project) -> None:
    assert project.case_board(["new"], "val/nsd").rows == [("12", "1")]
    assert project.case_epochs("new", "val/nsd").rows == [("12", "1")]


def test_the_best_of_a_distance_is_the_lowest(project: Project) -> None:
    board = project.case_board(["old"], "val/hd95")
    assert board.goal == "min"
    assert board.columns[0].best == [1.0, 6.0, 2.0]
    assert board.columns[0].worst == [7.0, 9.0, 3.0]


def test_epochs_are_what_the_points_say(project: Project) -> None:
    run = project.run("old")
    told = project.case_epochs("old", "val/dice")
    assert told.steps == list(STEPS)
    assert told.epochs == [None, None, 9]
    assert told.rows == sorted(DICE)
    for series in project.series_of(run.id, "val/dice"):
        if "case" not in series.context:
            continue
        points = project.points(series.id)
        by_step = dict(zip(points.steps.tolist(), points.values.tolist(), strict=True))
        row = told.values[told.rows.index((str(series.context["case"]), str(series.context["class"])))]
        assert [math.nan if value is None else value for value in row] == pytest.approx(
            [by_step[step] for step in STEPS], nan_ok=True
        )


def test_a_run_without_cases_has_an_empty_board(project: Project) -> None:
    board = project.case_board(["new"], "val/nothing")
    assert (board.rows, board.columns[0].last) == ([], [])
    assert project.case_epochs("new", "val/nothing").rows == []


def test_an_unknown_run_is_named(project: Project) -> None:
    with pytest.raises(vx.VoxloopError, match="nobody"):
        project.case_board(["old", "nobody"])


@pytest.mark.parametrize(
    ("name", "goal"), [("val/dice", "max"), ("val/HD95", "min"), ("eval/assd", "min"), ("val/nsd", "max")]
)
def test_which_way_is_better_is_read_from_the_name_where_nobody_said(name: str, goal: str) -> None:
    assert goal_of(name, {}) == goal
    assert goal_of(name, {"val/*": {"axis": "epoch"}, "*": {"best": "min"}}) == "min"


@pytest.fixture(scope="module")
def lost_and_found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Distances to organs that were not found at one epoch or another, and a run that says nothing of cases after it."""
    root = tmp_path_factory.mktemp("infinite") / ".voxloop"
    inf = math.inf
    logged = {
        "found late": (inf, 8.0, 4.0),
        "lost": (8.0, 4.0, inf),
        "lost between": (8.0, inf, 4.0),
        "never found": (inf, inf, inf),
        "absent": (math.nan, math.nan, math.nan),
        "there at the end": (math.nan, inf, 2.0),
        "gone at the end": (inf, 2.0, math.nan),
    }
    with vx.Run(name="distances", project=root) as run:
        for nth, step in enumerate(STEPS):
            for case, values in logged.items():
                run.log({"val/hd95": values[nth], "val/log": -values[nth]}, step=step, context={"case": case})
        run.log({"val/once": inf}, step=1, context={"case": "once"})
    with vx.Run(name="newer", project=root) as run:
        run.log({"train/loss": 1.0}, step=1)
    with open_project(root) as opened:
        yield opened


def test_what_was_never_found_is_infinitely_far(lost_and_found: Project) -> None:
    inf = math.inf
    board = lost_and_found.case_board(["distances"], "val/hd95")
    column = board.columns[0]
    told = {
        key[0]: at for key, at in zip(board.rows, zip(column.last, column.best, column.worst, strict=True), strict=True)
    }
    assert told == {
        "absent": (None, None, None),
        "found late": (4.0, 4.0, inf),
        "gone at the end": (None, 2.0, inf),
        "lost": (inf, 4.0, inf),
        "lost between": (4.0, 4.0, inf),
        "never found": (inf, inf, inf),
        "there at the end": (2.0, 2.0, inf),
    }
    assert lost_and_found.case_board(["distances"], "val/once").columns[0].last == [inf]
    board = lost_and_found.case_board(["distances"], "val/log")
    assert board.goal == "max"
    at = board.rows.index(("lost between", ""))
    assert (board.columns[0].best[at], board.columns[0].worst[at]) == (-4.0, -inf)
    epochs = lost_and_found.case_epochs("distances", "val/hd95")
    assert epochs.values[epochs.rows.index(("gone at the end", ""))] == [inf, 2.0, None]


def test_of_a_score_no_point_is_read_that_a_summary_tells(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(_: bytes) -> None:
        raise AssertionError("a point was read")

    monkeypatch.setattr(codec, "Chunk", read)
    assert project.case_board(["new"], "val/dice").rows


def test_the_newest_run_that_says_anything_of_cases(lost_and_found: Project, tmp_path: Path) -> None:
    with lost_and_found.reading() as connection:
        assert cases.newest_run(connection) == lost_and_found.run("distances").id
    with vx.Run(name="archived", project=tmp_path / ".voxloop") as run:
        run.log({"val/dice": 0.5}, step=1, context=of("a", "liver"))
    with open_project(tmp_path / ".voxloop") as other:
        other.edit("archived", archived=True)
        with other.reading() as connection:
            assert cases.newest_run(connection) is None
