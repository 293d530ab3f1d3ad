"""What the page of one run asks beside the run: who is around it, its key figures, its worst cases, its notes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

import voxloop as vx
from tests.server.conftest import HERE, Written
from tests.server.conftest import client as client
from voxloop.server.app import create_app
from voxloop.store import open_project


@pytest.fixture
def family(tmp_path: Path) -> Iterator[tuple[TestClient, dict[str, str]]]:
    """Four runs of one experiment, the third forked from the first, and one of another."""
    ids: dict[str, str] = {}
    for name in ("first", "second", "third", "fourth", "stranger"):
        experiment, fork = ("other" if name == "stranger" else "spleen"), (ids["first"] if name == "third" else None)
        with vx.Run(name=name, experiment=experiment, project=tmp_path, fork=fork, system_s=None) as run:
            ids[name] = run.id
    with open_project(tmp_path) as project, TestClient(create_app(project), HERE) as one:
        yield one, ids


def said(client: TestClient, path: str, **params: Any) -> Any:
    answer = client.get(f"/api/v1/runs/{path}", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_run_knows_who_is_around_it(family: tuple[TestClient, dict[str, str]]) -> None:
    client, ids = family

    def around(name: str) -> tuple[Any, ...]:
        found = said(client, f"{ids[name]}/relatives")
        near = [found[key] and found[key]["name"] for key in ("previous", "next", "parent")]
        return *near, [one["name"] for one in found["children"]], (found["place"], found["total"])

    assert around("first") == (None, "second", None, ["third"], (1, 4))
    assert around("third") == ("second", "fourth", "first", [], (3, 4))
    assert around("stranger") == (None, None, None, [], (1, 1))
    client.patch(f"/api/v1/runs/{ids['second']}", json={"archived": True})
    assert around("third") == ("first", "fourth", "first", [], (2, 3))
    assert around("second") == ("first", "third", None, [], (2, 4))
    client.delete(f"/api/v1/runs/{ids['first']}")
    assert around("third") == (None, "fourth", None, [], (1, 2))
    assert client.get(f"/api/v1/runs/{ids['first']}/relatives").status_code == 404


def test_key_figures_say_when_it_was_best(client: TestClient, written: Written) -> None:
    figures = said(client, f"{written.run_id}/figures")
    assert [one["name"] for one in figures] == ["val/mean_dice", "train/loss"]
    dice, loss = figures
    assert (dice["goal"], dice["axis"], dice["best_step"], dice["best_epoch"]) == ("max", "epoch", 3, 3)
    assert dice["best"] == dice["last"] == pytest.approx(0.6)
    assert (loss["goal"], loss["best"], loss["best_step"], loss["best_epoch"]) == ("min", 1 / 40, 39, 2)
    (undefined,) = said(client, f"{written.failed_id}/figures")
    assert (undefined["goal"], undefined["best"], undefined["last"]) == (None, None, None)


def test_the_worst_cases_come_first_with_where_to_look(client: TestClient, written: Written) -> None:
    worst = said(client, f"{written.run_id}/worst", limit=2)
    assert (worst["metric"], worst["metrics"], worst["goal"], worst["total"]) == ("val/dice", ["val/dice"], "max", 3)
    assert [(one["case"], one["class"], one["last"], one["best"], one["volume_step"]) for one in worst["cases"]] == [
        ("spleen_9", "spleen", 0.3, 0.3, 3),
        ("spleen_9", "lesion", 0.4, 0.6, 3),
    ]
    assert said(client, f"{written.run_id}/worst", metric="val/nothing")["total"] == 0
    assert said(client, f"{written.failed_id}/worst")["metric"] is None


def test_the_highest_distance_is_the_worst(tmp_path: Path) -> None:
    with vx.Run(project=tmp_path, system_s=None) as run:
        run.define("val/hd95", best="min")
        for case, value in (("near", 2.0), ("nothing found", float("inf")), ("far", 40.0)):
            run.log({"val/hd95": value}, step=1, context={"case": case})
    with open_project(tmp_path) as project, TestClient(create_app(project), HERE) as client:
        worst = said(client, f"{run.id}/worst")
    assert (worst["goal"], [one["case"] for one in worst["cases"]]) == ("min", ["nothing found", "far", "near"])
    assert [one["last"] for one in worst["cases"]] == ["Infinity", 40.0, 2.0]
    assert worst["cases"][0]["volume_step"] is None


def test_nobodys_notes_are_written_over(family: tuple[TestClient, dict[str, str]]) -> None:
    client, ids = family

    def write(text: str, before: str) -> Any:
        answer = client.put(f"/api/v1/runs/{ids['first']}/notes", json={"text": text, "before": before})
        assert answer.status_code == 200, answer.text
        return answer.json()

    assert write("mine", before="") == {"kept": True, "text": "mine"}
    assert write("theirs", before="") == {"kept": False, "text": "mine"}
    assert said(client, ids["first"])["notes"] == "mine"
    assert write("both", before="mine")["kept"]
    assert client.put("/api/v1/runs/nobody/notes", json={"text": "", "before": ""}).status_code == 404
