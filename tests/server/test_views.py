"""Saved views and groups of runs over HTTP: what is shared is refused where somebody else was faster, in words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

import voxloop as vx
from tests.server.conftest import HERE
from voxloop.server.app import create_app
from voxloop.store import open_project


@pytest.fixture
def own(tmp_path: Path) -> Iterator[TestClient]:
    """A project of a test's own, which may be changed."""
    for number in range(4):
        params = {"lr": 10.0 ** -(1 + number % 2), "text": "x" * 5000}
        with vx.Run(name=f"unet-{number}", params=params, project=tmp_path) as run:
            run.log({"val/dice": float("nan") if number == 3 else number / 4}, step=1)
    with open_project(tmp_path) as project, TestClient(create_app(project), HERE) as one:
        yield one


def test_a_view_lives_and_is_shared(own: TestClient) -> None:
    new = {"page": "runs", "name": "<b>wide</b>", "address": "/runs?cols=status"}
    made = own.post("/api/v1/views", json=new)
    assert made.status_code == 200
    view = made.json()
    assert {key: view[key] for key in new} == new
    taken = own.post("/api/v1/views", json={**new, "address": "/runs"})
    assert taken.status_code == 409
    assert "already" in taken.json()["detail"]
    place = f"/api/v1/views/{view['id']}"
    assert own.patch(place, json={"name": "wide"}).json()["name"] == "wide"
    assert own.patch(place, json={"address": "/runs?q=a", "was": view["address"]}).json()["address"] == "/runs?q=a"
    overtaken = own.patch(place, json={"address": "/runs?q=b", "was": view["address"]})
    assert overtaken.status_code == 409
    assert "Somebody else" in overtaken.json()["detail"]
    assert [one["name"] for one in own.get("/api/v1/views?page=runs").json()] == ["wide"]
    assert own.get("/api/v1/views?page=media").json() == []
    assert own.delete(place).status_code == 204
    assert own.delete(place).status_code == 404


@pytest.mark.parametrize(
    "wrong", [{"page": "../x"}, {"name": ""}, {"name": "x" * 501}, {"address": ""}, {"address": "x" * 20_001}]
)
def test_what_no_view_can_be_is_not_understood(own: TestClient, wrong: dict[str, str]) -> None:
    new = {"page": "runs", "name": "a", "address": "/runs", **wrong}
    assert own.post("/api/v1/views", json=new).status_code == 422


def test_runs_are_told_in_groups(own: TestClient) -> None:
    asked = "/api/v1/runs/groups?by=params.lr&column=metrics.val/dice.last&column=params.text&order=-params.lr"
    said = own.get(asked).json()
    assert (said["runs"], said["total"]) == (4, 2)
    first, second = said["groups"]
    assert (first["key"], first["values"], len(first["ids"])) == ("0.1", [0.1], 2)
    assert first["cells"][0]["mean"] == 0.25
    assert second["cells"][0] == {"count": 1, "mean": 0.25, "median": 0.25, "low": 0.25, "high": 0.25}
    assert len(first["cells"][1]["values"][0]) < 1100, "a book is not sent for a cell"
    rows = own.get("/api/v1/runs/rows?column=params.text&column=name").json()["rows"]
    assert all(len(row["cells"][0]) < 1100 and row["cells"][1] == row["name"] for row in rows)
    assert own.get(asked + "&q=run.name%20==%20%27none%27").json()["groups"] == []
    assert own.get("/api/v1/runs/groups").status_code == 422
    assert own.get("/api/v1/runs/groups?by=a&by=b&by=c").status_code == 422
    assert own.get("/api/v1/runs/groups?by=name&q=run.nme").status_code == 422
