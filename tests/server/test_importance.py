"""Whole columns of runs, and which params go with a metric, over HTTP."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

import voxloop as vx
from tests.server.conftest import HERE
from voxloop.server.app import create_app
from voxloop.store import open_project

LONG = "a long note " * 20


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """Eight runs: dice rises with lr and does not care for the rest; one has no metric, one a param that is no number."""
    root = tmp_path_factory.mktemp("sweep") / ".voxloop"
    for nth in range(8):
        params = {
            "lr": 10.0 ** -(7 - nth) if nth != 2 else float("nan"),
            "net": ["unet", "segresnet"][nth % 2],
            "mixed": [True, 1, "1", [64, 64]][nth % 4],
            "note": LONG + str(nth % 2),
            "data": "spleen",
            "a.b": {"c": nth % 3},
        }
        with vx.Run(name=f"run-{nth}", project=root, params=params) as run:
            run.define("val/*", best="max")
            if nth != 3:
                run.log({"val/dice": nth / 10, "time": 9.0 - nth, "broken": math.nan}, step=1)
                run.log({"val/dice": nth / 20, "time": 8.0 - nth}, step=2)
    with open_project(root) as project, TestClient(create_app(project), HERE) as one:
        yield one


def test_columns_come_whole_and_newest_first(client: TestClient) -> None:
    keys = ["params.lr", "params.net", "metrics.val/dice", "duration_s", "params.gone"]
    answer = client.get("/api/v1/runs/values", params={"column": keys}).json()
    assert answer["total"] == 8
    assert answer["names"] == [f"run-{nth}" for nth in range(7, -1, -1)]
    lr, net, dice, duration = answer["columns"]
    assert lr["kind"] == "number"
    assert lr["values"] == [pytest.approx(10.0 ** -(7 - nth)) if nth != 2 else "NaN" for nth in range(7, -1, -1)]
    assert [level["text"] for level in net["levels"]] == ["segresnet", "unet"]
    assert net["values"] == [0, 1, 0, 1, 0, 1, 0, 1]
    assert dice["values"] == [pytest.approx(nth / 10) if nth != 3 else None for nth in range(7, -1, -1)]
    assert (dice["term"], dice["statistic"], dice["goal"]) == ('run.metrics["val/dice"].best', "best", "max")
    assert all(value >= 0 for value in duration["values"])


def test_the_last_value_stands_where_not_every_run_has_a_best_one(client: TestClient) -> None:
    asked = {"column": ["metrics.time", "metrics.broken"]}
    time, broken = client.get("/api/v1/runs/values", params=asked).json()["columns"]
    assert (time["statistic"], time["goal"], time["values"][0]) == ("last", None, 1.0)
    assert set(broken["values"]) == {None}
    low = client.get("/api/v1/runs/values", params={**asked, "statistic": "max"}).json()["columns"][0]
    assert (low["statistic"], low["values"][0]) == ("max", 2.0)


def test_every_level_is_found_by_the_query_that_it_gives(client: TestClient) -> None:
    keys = ["params.mixed", "params.net", "params.note"]
    answer = client.get("/api/v1/runs/values", params={"column": keys}).json()
    for column in answer["columns"][:2]:
        for place, level in enumerate(column["levels"]):
            wanted = {run for run, value in zip(answer["ids"], column["values"], strict=True) if value == place}
            found = client.get("/api/v1/runs/rows", params={"q": f"{column['term']} == {level['literal']}"}).json()
            assert {row["id"] for row in found["rows"]} == wanted, level
    mixed, _, note = answer["columns"]
    assert [level["literal"] for level in mixed["levels"]] == ["True", "1", '"1"', "[64, 64]"]
    assert [level["literal"] for level in note["levels"]] == [None, None]
    assert max(len(level["text"]) for level in note["levels"]) < 130


def test_the_likeliest_metric_that_has_numbers_is_held_against_the_params(client: TestClient) -> None:
    answer = client.get("/api/v1/runs/importance").json()
    assert (answer["metric"], answer["statistic"], answer["goal"], answer["runs"]) == (
        "metrics.val/dice",
        "best",
        "max",
        7,
    )
    params = {one["key"]: one for one in answer["params"]}
    assert "params.data" not in params
    assert answer["params"][0]["key"] == "params.lr"
    assert (params["params.lr"]["rho"], params["params.lr"]["runs"]) == (1.0, 6)
    assert params["params.net"]["shape"] == "groups"
    assert 'params["a.b"].c' in params


def test_a_person_says_which_way_is_better(client: TestClient) -> None:
    def best(**asked: str) -> str | None:
        answer = client.get("/api/v1/runs/importance", params={"metric": "metrics.time", **asked}).json()
        found: str | None = next(one for one in answer["params"] if one["key"] == 'params["a.b"].c')["best"]
        return found

    assert best(better="min") != best(better="max")


def test_runs_without_any_number_are_told_apart_all_the_same(client: TestClient) -> None:
    answer = client.get("/api/v1/runs/importance", params={"q": 'run.name in ["run-3"]'}).json()
    assert (answer["metric"], answer["runs"], answer["params"]) == (None, 1, [])
    answer = client.get("/api/v1/runs/importance", params={"metric": "metrics.broken"}).json()
    assert (answer["metric"], answer["runs"]) == ("metrics.broken", 0)
    assert all(one["share"] is None for one in answer["params"])
    assert {one["distinct"] for one in answer["params"] if one["key"] == "params.net"} == {2}


def test_a_query_that_cannot_be_read_is_pointed_at(client: TestClient) -> None:
    for address in ("/api/v1/runs/values", "/api/v1/runs/importance"):
        answer = client.get(address, params={"q": "run.name =< 3"})
        assert (answer.status_code, answer.json()["position"]) == (422, 9)
