"""Every route, on a project that was really written. The order follows the API's own description."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from fastapi.testclient import TestClient

import voxloop
import voxloop as vx
from tests.server.conftest import AFFINE, EPOCHS, HERE, SHAPE, Written
from voxloop.server.app import create_app
from voxloop.store import open_project


def ask(client: TestClient, address: str) -> Any:
    answer = client.get(f"/api/v1{address}")
    assert answer.status_code == 200, answer.text
    # NaN and Infinity are no JSON: a browser refuses the whole answer.
    return json.loads(answer.text, parse_constant=lambda word: f"{word} is no JSON")


def test_a_project_tells_its_name_and_size(client: TestClient, written: Written) -> None:
    said = ask(client, "/project")
    assert said == {
        "name": written.root.parent.name,
        "root": str(written.root),
        "version": voxloop.__version__,
        "runs": 2,
    }


def test_runs_come_newest_first_with_their_plain_series(client: TestClient, written: Written) -> None:
    said = ask(client, "/runs")
    assert said["total"] == 2
    assert [run["name"] for run in said["runs"]] == ["unet-a", "unet-old"]
    first = said["runs"][0]
    assert (first["id"], first["status"], first["tags"]) == (written.run_id, "finished", ["baseline"])
    assert set(first["metrics"]) == {"train/loss", "val/mean_dice"}
    assert first["metrics"]["val/mean_dice"] == {
        "last": 0.6000000000000001,
        "best": 0.6000000000000001,
        "min": 0.2,
        "max": 0.6000000000000001,
    }
    assert first["metrics"]["train/loss"]["best"] == 1 / 40


def test_a_page_of_runs_is_a_part_of_the_list(client: TestClient) -> None:
    said = ask(client, "/runs?limit=1&offset=1")
    assert said["total"] == 2
    assert [run["name"] for run in said["runs"]] == ["unet-old"]
    assert ask(client, "/runs?offset=9")["runs"] == []


def test_a_run_that_only_logged_infinity_has_a_metric_without_numbers(client: TestClient) -> None:
    (old,) = ask(client, "/runs?limit=1&offset=1")["runs"]
    assert old["metrics"]["train/loss"] == {"last": None, "best": None, "min": None, "max": None}


def test_one_run_tells_everything_about_itself(client: TestClient, written: Written) -> None:
    said = ask(client, f"/runs/{written.run_id}")
    assert said["params"]["optimizer"] == {"lr": 1e-4}
    assert said["environment"]["python"]
    assert [one["ref"] for one in said["artifacts"]] == ["spleen-ct:v1"]
    assert [one["aliases"] for one in said["used"]] == [["best"]]
    assert said["artifacts"][0]["bytes"] == len(b"weights")


def test_params_that_are_no_numbers_are_still_json(client: TestClient, written: Written) -> None:
    said = ask(client, f"/runs/{written.run_id}")
    assert "is no JSON" not in json.dumps(said["params"])


def test_a_run_is_found_by_its_name_or_the_beginning_of_its_id(client: TestClient, written: Written) -> None:
    assert ask(client, "/runs/unet-a")["id"] == written.run_id
    assert ask(client, f"/runs/{written.run_id[:8]}")["id"] == written.run_id


def test_series_are_listed_with_context_and_summary(client: TestClient, written: Written) -> None:
    said = ask(client, f"/runs/{written.run_id}/series")
    assert len(said) == 2 + 3
    lesion = next(one for one in said if one["context"].get("class") == "lesion")
    assert lesion["context"] == {"case": "spleen_9", "class": "lesion"}
    assert (lesion["count"], lesion["first"], lesion["last"], lesion["min"], lesion["max"]) == (3, 0.2, 0.4, 0.2, 0.6)
    assert (lesion["last_step"], lesion["best"]) == (3, 0.6)


def series_id(client: TestClient, run_id: str, name: str) -> int:
    return next(int(one["id"]) for one in ask(client, f"/runs/{run_id}/series") if one["name"] == name)


def test_points_are_columns_of_one_length_and_nan_is_null(client: TestClient, written: Written) -> None:
    said = ask(client, f"/series/{series_id(client, written.run_id, 'train/loss')}/points")
    assert {len(column) for column in said.values()} == {40}
    assert said["steps"] == list(range(40))
    assert said["epochs"][0] == 1
    assert said["values"][7] is None
    assert said["values"][39] == 1 / 40


def test_points_without_an_epoch_have_null_for_it(client: TestClient, written: Written) -> None:
    said = ask(client, f"/series/{series_id(client, written.failed_id, 'train/loss')}/points")
    assert (said["epochs"], said["values"]) == ([None], [None])


def test_points_are_thinned_and_cut_as_asked(client: TestClient, written: Written) -> None:
    number = series_id(client, written.run_id, "train/loss")
    few = ask(client, f"/series/{number}/points?max=10")
    assert len(few["steps"]) <= 10
    assert max(value for value in few["values"] if value is not None) == 1.0
    assert ask(client, f"/series/{number}/points?from=10&to=12")["steps"] == [10, 11, 12]
    assert ask(client, f"/series/{number}/points?from=100")["values"] == []


def test_cases_come_worst_first(client: TestClient, written: Written) -> None:
    said = ask(client, f"/runs/{written.run_id}/cases")
    assert said["metric"] == "val/dice"
    assert said["steps"] == list(EPOCHS)
    assert [(row["case"], row["class"], row["last"]) for row in said["rows"]] == [
        ("spleen_9", "spleen", 0.3),
        ("spleen_9", "lesion", 0.4),
        ("spleen_2", "spleen", 0.9),
    ]
    assert said["rows"][0]["values"] == [0.1, None, 0.3]
    assert (said["rows"][1]["best"], said["rows"][1]["worst"]) == (0.6, 0.2)
    assert all(row["has_volume"] for row in said["rows"])


def test_cases_of_a_metric_that_was_never_logged_are_none(client: TestClient, written: Written) -> None:
    assert ask(client, f"/runs/{written.run_id}/cases?metric=val/hd95")["rows"] == []


def test_volumes_are_listed_by_case(client: TestClient, written: Written) -> None:
    said = ask(client, f"/runs/{written.run_id}/volumes")
    epochs = {"steps": list(EPOCHS), "epochs": list(EPOCHS)}
    assert said == [{"case": case, "name": "val/scan", **epochs} for case in ("spleen_2", "spleen_9")]


def test_a_volume_is_the_last_one_unless_a_step_is_named(client: TestClient, written: Written) -> None:
    last = ask(client, f"/runs/{written.run_id}/volumes/spleen_9")
    assert (last["step"], last["steps"], last["name"]) == (3, list(EPOCHS), "val/scan")
    assert last["dice"] == {"spleen": 0.3, "lesion": 0.4}
    second = ask(client, f"/runs/{written.run_id}/volumes/spleen_9?step=2")
    # The Dice of the spleen is NaN there, and is left out.
    assert second["dice"] == {"lesion": 0.6}
    assert second["image"] == last["image"], "the scan's address stays, so that a browser keeps it"
    assert second["layers"][1]["url"] != last["layers"][1]["url"]


def test_a_volume_tells_where_its_voxels_are_and_what_its_labels_mean(client: TestClient, written: Written) -> None:
    said = ask(client, f"/runs/{written.run_id}/volumes/spleen_2")
    assert said["geometry"]["shape"] == list(SHAPE)
    assert said["geometry"]["affine"] == AFFINE.tolist()
    assert said["geometry"]["spacing_mm"] == [2.0, 2.0, 3.0]
    assert said["geometry"]["orientation"] == "LAS"
    assert [layer["name"] for layer in said["layers"]] == ["truth", "prediction"]
    assert said["layers"][0]["classes"] == [{"value": 1, "name": "spleen"}]


def test_a_blob_arrives_byte_for_byte_and_stays_for_ever(client: TestClient, written: Written) -> None:
    link = ask(client, f"/runs/{written.run_id}/volumes/spleen_2")["image"]
    answer = client.get(link["url"])
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/gzip"
    # With a content encoding the browser would unpack it, and the viewer would look for a gzip that is gone.
    assert "content-encoding" not in answer.headers
    assert "immutable" in answer.headers["cache-control"]
    assert len(answer.content) == link["bytes"]
    image = nib.Nifti1Image.from_bytes(gzip.decompress(answer.content))
    assert np.array_equal(np.asarray(image.dataobj), written.scan)
    again = client.get(link["url"], headers={"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_part_of_a_blob_can_be_asked_for(client: TestClient, written: Written) -> None:
    link = ask(client, f"/runs/{written.run_id}/volumes/spleen_2")["image"]
    answer = client.get(link["url"], headers={"range": "bytes=0-1"})
    assert (answer.status_code, answer.content) == (206, b"\x1f\x8b")


def test_artifacts_are_listed(client: TestClient, written: Written) -> None:
    (only,) = ask(client, "/artifacts")
    assert (only["ref"], only["kind"], only["aliases"], only["run_id"]) == (
        "spleen-ct:v1",
        "model",
        ["best"],
        written.run_id,
    )


def test_a_case_under_two_names_is_never_mixed(tmp_path: Any) -> None:
    voxels = np.zeros(SHAPE, np.int16)
    with voxloop.Run(project=tmp_path) as run:
        for name, step in (("val/scan", 5), ("test/scan", 0)):
            run.log({name: voxloop.Volume(voxels)}, step=step, context={"case": "a/b 1"})
    with open_project(tmp_path) as project, TestClient(create_app(project), HERE) as client:
        at = f"/runs/{run.id}/volumes/a%2Fb%201"
        assert ask(client, at)["name"] == "test/scan"
        assert ask(client, at)["steps"] == [0]
        listed = [(one["name"], one["steps"]) for one in ask(client, f"/runs/{run.id}/volumes")]
        assert listed == [("test/scan", [0]), ("val/scan", [5])], "the newest first"
        assert ask(client, f"{at}?name=val/scan")["steps"] == [5]


def test_a_scan_that_is_only_referred_to_is_shown_as_long_as_it_is_the_same(tmp_path: Path) -> None:
    scan = nib.Nifti1Image(np.arange(24, dtype=np.int16).reshape(2, 3, 4), np.eye(4))
    nib.save(scan, tmp_path / "scan.nii.gz")
    with vx.Run(project=tmp_path) as run:
        volume = vx.Volume(tmp_path / "scan.nii.gz", {"truth": np.ones((2, 3, 4), np.uint8)}, reference=True)
        run.log({"scan": volume}, step=1, context={"case": "a"})
    with open_project(tmp_path) as project, TestClient(create_app(project), base_url=HERE) as client:
        said = ask(client, f"/runs/{run.id}/volumes/a")
        image = client.get(said["image"]["url"])
        assert (image.status_code, image.content) == (200, (tmp_path / "scan.nii.gz").read_bytes())
        assert client.get(said["layers"][0]["url"]).status_code == 200
        assert client.get(said["image"]["url"].replace("/image/", "/layer-0/")).status_code == 404
        (tmp_path / "scan.nii.gz").write_bytes(b"another")
        gone = client.get(said["image"]["url"])
        assert gone.status_code == 404
        assert "has changed since it was logged" in gone.json()["detail"]
