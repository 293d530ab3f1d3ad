"""Artifacts over HTTP: what there is, what a version holds, and what may become of it."""

from __future__ import annotations

import io
import json
import os
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from fastapi.testclient import TestClient

import voxloop as vx
from tests.server.conftest import HERE
from voxloop.server import artifact_lineage
from voxloop.server.app import create_app
from voxloop.store import Project, open_project, schema
from voxloop.store.artifacts import lineage

NASTY = '<img src=x onerror="alert(1)">.txt'
LONG = f"{'very-' * 40}long.txt"
PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360f8cfc0f01f00050001ff"
    "89993d1d0000000049454e44ae426082"
)


@dataclass(frozen=True)
class Shelf:
    """A project with a dataset, three models of one name and a checkpoint, and a client that asks for them."""

    client: TestClient
    project: Project
    runs: dict[str, str]

    def get(self, place: str, **query: Any) -> Any:
        answer = self.client.get(f"/api/v1{place}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def refused(self, method: str, path: str, body: Any = None) -> str:
        answer = self.client.request(method, f"/api/v1{path}", json=body)
        assert answer.status_code in (404, 422), answer.text
        return str(answer.json()["detail"])


def bundle(folder: Path, number: int) -> Path:
    place = folder / f"bundle-{number}"
    (place / "configs").mkdir(parents=True)
    (place / "models").mkdir()
    (place / "models" / "model.pt").write_bytes(b"\0weights" * (100 * number))
    (place / "configs" / "train.json").write_text(json.dumps({"epochs": number, "text": "ä" * 10}))
    (place / "LICENSE").write_text("same in all of them\n" * 50)
    if number == 3:
        (place / "README.md").write_text("# Spleen\n\n<script>alert(1)</script>\n")
        (place / "cases.csv").write_text("case,dice\n" + "".join(f"c{n},0.{n}\n" for n in range(400)))
        (place / "figure.png").write_bytes(PICTURE)
        (place / NASTY).write_text("harmless")
        (place / LONG).write_text("long")
        (place / "größe.txt").write_text("x" * 300_000)
    return place


@contextmanager
def filled(tmp_path: Path) -> Iterator[Shelf]:
    root = tmp_path / ".voxloop"
    runs = {}
    (tmp_path / "data.json").write_text("{}")
    for number in (1, 2, 3):
        params = {"optimizer": {"lr": 10.0**-number}, "seed": number, "deep": {str(n): n for n in range(20)}}
        with vx.Run(name=f"train-{number}", experiment="spleen", params=params, project=root) as run:
            if number == 1:
                with open_project(root) as project:
                    project.save(tmp_path / "data.json", "Spleen", "dataset", None, ["latest"], {"cases": 41})
            run.define("val/*", best="max")
            run.log({"val/dice": number / 10, "train/loss": 1.0}, step=1)
            run.use("Spleen:v1")
            aliases = ["latest", *(["best"] if number == 2 else [])]
            about = {"dice": number / 10, "epoch": 5, "recipe": "spleen_ct", "nested": {"hd95": 3.0, "deep": {"x": 1}}}
            run.save(bundle(tmp_path, number), "spleen-ct", "model", aliases, about)
            if number == 3:
                about = {"metric": "val_mean_dice", "score": 0.5, "epoch": 1, "flag": True}
                run.save(tmp_path / "data.json", "unet", "checkpoint", (), about)
        runs[run.name] = run.id
    with open_project(root) as project, TestClient(create_app(project), HERE) as client:
        yield Shelf(client, project, runs)


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    """For looking at only, so that tests may share it."""
    with filled(tmp_path_factory.mktemp("shelf")) as one:
        yield one


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Shelf]:
    """For a test that changes something."""
    with filled(tmp_path) as one:
        yield one


