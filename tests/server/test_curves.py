"""Curves along any axis, a part of them, thinned without losing a spike; and what of them was no number."""

from __future__ import annotations

import csv
import io
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

import voxloop as vx
from tests.server.conftest import HERE
from voxloop.server.app import create_app
from voxloop.server.thinned import Thinned
from voxloop.store import Points, curves, open_project

COUNT = 5000
SPIKE = 3333


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A long noisy series with one spike, one with what is no number, one that is an axis, and one of cases."""
    root = tmp_path_factory.mktemp("curves") / ".voxloop"
    rng = np.random.default_rng(5)
    with vx.Run(name="=unet", project=root) as run:
        for step in range(COUNT):
            value = 99.0 if step == SPIKE else float(rng.normal())
            run.log({"train/loss": value}, step=step, epoch=1 + step // 1000)
        for step in range(0, 10):
            kind = {3: float("nan"), 4: float("inf"), 5: float("-inf")}.get(step, float(step))
            run.log({"odd": kind}, step=step)
        for step in (2, 6):
            run.log({"samples": step * 100.0}, step=step)
        run.log({"val/dice": 0.5}, step=4, epoch=1, context={"case": "@a"})
        run.log({"val/dice": 0.75}, step=8, epoch=2, context={"case": "@a"})
    return root


@pytest.fixture
def client(root: Path) -> Iterator[TestClient]:
    with open_project(root) as project, TestClient(create_app(project), HERE) as one:
        yield one


def curve(client: TestClient, name: str, **asked: Any) -> dict[str, Any]:
    answer = client.get("/api/v1/curves", params={"q": f"series.name == {name!r}", **asked})
    assert answer.status_code == 200, answer.text
    (one,) = answer.json()["curves"]
    found: dict[str, Any] = one
    return found


def test_no_spike_is_lost_and_a_part_is_told_in_detail(client: TestClient) -> None:
    whole = curve(client, "train/loss", max=100)["points"]
    assert len(whole["steps"]) <= 100
    assert max(whole["values"]) == 99.0
    assert len(whole["means"]) == len(whole["steps"])
    assert max(whole["means"]) < 3, "a mean of many is no spike"
    assert whole["epochs"][-1] == 5
    part = curve(client, "train/loss", max=100, **{"from": SPIKE - 10.5, "to": SPIKE + 10})["points"]
    assert part["steps"] == list(range(SPIKE - 10, SPIKE + 11))
    assert part["means"] == [], "nothing was left out"
    assert curve(client, "train/loss", **{"from": 1e300})["points"]["steps"] == []
    assert curve(client, "train/loss", **{"from": "nan"})["points"]["steps"] == []


def test_a_curve_lies_along_epochs_times_and_metrics(client: TestClient, root: Path) -> None:
    by_epoch = curve(client, "train/loss", by="epoch", max=10_000)
    x = by_epoch["points"]["x"]
    assert (x[0], x[999], x[-1]) == (pytest.approx(0.001), 1.0, 5.0)
    assert curve(client, "val/dice", by="epoch")["points"]["x"] == [1.0, 2.0]
    assert curve(client, "odd", by="epoch")["unplaced"] == 10, "nobody said their epoch"
    third = curve(client, "train/loss", by="epoch", max=10_000, **{"from": 2.0005, "to": 3})
    assert third["points"]["steps"] == list(range(2000, 3000))

    along = curve(client, "val/dice", by="metric", x="samples")
    assert along["points"]["x"] == [200.0, 600.0], "the last value at or before each step"
    odd = curve(client, "odd", by="metric", x="samples")
    assert (odd["unplaced"], odd["points"]["x"][0]) == (2, 200.0)
    assert curve(client, "odd", by="metric", x="nobody")["points"]["steps"] == []

    with open_project(root) as project:
        began = project.run("=unet").created
    times = curve(client, "odd", by="relative")
    assert times["began"] == began
    assert 0 <= times["points"]["times"][0] < 60
    assert times["broken"]["times"] == times["points"]["times"][3:6]
    assert curve(client, "odd")["points"]["times"] == [], "nobody asks for them there"
    late = curve(client, "odd", by="time", **{"from": began + 3600})
    assert late["points"]["steps"] == []
    assert len(curve(client, "odd", by="relative", **{"from": 0, "to": 3600})["points"]["steps"]) == 10


def test_what_is_no_number_has_its_place(client: TestClient) -> None:
    odd = curve(client, "odd")
    assert odd["points"]["values"][2:7] == [2.0, None, None, None, 6.0]
    assert odd["broken"] == {
        "count": 3,
        "steps": [3, 4, 5],
        "times": [],
        "x": [],
        "kinds": ["NaN", "Infinity", "-Infinity"],
    }
    assert curve(client, "train/loss")["broken"] is None


def test_nothing_is_sent_twice_and_growth_is_seen(tmp_path: Path) -> None:
    with vx.Run(name="a", project=tmp_path) as run:
        run.log({"loss": 1.0}, step=1)
        run.flush()
        with open_project(tmp_path) as project, TestClient(create_app(project), HERE) as client:
            asked = {"q": 'series.name == "loss"'}
            first = client.get("/api/v1/curves", params=asked)
            tag = {"if-none-match": first.headers["etag"]}
            assert client.get("/api/v1/curves", params=asked, headers=tag).status_code == 304
            run.log({"loss": 2.0}, step=2)
            run.flush()
            again = client.get("/api/v1/curves", params=asked, headers=tag)
            assert again.json()["curves"][0]["points"]["values"] == [1.0, 2.0]


def test_all_points_are_a_table_that_a_spreadsheet_takes(client: TestClient) -> None:
    loss, dice = curve(client, "train/loss"), curve(client, "val/dice")
    answer = client.get("/api/v1/curves/points.csv", params={"id": [dice["id"], loss["id"]], "from": 4, "to": 2000})
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert rows[0] == ["run_id", "run", "name", "context.case", "step", "epoch", "time", "value"]
    assert rows[1][1:6] == ["'=unet", "val/dice", "'@a", "4", "1"]
    assert (rows[1][7], len(rows)) == ("0.5", 1 + 2 + 1997)
    assert float(rows[-1][6]) == pytest.approx(loss["began"], abs=600)
    assert client.get("/api/v1/curves/points.csv").status_code == 422
    empty = client.get("/api/v1/curves/points.csv", params={"id": 4711})
    assert len(empty.text.splitlines()) == 1


def test_means_are_of_the_stretch_that_a_point_stands_for() -> None:
    values = np.array([0.0, *np.tile([1.0, 3.0], 500), np.nan, np.inf])
    points = Points(np.arange(len(values)), values, np.zeros(len(values)), np.full(len(values), -1, np.int32))
    told = curves.curve(points, curves.Axis(), 50)
    assert told.broken_count == 2
    assert np.nanmax(told.points.values[np.isfinite(told.points.values)]) == 3.0
    assert np.allclose(told.means[1:-1], 2.0, atol=0.3)


def test_a_piece_is_made_once_and_old_ones_go() -> None:
    made: list[int] = []

    def piece(place: int) -> bytes:
        made.append(place)
        return b"x" * 10

    thinned = Thinned(most=25)
    asking = [threading.Thread(target=thinned.pieces, args=(["a", "b"], piece)) for _ in range(4)]
    for one in asking:
        one.start()
    for one in asking:
        one.join()
    assert sorted(made) == [0, 1]
    thinned.pieces(["c"], piece)
    made.clear()
    assert thinned.pieces(["b", "c"], piece) == [b"x" * 10] * 2
    assert made == []
    thinned.pieces(["a"], piece)
    assert made == [0], "the oldest had gone"
