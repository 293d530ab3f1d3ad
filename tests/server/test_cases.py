"""Cases over HTTP: several runs side by side, and a run's epochs."""

from __future__ import annotations

import math
from pathlib import Path

from fastapi.testclient import TestClient

import voxloop as vx
from tests.server.conftest import DICE, EPOCHS, HERE, Written
from voxloop.server.app import create_app
from voxloop.store import open_project

API = "/api/v1"


def test_a_board_tells_runs_side_by_side(client: TestClient, written: Written) -> None:
    said = client.get(f"{API}/cases", params={"run": [written.run_id, written.failed_id]}).json()
    assert said["metric"] == "val/dice"
    assert list(zip(said["cases"], said["classes"], strict=True)) == sorted(DICE)
    first, second = said["columns"]
    assert (first["name"], second["name"]) == ("unet-a", "unet-old")
    assert first["last"] == [DICE[key][-1] for key in sorted(DICE)]
    assert all(first["has_volume"])
    assert second["last"] == [None] * len(DICE)


def test_epochs_come_as_columns(client: TestClient, written: Written) -> None:
    said = client.get(f"{API}/cases/epochs", params={"run": written.run_id, "metric": "val/dice"}).json()
    assert said["epochs"] == list(EPOCHS)
    # What is no number cannot be said in JSON.
    assert said["values"] == [[v if v == v else None for v in DICE[key]] for key in sorted(DICE)]


def test_a_question_without_a_run_is_told_what_is_missing(client: TestClient) -> None:
    for path in ("/cases", "/cases?run=nobody", "/cases/epochs?run=nobody&metric=x"):
        answer = client.get(API + path)
        assert answer.status_code in (404, 422)
        assert answer.json()["detail"]


def test_infinity_is_a_word_and_what_is_no_number_is_null(tmp_path: Path) -> None:
    with vx.Run(name="distances", project=tmp_path / ".voxloop") as run:
        for case, values in {"lost": (8.0, math.inf), "absent": (math.nan, math.nan), "far": (90.0, 80.0)}.items():
            for step, value in enumerate(values):
                run.log({"val/hd95": value, "val/log": -value}, step=step, context={"case": case})
    asked = {"run": "distances", "metric": "val/hd95"}
    with open_project(tmp_path / ".voxloop") as project, TestClient(create_app(project), HERE) as client:
        board = client.get(f"{API}/cases", params=asked).json()
        column = board["columns"][0]
        assert board["cases"] == ["absent", "far", "lost"]
        assert column["last"] == [None, 80.0, "Infinity"]
        assert column["worst"] == [None, 90.0, "Infinity"]
        assert column["best"] == [None, 80.0, 8.0]
        epochs = client.get(f"{API}/cases/epochs", params=asked).json()
        assert epochs["values"] == [[None, None], [90.0, 80.0], [8.0, "Infinity"]]
        rows = client.get(f"{API}/runs/distances/cases", params={"metric": "val/hd95"}).json()["rows"]
        assert [(row["case"], row["last"]) for row in rows] == [("lost", "Infinity"), ("far", 80.0), ("absent", None)]
        other = client.get(f"{API}/cases", params=asked | {"metric": "val/log"}).json()
        assert (other["goal"], other["columns"][0]["last"][2]) == ("max", "-Infinity")


def test_the_newest_run_with_cases_is_told(client: TestClient, written: Written, tmp_path: Path) -> None:
    assert client.get(f"{API}/cases/newest").json() == {"run_id": written.run_id}
    with open_project(tmp_path / ".voxloop", create=True) as empty, TestClient(create_app(empty), HERE) as other:
        assert other.get(f"{API}/cases/newest").json() == {"run_id": None}