def test_names_are_searched_sorted_and_counted_by_kind(shelf: Shelf) -> None:
    said = shelf.get("/artifacts/rows", sort="name")
    assert [row["name"] for row in said["rows"]] == ["Spleen", "spleen-ct", "unet"]
    model = said["rows"][1]
    assert (model["newest"], model["versions"], model["run"]["name"]) == (3, 3, "train-3")
    assert model["aliases"] == [{"alias": "best", "version": 2}, {"alias": "latest", "version": 3}]
    licence = len("same in all of them\n" * 50)
    assert model["stored"] == model["bytes"] - 2 * licence, "what is in all versions is stored once"
    assert said["rows"][0]["run"] is None
    # The checkpoint is the dataset's file, stored once for both.
    assert said["stored"] == sum(row["stored"] for row in said["rows"]) - 2
    assert (said["names"], said["versions"], said["total"]) == (3, 5, 3)
    assert {one["kind"]: one["names"] for one in said["kinds"]} == {"dataset": 1, "model": 1, "checkpoint": 1}

    found = shelf.get("/artifacts/rows", q="spleen", kind="model")
    assert [row["name"] for row in found["rows"]] == ["spleen-ct"]
    assert {one["kind"]: one["names"] for one in found["kinds"]} == {"dataset": 1, "model": 1, "checkpoint": 0}
    assert [row["name"] for row in shelf.get("/artifacts/rows", q="BEST")["rows"]] == ["spleen-ct"]
    assert shelf.get("/artifacts/rows", sort="-bytes", limit=1, offset=1)["total"] == 3
    assert "not sorted by" in shelf.refused("GET", "/artifacts/rows?sort=colour")


def test_a_name_tells_its_versions_apart(shelf: Shelf) -> None:
    said = shelf.get("/artifacts/named/spleen-ct")
    assert [row["version"] for row in said["versions"]] == [3, 2, 1]
    assert said["figures"] == ["dice", "epoch", "nested.hd95"]
    assert [row["figures"][0] for row in said["versions"]] == [0.3, 0.2, 0.1]
    first, second = said["versions"][2], said["versions"][1]
    assert first["added"] == first["bytes"]
    assert second["added"] < second["bytes"], "the licence was there before"
    assert said["stored"] == sum(row["added"] for row in said["versions"])
    assert shelf.get("/artifacts/named/unet")["figures"] == ["val_mean_dice", "epoch"]
    assert 'did you mean "spleen-ct"' in shelf.refused("GET", "/artifacts/named/spleen-tc")


def test_a_version_says_where_it_is_from_and_who_used_it(own: Shelf) -> None:
    said = own.get("/artifacts/versions/spleen-ct:best")
    assert said["ref"] == "spleen-ct:v2"
    maker = said["made_by"]
    assert (maker["name"], maker["experiment"], maker["used"]) == ("train-2", "spleen", ["Spleen:v1"])
    assert next(iter(maker["params"])) == "seed", "what stands highest comes first"
    assert len(maker["params"]) == 12
    assert maker["more_params"] == 10
    assert maker["metrics"] == {"val/dice": 0.2, "train/loss": 1.0}
    assert {file["path"] for file in said["files"]} == {"LICENSE", "configs/train.json", "models/model.pt"}
    assert "is spleen-ct:best, so it is kept" in said["held"]
    data = own.get("/artifacts/versions/Spleen:v1")
    assert data["users"] == 3
    assert data["made_by"] is None

    own.project.delete_run("train-2")
    maker = own.get("/artifacts/versions/spleen-ct:v2")["made_by"]
    assert (maker["gone"], maker["id"]) == (True, own.runs["train-2"])
    data = own.get("/artifacts/versions/Spleen:v1")
    assert own.runs["train-2"] not in [run["id"] for run in data["used_by"] if not run["gone"]]


def test_every_line_to_copy_is_a_command_that_there_is(shelf: Shelf) -> None:
    import shlex

    import typer

    from voxloop.cli.main import app

    root = typer.main.get_command(app)
    lines = [
        one["lines"]
        for ref in ("Spleen:v1", "spleen-ct:v2", "unet:v1")
        for one in shelf.get(f"/artifacts/versions/{ref}")["usage"]
        if one["language"] == "shell"
    ]
    lines.append(shelf.get("/artifacts/prunable", keep="best", last=2, name="spleen-*", kind="model")["command"])
    lines.append(shelf.get("/artifacts/prunable")["command"])
    lines.append(shelf.get("/artifacts/disk")["command"])
    assert len(lines) == 11
    for line in lines:
        program, *words = shlex.split(line)
        assert program == "voxloop"
        command, path = root, []
        while hasattr(command, "commands") and words and words[0] in command.commands:
            path.append(words[0])
            command = command.commands[words.pop(0)]
        with command.make_context(" ".join(path), words) as context:
            assert context.params, line


