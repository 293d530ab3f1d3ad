"""The first page's answer: what is running, what is new, what got worse, against a real store."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

import voxloop as vx
from tests.server.conftest import HERE
from voxloop.server.app import create_app
from voxloop.store import open_project
from voxloop.store.goals import goal_of
from voxloop.store.results.home_goals import better
from voxloop.store.results.home_running import Pulse, progress

CASES = {"a": (0.9, 0.9), "b": (0.8, 0.5), "c": (0.7, 0.6)}


def train(root: Path, name: str, mean: float, which: int, data: Path | None = None, **more: Any) -> str:
    with vx.Run(name=name, experiment="spleen", project=root, system_s=None, console=False, **more) as run:
        run.define("val/*", axis="epoch", best="max")
        run.log({"val/mean_dice": mean - 0.1}, step=1, epoch=1)
        run.log({"val/mean_dice": mean}, step=2, epoch=2)
        # A later, worse epoch: what counts is the best, for that is kept.
        run.log({"val/mean_dice": mean - 0.3, "train/loss": 0.1}, step=3, epoch=3)
        for case, values in CASES.items():
            run.log({"val/dice": values[which]}, step=3, epoch=3, context={"case": case, "class": "spleen"})
        mask = np.ones((3, 4, 5), np.uint8)
        run.log({"val/scan": vx.Volume(mask.astype(np.int16), {"truth": mask})}, step=3, context={"case": "b"})
        if data is not None:
            run.use(data.name)
        return run.id


@pytest.fixture
def root(tmp_path: Path) -> Path:
    with open_project(tmp_path, create=True) as project:
        return project.root


@pytest.fixture
def client(root: Path) -> Iterator[TestClient]:
    with open_project(root) as project, TestClient(create_app(project), HERE) as one:
        yield one


def home(client: TestClient, **asked: Any) -> Any:
    answer = client.get("/api/v1/home", params=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_an_empty_project_has_no_news(client: TestClient) -> None:
    said = home(client, since=0)
    assert abs(said.pop("now") - time.time()) < 60
    assert said == {
        "runs": 0,
        "running": [],
        "running_total": 0,
        "ended": [],
        "made": [],
        "verdicts": [],
        "since": {},
    }


def test_the_newest_is_held_against_the_best_before_it_and_case_by_case(client: TestClient, root: Path) -> None:
    train(root, "old", 0.70, 0)
    best = train(root, "best", 0.90, 0)
    train(root, "between", 0.80, 0)
    newest = train(root, "newest", 0.85, 1)
    (verdict,) = home(client)["verdicts"]
    assert (verdict["word"], verdict["metric"], verdict["goal"]) == ("worse", "val/mean_dice", "max")
    assert verdict["best"] == {"id": best, "name": "best", "value": 0.9}
    assert verdict["run"] == {"id": newest, "name": "newest", "value": 0.85}
    assert verdict["trend"] == [0.7, 0.9, 0.8, 0.85]
    assert [(one["case"], one["before"], one["now"]) for one in verdict["dropped"]] == [
        ("b", 0.8, 0.5),
        ("c", 0.7, 0.6),
    ]
    assert [one["has_volume"] for one in verdict["dropped"]] == [True, False]

    train(root, "better", 0.95, 1)
    (verdict,) = home(client)["verdicts"]
    assert (verdict["word"], verdict["best"]["name"], verdict["dropped_total"]) == ("better", "best", 2)
    client.patch(f"/api/v1/runs/{best}", json={"archived": True})
    assert home(client)["verdicts"][0]["best"]["name"] == "newest", "what is archived is nobody's rival"


def test_a_figure_on_other_scans_is_no_rival(client: TestClient, root: Path, tmp_path: Path) -> None:
    files = [tmp_path / "spleen", tmp_path / "liver"]
    with open_project(root) as project:
        for file in files:
            file.write_text(file.name)
            project.save(file, file.name, "dataset", None, ["latest"], {"cases": 3})
    train(root, "on-liver", 0.99, 0, files[1])
    assert home(client)["verdicts"][0]["word"] == "first"
    train(root, "on-spleen", 0.80, 0, files[0])
    assert home(client)["verdicts"][0]["best"] is None
    train(root, "on-spleen-again", 0.81, 0, files[0])
    assert home(client)["verdicts"][0]["best"]["name"] == "on-spleen"
    assert {(one["ref"], one["kind"], one["cases"]) for one in home(client)["made"]} == {
        ("spleen:v1", "dataset", 3),
        ("liver:v1", "dataset", 3),
    }


def test_how_a_run_ended_is_news_with_its_last_words(client: TestClient, root: Path, tmp_path: Path) -> None:
    train(root, "good", 0.9, 0)
    with vx.Run(name="bad", experiment="spleen", project=root, system_s=None) as run:
        run.log({"train/loss": float("inf")}, step=1)
        print("Traceback\n\x1b[31mOutOfMemoryError: 1.5 GiB\x1b[0m " + "x" * 400 + "\n\n")
        run.finish("failed")
    model = tmp_path / "model.pt"
    model.write_bytes(b"weights")
    with vx.Run(name="saver", experiment="other", project=root, console=False, system_s=None) as run:
        run.save(model, name="net", kind="model", aliases=["best"], metadata={"dice": 0.91})
        run.save(model, name="each-epoch", kind="checkpoint")
    said = home(client, since=time.time() - 3600)
    assert [one["name"] for one in said["ended"]] == ["saver", "bad", "good"]
    assert said["since"] == {"finished": 2, "failed": 1}
    assert home(client, since=time.time() + 3600)["since"] == {}
    bad = said["ended"][1]
    assert "OutOfMemoryError: 1.5 GiB" in bad["line"]
    assert "\x1b" not in bad["line"]
    assert len(bad["line"]) == 300
    assert bad["value"] is None, "infinity is no figure"
    assert said["ended"][2]["value"] == 0.9
    (made,) = said["made"]
    assert (made["ref"], made["aliases"], made["dice"], made["run_name"]) == (
        "net:v1",
        ["best"],
        0.91,
        "saver",
    )


def test_a_run_that_is_going_on_says_how_far_it_is(client: TestClient, root: Path) -> None:
    with vx.Run(
        name="live", experiment="spleen", params={"train": {"max_epochs": 10}}, project=root, system_s=None
    ) as run:
        run.define("val/*", best="max")
        for epoch in range(1, 5):
            run.log({"train/loss": 1 / epoch, "val/mean_dice": epoch / 10}, step=epoch, epoch=epoch)
        print("epoch 4 done")
        run.flush()
        # What is printed comes with the writer's next turn.
        until = time.monotonic() + 20
        while home(client)["running"][0]["line"] is None and time.monotonic() < until:
            time.sleep(0.05)
        (one,) = home(client)["running"]
        assert (one["progress"]["unit"], one["progress"]["done"], one["progress"]["of"]) == ("epoch", 4, 10)
        assert one["metric"]["name"] == "val/mean_dice"
        assert one["metric"]["values"] == [0.1, 0.2, 0.3, 0.4]
        assert one["line"] == "epoch 4 done"
        assert abs(one["logged"] - time.time()) < 60
    assert home(client)["running"] == []


def test_where_a_run_may_end_follows_from_its_pace() -> None:
    each_epoch = Pulse([10, 20, 30], [1, 2, 3], [100.0, 160.0, 220.0])
    assert progress(each_epoch, {"epochs": 5}).ends == 220 + 2 * 60
    # A pause between two epochs is not how fast it is, and of the epoch that is going on the rest counts.
    going_on = Pulse([1, 2, 3, 4, 5, 6], [1, 1, 2, 2, 3, 3], [0.0, 30.0, 60.0, 90.0, 120.0, 150.0])
    assert progress(going_on, {"epochs": 4}).ends == 120 + 60 * 2
    assert progress(going_on, {}).ends is None
    by_step = Pulse([0, 100], [-1, -1], [0.0, 50.0])
    assert progress(by_step, {"trainer": {"max_steps": 300}}).ends == 50 + 200 * 0.5
    assert progress(by_step, {"trainer": {"max_steps": True}, "epochs": 7}).of is None


@pytest.mark.parametrize(
    ("name", "goal"),
    [("val/mean_dice", "max"), ("eval/hd95_mm", "min"), ("train/loss", "min"), ("lr", None), ("closs", None)],
)
def test_which_way_is_better_is_said_or_guessed_by_the_name(name: str, goal: str | None) -> None:
    assert goal_of(name, {}) == goal
    assert goal_of(name, {"other": {"best": "max"}, "*": {"best": "min"}}) == "min"


def test_a_thousandth_is_no_difference() -> None:
    assert better(0.9005, 0.9, "max") == 0
    assert better(0.91, 0.9, "max") == 1
    assert better(0.91, 0.9, "min") == -1
    assert better(0.0, 0.0, "min") == 0


def test_a_damaged_series_takes_only_its_curve_away(client: TestClient, root: Path) -> None:
    import sqlalchemy as sa

    from voxloop.store import schema

    with vx.Run(name="live", experiment="spleen", project=root, console=False, system_s=None) as run:
        run.log({"val/mean_dice": 0.5}, step=1)
        run.flush()
        with open_project(root) as project, project.writing() as connection:
            connection.execute(sa.update(schema.chunks).values(data=b"garbage"))
        (one,) = home(client)["running"]
        assert (one["metric"]["last"], one["metric"]["values"], one["progress"]) == (0.5, [], None)


def test_the_disk_is_told_and_linked_files_count_once(client: TestClient, root: Path, tmp_path: Path) -> None:
    file = tmp_path / "model.pt"
    file.write_bytes(b"w" * 100_000)
    with open_project(root) as project:
        project.materialise(project.save(file, "net", "model", None, [], {}))
    said = client.get("/api/v1/home/disk").json()
    assert said["blobs"] == 100_000
    assert said["cache"] == 0
    assert said["database"] > 0
    assert 0 < said["free"] <= said["total"]


def test_a_few_letters_lead_to_runs_and_artifacts(client: TestClient, root: Path, tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_text("x")
    ids = {name: train(root, name, 0.9, 0) for name in ("Unet-1", "unet_2", "50% off", "<script>")}
    with open_project(root) as project:
        project.save(file, "unet-ct", "model", None, [], {})

    def found(text: str) -> tuple[list[str], list[str]]:
        said = client.get("/api/v1/jump", params={"q": text}).json()
        return [run["name"] for run in said["runs"]], [one["name"] for one in said["artifacts"]]

    assert found("unet") == (["unet_2", "Unet-1"], ["unet-ct"])
    assert found("UNET spleen 1") == (["Unet-1"], [])
    assert found("_") == (["unet_2"], []), "a wildcard of SQL is a letter like any other"
    assert found("%") == (["50% off"], [])
    assert found("<script>") == (["<script>"], [])
    assert found(ids["Unet-1"]) == (["Unet-1"], [])
    assert len(found("")[0]) == 4
    assert client.get("/api/v1/jump", params={"q": "x" * 201}).status_code == 422
