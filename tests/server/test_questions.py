"""The query language over HTTP: runs that fit, words and completions, a place for every mistake; and what a person says of runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

import voxloop as vx
from tests.server.conftest import HERE
from voxloop.server.app import create_app
from voxloop.store import open_project, schema


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    for number, rate in enumerate((1e-2, 1e-3, 1e-4)):
        with vx.Run(name=f"unet-{number}", project=tmp_path, params={"lr": rate}) as run:
            run.log({"val/dice": 0.5 + number / 10})
            print("hello")
    with open_project(tmp_path) as project, TestClient(create_app(project), base_url=HERE) as opened:
        yield opened


def names(client: TestClient, **asked: str) -> list[str]:
    answer = client.get("/api/v1/runs", params=asked)
    assert answer.status_code == 200, answer.text
    assert answer.json()["total"] >= len(answer.json()["runs"])
    return [run["name"] for run in answer.json()["runs"]]


def test_a_query_chooses_and_sorts(client: TestClient) -> None:
    assert names(client, q="run.params.lr < 5e-3", sort='-run.metrics["val/dice"].max') == ["unet-2", "unet-1"]
    said = client.get("/api/v1/runs", params={"q": "run.params.lr < 5e-3", "limit": "1"}).json()
    assert (said["total"], len(said["runs"])) == (2, 1)


def test_a_mistake_has_a_place_and_a_sentence(client: TestClient) -> None:
    answer = client.get("/api/v1/runs", params={"q": "run.nmae == 'x'"})
    assert answer.status_code == 422
    problem = answer.json()
    assert problem["position"] == 4
    assert "did you mean" in problem["detail"]
    assert "\n" not in problem["detail"]
    assert client.get("/api/v1/runs", params={"sort": "run.nmae"}).status_code == 422


def test_words_and_completions(client: TestClient) -> None:
    assert "case.metric" in {one["name"] for one in client.get("/api/v1/query/terms?scope=case").json()}
    offered = client.get("/api/v1/query/completions", params={"text": "run.params.l"}).json()
    assert next((one["text"], one["start"], one["end"]) for one in offered) == ("lr", 11, 12)
    assert client.get("/api/v1/query/terms?scope=volume").status_code == 422


def test_a_run_is_edited_archived_and_deleted(client: TestClient) -> None:
    (run,) = client.get("/api/v1/runs", params={"q": "run.name == 'unet-0'"}).json()["runs"]
    address = f"/api/v1/runs/{run['id']}"
    changed = client.patch(address, json={"name": "first", "tags": ["old"], "notes": "look", "archived": True})
    assert changed.status_code == 200, changed.text
    assert (changed.json()["name"], changed.json()["tags"], changed.json()["notes"]) == ("first", ["old"], "look")
    assert names(client) == ["unet-2", "unet-1"]
    assert names(client, q="run.archived") == ["first"]
    assert client.patch(address, json={"archived": False}).json()["notes"] == "look"
    assert client.patch(address, json={"name": ""}).status_code == 422
    assert client.delete(address).status_code == 204
    assert client.get(address).status_code == 404
    assert client.delete(address).status_code == 404


def test_several_runs_are_changed_and_deleted_all_or_none(client: TestClient, tmp_path: Path) -> None:
    ids = [run["id"] for run in client.get("/api/v1/runs").json()["runs"]]
    tagged = {"changes": {run_id: {"tags": ["seen"]} for run_id in ids}}
    assert (
        client.patch("/api/v1/runs", json={"changes": {**tagged["changes"], "gone": {"tags": []}}}).status_code == 404
    )
    assert names(client, q="'seen' in run.tags") == []
    assert client.patch("/api/v1/runs", json=tagged).status_code == 204
    assert len(names(client, q="'seen' in run.tags")) == 3
    with open_project(tmp_path) as project, project.writing() as connection:
        connection.execute(schema.runs.update().where(schema.runs.c.id == ids[-1]).values(status="running"))
    refused = client.post("/api/v1/runs/delete", json={"runs": ids})
    assert "is still running; stop it first" in refused.json()["detail"]
    assert len(names(client)) == 3
    assert client.post("/api/v1/runs/delete", json={"runs": ids[:2]}).status_code == 204
    assert len(names(client)) == 1


def test_a_stranger_changes_nothing(client: TestClient) -> None:
    (run, *_) = client.get("/api/v1/runs").json()["runs"]
    refused = client.delete(f"/api/v1/runs/{run['id']}", headers={"origin": "http://elsewhere.example"})
    assert refused.status_code == 403
    assert len(names(client)) == 3


def test_what_a_run_printed_is_told(client: TestClient) -> None:
    (run, *_) = client.get("/api/v1/runs").json()["runs"]
    assert "hello" in client.get(f"/api/v1/runs/{run['id']}/console").json()["text"]


def test_columns_say_what_tells_runs_apart(client: TestClient) -> None:
    told = {one["key"]: one for one in client.get("/api/v1/runs/columns").json()}
    assert told["params.lr"] == {
        "key": "params.lr",
        "term": "run.params.lr",
        "kind": "param",
        "runs": 3,
        "differs": True,
        "numbers": True,
    }
    assert told["metrics.val/dice"]["term"] == 'run.metrics["val/dice"]'
    assert not told["status"]["differs"]
    one = client.get("/api/v1/runs/columns", params={"q": 'run.name == "unet-1"'}).json()
    assert not any(column["differs"] for column in one), "one run differs from nobody"
    assert client.get("/api/v1/runs/columns", params={"q": "run.nmae == 1"}).json()["position"] == 4


def test_columns_are_kept_until_the_project_changes(client: TestClient, tmp_path: Path) -> None:
    def runs() -> int:
        told = client.get("/api/v1/runs/columns").json()
        return int(next(one["runs"] for one in told if one["key"] == "params.lr"))

    assert (runs(), runs()) == (3, 3)
    with vx.Run(name="unet-3", project=tmp_path, params={"lr": "auto"}):
        pass
    assert runs() == 4
    told = {one["key"]: one for one in client.get("/api/v1/runs/columns").json()}
    assert not told["params.lr"]["numbers"], "a text among them"


def test_a_part_of_the_table_has_the_cells_that_were_asked_for(client: TestClient) -> None:
    wanted = ["params.lr", "metrics.val/dice.last", "params.nobody"]
    asked = {"column": wanted, "sort": "run.params.lr", "limit": "2", "offset": "1"}
    said = client.get("/api/v1/runs/rows", params=asked).json()
    assert said["total"] == 3
    assert [(row["name"], row["cells"]) for row in said["rows"]] == [
        ("unet-1", [1e-3, 0.6, None]),
        ("unet-0", [1e-2, 0.5, None]),
    ]


def test_the_table_is_a_file_for_a_spreadsheet(client: TestClient) -> None:
    asked = {"column": ["name", "params.lr"], "sort": "run.name", "q": "run.params.lr < 5e-3"}
    answer = client.get("/api/v1/runs/table.csv", params=asked)
    assert answer.headers["content-disposition"] == 'attachment; filename="runs.csv"'
    lines = answer.content.decode("utf-8-sig").split("\r\n")
    assert lines[0] == "id,name,params.lr"
    assert [line.split(",", 1)[1] for line in lines[1:-1]] == ["unet-1,0.001", "unet-2,0.0001"]
    nothing = client.get("/api/v1/runs/table.csv", params={**asked, "q": 'run.name == "nobody"'})
    assert nothing.content.decode("utf-8-sig") == "id,name,params.lr\r\n"


def test_curves_of_several_runs_come_at_once(client: TestClient) -> None:
    names = client.get("/api/v1/curves/names", params={"q": "run.params.lr < 5e-3"}).json()
    assert [(one["name"], one["series"], one["plain"]) for one in names if not one["name"].startswith("system/")] == [
        ("val/dice", 2, True)
    ]
    asked = {"q": 'series.name == "val/dice" and run.params.lr < 5e-3', "sort": "series.last"}
    said = client.get("/api/v1/curves", params=asked).json()
    assert said["total"] == 2
    assert [curve["points"]["values"] for curve in said["curves"]] == [[0.6], [0.7]]
    few = client.get("/api/v1/curves", params={**asked, "limit": "1"}).json()
    assert (few["total"], len(few["curves"])) == (2, 1)