def test_one_file_is_saved_under_a_name_that_no_header_trips_over(shelf: Shelf) -> None:
    for path in (NASTY, LONG, "größe.txt", "models/model.pt"):
        answer = shelf.client.get("/api/v1/artifacts/versions/spleen-ct:v3/file", params={"path": path})
        assert answer.status_code == 200, answer.text
        header = answer.headers["content-disposition"]
        plain, _, coded = header.partition("; filename*=UTF-8''")
        assert plain.startswith('attachment; filename="')
        assert not set('<>"\\/') & set(plain.removeprefix('attachment; filename="')[:-1])
        assert unquote(coded).endswith(path.rpartition("/")[2][-8:])
        assert len(coded) < 400
        assert answer.headers["content-type"] == "application/octet-stream"
    assert "has no file" in shelf.refused("GET", "/artifacts/versions/spleen-ct:v3/file?path=../../voxloop.db")


def test_the_beginning_of_a_file_is_read_as_what_it_is(shelf: Shelf) -> None:
    def look(path: str) -> Any:
        return shelf.get("/artifacts/versions/spleen-ct:v3/preview", path=path)

    assert look("configs/train.json")["what"] == "json"
    assert look("README.md") == {
        "what": "markdown",
        "text": "# Spleen\n\n<script>alert(1)</script>\n",
        "rows": [],
        "whole": True,
    }
    table = look("cases.csv")
    assert (table["what"], table["rows"][:2], len(table["rows"])) == ("table", [["case", "dice"], ["c0", "0.0"]], 200)
    assert table["whole"] is False
    long = look("größe.txt")
    assert (len(long["text"]), long["whole"]) == (256 * 1024, False)
    assert look("figure.png")["what"] == "image"
    assert look("models/model.pt")["what"] == "binary"


def test_a_zip_holds_every_file_and_none_outside(own: Shelf) -> None:
    answer = own.client.get("/api/v1/artifacts/versions/spleen-ct:v3/zip")
    assert answer.headers["content-disposition"].startswith('attachment; filename="spleen-ct-v3.zip"')
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        assert set(archive.namelist()) == set(own.project.artifact("spleen-ct:v3").files)
        assert archive.read("models/model.pt") == b"\0weights" * 300

    version = own.project.artifact("unet:v1")
    with own.project.writing() as connection:
        files = {"../../escaped": next(iter(version.files.values()))}
        connection.execute(schema.versions.update().where(schema.versions.c.name == "unet").values(files=files))
    (file,) = own.get("/artifacts/versions/unet:v1")["files"]
    assert file["outside"]
    assert "outside its folder" in own.refused("GET", "/artifacts/versions/unet:v1/zip")
    one = own.client.get("/api/v1/artifacts/versions/unet:v1/file", params={"path": "../../escaped"})
    assert 'filename="escaped"' in one.headers["content-disposition"]


def test_a_missing_blob_is_told_at_its_file(own: Shelf) -> None:
    digest = own.project.artifact("spleen-ct:v1").files["models/model.pt"]["digest"]
    own.project.blobs.path(digest).unlink()
    files = own.get("/artifacts/versions/spleen-ct:v1")["files"]
    assert [file["path"] for file in files if file["missing"]] == ["models/model.pt"]
    for what in ("file?path=models/model.pt", "preview?path=models/model.pt", "zip"):
        assert "voxloop doctor" in own.refused("GET", f"/artifacts/versions/spleen-ct:v1/{what}")


def test_aliases_move_come_and_go(own: Shelf) -> None:
    place = "/artifacts/named/spleen-ct/aliases"
    moved = own.client.put(f"/api/v1{place}/best", json={"version": 3}).json()
    assert moved == {"alias": "best", "version": 3, "before": 2}
    assert own.client.put(f"/api/v1{place}/shipped", json={"version": 1}).json()["before"] is None
    assert own.project.artifact("spleen-ct:shipped").version == 1
    assert own.client.delete(f"/api/v1{place}/shipped").status_code == 204
    assert 'no alias "shipped"' in own.refused("DELETE", f"{place}/shipped")
    assert "always the newest version" in own.refused("PUT", f"{place}/latest", {"version": 1})
    assert "cannot be an alias" in own.refused("PUT", f"{place}/v7", {"version": 1})
    assert "no version or alias" in own.refused("PUT", f"{place}/best", {"version": 9})


def test_a_version_that_is_held_is_not_deleted(own: Shelf) -> None:
    reason = own.get("/artifacts/versions/spleen-ct:v2")["held"]
    assert own.refused("DELETE", "/artifacts/versions/spleen-ct:v2") == reason
    assert own.client.delete("/api/v1/artifacts/versions/spleen-ct:v1").status_code == 204
    assert [row["version"] for row in own.get("/artifacts/named/spleen-ct")["versions"]] == [3, 2]
    with vx.Run(name="reader", project=own.project.root) as run:
        run.use("unet:v1")
        assert "in use by the running run reader" in own.refused("DELETE", "/artifacts/versions/unet:v1")


def test_lineage_is_told_with_what_stands_behind_each_node(shelf: Shelf) -> None:
    said = shelf.get("/artifacts/versions/spleen-ct:v2/lineage")
    assert said["start"] == "spleen-ct:v2"
    nodes = {node["id"]: node for node in said["nodes"]}
    assert set(nodes) == {"Spleen:v1", shelf.runs["train-2"], "spleen-ct:v2"}
    assert nodes["spleen-ct:v2"] | {"created": 0} == {
        "id": "spleen-ct:v2",
        "what": "version",
        "name": "spleen-ct",
        "version": 2,
        "kind": "model",
        "aliases": ["best"],
        "created": 0,
        "gone": False,
        "more_before": 0,
        "more_after": 0,
    }
    assert nodes[shelf.runs["train-2"]]["kind"] == "finished"
    assert len(shelf.get("/artifacts/versions/Spleen:v1/lineage")["nodes"]) == 1 + 3 + 4
    assert len(shelf.get("/artifacts/versions/Spleen:v1/lineage", depth=1)["nodes"]) == 4


def test_of_a_crowded_lineage_the_notable_are_told_and_the_rest_counted(shelf: Shelf) -> None:
    with shelf.project.reading() as connection:
        found = lineage.of_version(connection, shelf.project.artifact("Spleen:v1"))
        facts = lineage.facts(connection, found)
    told = artifact_lineage.told(found, facts, beside=1)
    # The run that led to the best model comes before the newest.
    assert told.ids == ("Spleen:v1", shelf.runs["train-2"], "spleen-ct:v2")
    assert (told.before, told.after) == ({}, {"Spleen:v1": 2})
    assert len(artifact_lineage.between(found, told.ids)) == 2
    few = artifact_lineage.told(found, facts, most=4)
    assert few.ids == ("Spleen:v1", shelf.runs["train-2"], shelf.runs["train-3"], shelf.runs["train-1"])
    assert few.after[shelf.runs["train-3"]] == 2


def test_only_what_was_agreed_to_is_pruned(own: Shelf) -> None:
    plan = own.get("/artifacts/prunable")
    assert [one["ref"] for one in plan["removed"]] == ["spleen-ct:v1"], "the newest stays"
    assert plan["command"] == "voxloop models prune"
    assert plan["bytes"] == len(b"\0weights" * 100) + len(json.dumps({"epochs": 1, "text": "ä" * 10}))
    order = {"keep": ["best", "latest", "aliased", "used"], "refs": ["spleen-ct:v1", "spleen-ct:v2"]}
    assert "have changed since you saw them" in own.refused("POST", "/artifacts/prune", order)
    assert "is no rule" in own.refused("POST", "/artifacts/prune", {"keep": ["nice"], "refs": []})
    assert len(own.project.artifacts()) == 5
    old = time.time() - 7200
    for digest in own.project.blobs:
        os.utime(own.project.blobs.path(digest), (old, old))
    order["refs"] = ["spleen-ct:v1"]
    said = own.client.post("/api/v1/artifacts/prune", json=order).json()
    assert said == {"removed": ["spleen-ct:v1"], "bytes": plan["bytes"], "waiting": 0}
    assert own.get("/artifacts/disk")["unreferred"]["blobs"] == 0


def test_what_nothing_refers_to_is_seen_and_freed(own: Shelf) -> None:
    digest = own.project.blobs.put(b"nobody's")
    # The database has not changed; the answer is the one for a page that opens now.
    assert own.get("/artifacts/disk")["unreferred"]["waiting"] == 1
    old = time.time() - 7200
    os.utime(own.project.blobs.path(digest), (old, old))
    assert own.client.post("/api/v1/artifacts/collect").json() == {"removed": [], "bytes": 8, "waiting": 0}
    assert digest not in own.project.blobs
