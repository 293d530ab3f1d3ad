"""Datasets over the API: what a version is made of, what a check says of it, and pictures that show the patient as he lies."""

from __future__ import annotations

import io
import json
import re
import shutil
import time
from collections.abc import Iterator
from itertools import permutations, product
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from fastapi.testclient import TestClient
from nibabel.orientations import axcodes2ornt, inv_ornt_aff, ornt_transform
from PIL import Image

import voxloop as vx
from tests.data.check.datasets import change, save
from tests.server.conftest import HERE
from voxloop.data.geometry import Geometry
from voxloop.data.pictures.palette import COOL, TINTS
from voxloop.data.pictures.planes import planes_of
from voxloop.server.app import create_app
from voxloop.server.datasets.pictures import Pictures
from voxloop.store import Project, open_project
from voxloop.store.artifacts import datasets

# Runs to the left, to the front and upwards, with thick slices, and unequal sides.
SHAPE = (24, 30, 12)
AFFINE = np.diag([-2.0, 2.0, 5.0, 1.0])
HOSTILE = "<script>alert(1)<_script> ü"
CASES = ("a_1", "a_2", "a_10", HOSTILE, "broken")
PATIENTS = {"a_1": "P1", "a_2": "P1"}


def write(folder: Path, cases: tuple[str, ...] = CASES, seed: int = 0) -> None:
    rng = np.random.default_rng(seed)
    for case in cases:
        voxels = rng.integers(-1000, 200, SHAPE).astype(np.int16)
        labels = np.zeros(SHAPE, np.uint8)
        # Towards the patient's left and front, most of it in slice 7.
        labels[14:20, 18:26, 6:9] = 1
        labels[15:19, 16:28, 7] = 1
        voxels[labels > 0] = 100
        save(folder / "imagesTr" / f"{case}.nii.gz", voxels, AFFINE)
        save(folder / "labelsTr" / f"{case}.nii.gz", labels, AFFINE)
    broken = folder / "imagesTr" / "broken.nii.gz"
    if "broken" in cases:
        broken.write_bytes(broken.read_bytes()[:6000])
    listed = [
        {"image": f"./imagesTr/{case}.nii.gz", "label": f"./labelsTr/{case}.nii.gz", "patient": PATIENTS.get(case)}
        for case in cases
    ]
    content = {"name": "Spleen", "modality": {"0": "CT"}, "labels": {"0": "background", "1": "spleen"}}
    (folder / "dataset.json").write_text(json.dumps({**content, "training": listed, "test": []}))
    split = {"training": ["a_1", "a_10"], "validation": ["a_2"], "made": {}}
    (folder / "splits.json").write_text(json.dumps({"default": split}))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "Spleen"
    write(folder)
    return folder


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, folder: Path) -> Iterator[Project]:
    """Two versions, of which a run used the first; the folder holds the second."""
    root = tmp_path_factory.mktemp("study") / ".voxloop"
    with open_project(root, create=True) as project:
        content = json.loads((folder / "dataset.json").read_text())
        label = folder / "labelsTr" / "a_2.nii.gz"
        kept = label.read_bytes()
        change(folder, training=content["training"][:2])
        save(label, np.ones(SHAPE, np.uint8), AFFINE)
        with vx.Run(name="unet", project=root) as run:
            datasets.use(project, run.id, folder)
        label.write_bytes(kept)
        change(folder, training=content["training"])
        datasets.record(project, folder)
        yield project


@pytest.fixture(scope="module")
def client(project: Project) -> Iterator[TestClient]:
    with TestClient(create_app(project), HERE) as one:
        yield one


def ask(client: TestClient, path: str, **query: Any) -> Any:
    answer = client.get(f"/api/v1/datasets{path}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def picture(client: TestClient, path: str, **query: Any) -> npt.NDArray[np.uint8]:
    answer = client.get(f"/api/v1/datasets/Spleen/{path}", params=query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "image/png"
    return np.asarray(Image.open(io.BytesIO(answer.content)))


def wait_for_check(client: TestClient, name: str = "Spleen") -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found: dict[str, Any] = ask(client, f"/{name}/check")
        if found["job"] is None:
            return found
        time.sleep(0.05)
    raise AssertionError("the check does not end")


def test_versions_say_what_changed_and_who_used_them(client: TestClient, folder: Path) -> None:
    (one,) = ask(client, "")
    assert (one["ref"], one["cases"], one["patients"], one["used_by"]) == ("Spleen:v2", 5, 4, 1)
    assert one["folders"] == [{"path": str(folder.resolve()), "there": True}]
    assert one["splits"] == {"default": {"training": 2, "validation": 1}}
    shown = ask(client, "/Spleen")
    first, second = shown["all_versions"]
    assert first["difference"] is None
    assert [run["name"] for run in first["runs"]] == ["unet"]
    assert second["difference"] == {
        "added": sorted(CASES[2:]),
        "removed": [],
        "rescanned": [],
        "relabelled": ["a_2"],
        "words": [],
    }
    assert ask(client, "/Spleen", version=1)["cases"] == 2
    assert client.get("/api/v1/datasets/Spleen", params={"version": 7}).status_code == 404
    assert "No dataset is called" in client.get("/api/v1/datasets/nothing").json()["detail"]


def test_a_patient_on_both_sides_of_a_split_is_told(client: TestClient) -> None:
    (split,) = ask(client, "/Spleen")["split_list"]
    assert split["leaks"] == [{"patient": "P1", "parts": {"training": ["a_1"], "validation": ["a_2"]}}]
    assert (split["left_out"], split["unknown"]) == (2, [])
    # In the first version the split names a case that was not listed yet.
    (before,) = ask(client, "/Spleen", version=1)["split_list"]
    assert before["unknown"] == ["a_10"]
    cases = ask(client, "/Spleen/cases")
    ids = [case["id"] for case in cases["cases"]]
    assert sorted(ids) == sorted(CASES)
    parts = {
        case: cases["parts"][at] if at >= 0 else None for case, at in zip(ids, cases["splits"]["default"], strict=True)
    }
    assert parts == {"a_1": "training", "a_10": "training", "a_2": "validation", HOSTILE: None, "broken": None}


def test_a_check_runs_in_the_background_and_is_kept(client: TestClient, project: Project, folder: Path) -> None:
    before = ask(client, "/Spleen/check")
    assert (before["job"], before["report"]) == (None, None)
    assert before["command"] == f"voxloop data check {folder.resolve()}"
    begun = client.post("/api/v1/datasets/Spleen/check").json()
    assert begun["job"]["mine"] is True
    again = client.post("/api/v1/datasets/Spleen/check").json()
    assert again["job"]["began"] == begun["job"]["began"], "whoever asks second follows the first"
    done = wait_for_check(client)
    assert done["fault"] is None
    report = done["report"]
    kinds = {kind["kind"]: kind for kind in report["kinds"]}
    assert kinds["truncated"]["severity"] == "error"
    assert [one["case"] for one in report["findings"] if one["kind"] == "truncated"] == ["broken"]
    assert report["changed"] == []
    cases = {case["id"]: case for case in ask(client, "/Spleen/cases")["cases"]}
    assert cases["broken"]["numbers"] is None
    assert cases["broken"]["findings"]["error"] >= 1
    numbers = cases[HOSTILE]["numbers"]
    assert (numbers["shape"], numbers["spacing_mm"], numbers["orientation"]) == (list(SHAPE), [2, 2, 5], "LAS")
    assert numbers["classes"]["spleen"]["under"] == [100.0]
    assert numbers["classes"]["spleen"]["ml"] == pytest.approx(numbers["classes"]["spleen"]["voxels"] * 0.02)
    # Nothing is written into the dataset, and another server of the project computes nothing.
    assert not (folder / ".voxloop-check").exists()
    with open_project(project.root) as other, TestClient(create_app(other), HERE) as second:
        assert ask(second, "/Spleen/check")["report"]["made"] == report["made"]
    # Version 1 lies in the same folder, so it is the same check.
    assert ask(client, "/Spleen/check", version=1)["report"]["made"] == report["made"]


def test_pictures_show_the_label_where_it_is(client: TestClient) -> None:
    view = ask(client, "/Spleen/view", case=HOSTILE)
    assert (view["shape"], view["orientation"], view["problem"], view["changed"]) == (list(SHAPE), "LAS", None, False)
    assert view["most"][2] == 7
    assert view["classes"][0]["name"] == "spleen"
    assert view["window"] == {"name": "abdomen", "low": -160.0, "high": 240.0}
    assert view["planes"]["axial"]["letters"] == ["R", "L", "A", "P"]
    shown = picture(client, "slice", case=HOSTILE, plane="axial", index=7, look="fill")
    assert shown.shape[1] / shown.shape[0] == pytest.approx(48 / 60, rel=0.01)
    blue = np.argwhere((shown[..., 2].astype(int) - shown[..., 0]) > 60)
    down, across = blue.mean(axis=0) / shown.shape[:2]
    # To the patient's left is to the right; the front is on top.
    assert across > 0.6
    assert down < 0.4
    plain = picture(client, "slice", case=HOSTILE, plane="axial", index=7, look="none")
    assert (plain[..., 0] == plain[..., 2]).all()
    # Thick slices are not squashed.
    coronal = picture(client, "slice", case=HOSTILE, plane="coronal", index=20)
    assert coronal.shape[1] / coronal.shape[0] == pytest.approx(48 / 60, rel=0.01)
    wide = picture(client, "slice", case=HOSTILE, plane="axial", index=7, look="none", low=-1000, high=3000)
    assert wide.max() < plain.max()
    tile = picture(client, "tile", case=HOSTILE)
    assert max(tile.shape) == 256


def test_a_picture_is_drawn_once(client: TestClient, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    address = "/api/v1/datasets/Spleen/slice"
    query = {"case": "a_1", "plane": "sagittal", "index": "16"}
    first = client.get(address, params=query)
    assert client.get(address, params=query, headers={"if-none-match": first.headers["etag"]}).status_code == 304
    before = sorted((project.cache / "slices").rglob("sagittal*.png"))

    def refuse(*_: Any) -> None:
        raise AssertionError("it is there already")

    monkeypatch.setattr(Pictures, "run", refuse)
    assert client.get(address, params=query).content == first.content
    assert sorted((project.cache / "slices").rglob("sagittal*.png")) == before


def test_one_damaged_scan_says_so_and_nothing_else_suffers(client: TestClient) -> None:
    for path in ("view", "tile", "slice"):
        answer = client.get(f"/api/v1/datasets/Spleen/{path}", params={"case": "broken"})
        assert answer.status_code == 422
        assert "broken.nii.gz" in answer.json()["detail"]
    assert picture(client, "tile", case="a_1").size
    beyond = client.get("/api/v1/datasets/Spleen/slice", params={"case": "a_1", "index": 12})
    assert (beyond.status_code, "12 axial slices" in beyond.json()["detail"]) == (422, True)
    channel = client.get("/api/v1/datasets/Spleen/slice", params={"case": "a_1", "channel": 3})
    assert channel.status_code == 422


@pytest.mark.parametrize(
    "case", ["", "..", "../a_1", "a_1/../../secret", "/etc/passwd", "a_1\0", "imagesTr/a_1.nii.gz"]
)
def test_what_is_no_case_of_the_version_reads_nothing(client: TestClient, case: str) -> None:
    for path in ("view", "tile", "slice"):
        answer = client.get(f"/api/v1/datasets/Spleen/{path}", params={"case": case})
        assert answer.status_code == 404, answer.text
        assert "has no case" in answer.json()["detail"]


def test_a_manifest_that_leads_out_of_its_folder_is_refused(tmp_path: Path) -> None:
    folder, root = tmp_path / "inside" / "Spleen", tmp_path / "study" / ".voxloop"
    write(folder, ("a_1",))
    save(tmp_path / "inside" / "secret.nii.gz", np.zeros(SHAPE, np.int16), AFFINE)
    with open_project(root, create=True) as project:
        version = datasets.record(project, folder)
        forged = tmp_path / "forged"
        shutil.copytree(project.materialise(version), forged)
        manifest = forged / "manifest.json"
        manifest.unlink()
        text = (project.materialise(version) / "manifest.json").read_text()
        manifest.write_text(text.replace("imagesTr/a_1.nii.gz", "../secret.nii.gz"))
        project.save(forged, "Forged", "dataset", None, ["latest"], {"folders": [str(folder)]})
        with TestClient(create_app(project), HERE) as client:
            answer = client.get("/api/v1/datasets/Forged/view", params={"case": "a_1"})
    assert answer.status_code == 404
    assert "outside its folder" in answer.json()["detail"]


def test_what_changed_or_went_since_is_told(tmp_path: Path) -> None:
    folder, root = tmp_path / "Spleen", tmp_path / "study" / ".voxloop"
    write(folder, ("a_1", "a_2", "a_10"))
    with open_project(root, create=True) as project:
        datasets.record(project, folder)
        with TestClient(create_app(project), HERE) as client:
            client.post("/api/v1/datasets/Spleen/check")
            other = tmp_path / "Other"
            shutil.copytree(folder, other)
            change(other, name="Other")
            datasets.record(project, other)
            taken = client.post("/api/v1/datasets/Other/check")
            assert (taken.status_code, "checks take turns" in taken.json()["detail"]) == (404, True)
            assert ask(client, "/Other/check")["job"]["mine"] is False
            client.delete("/api/v1/datasets/Other/check")
            assert wait_for_check(client)["fault"] is None, "to stop is no fault"
            client.post("/api/v1/datasets/Spleen/check")
            assert wait_for_check(client)["report"]["changed"] == []
            label = folder / "labelsTr" / "a_1.nii.gz"
            save(label, np.zeros((5, 5, 5), np.uint8), AFFINE)
            view = ask(client, "/Spleen/view", case="a_1")
            assert view["changed"] is True
            assert "cannot be drawn" in view["problem"]
            assert view["classes"] == []
            assert picture(client, "slice", case="a_1").size
            # What is asked of a share is asked every few seconds.
            deadline = time.monotonic() + 20
            while ask(client, "/Spleen/check")["report"]["changed"] != ["labelsTr/a_1.nii.gz"]:
                assert time.monotonic() < deadline
                time.sleep(0.1)
            folder.rename(tmp_path / "away")
            assert ask(client, "/Spleen")["folders"][0]["there"] is False
            assert ask(client, "/Spleen/check")["report"] is not None, "what was found is still there"
            for answer in (
                client.post("/api/v1/datasets/Spleen/check"),
                client.get("/api/v1/datasets/Spleen/view", params={"case": "a_1"}),
            ):
                assert answer.status_code == 404
                assert "is not there now" in answer.json()["detail"]


ORDERS = ["".join(one) for order in permutations(("LR", "PA", "IS")) for one in product(*order)]


@pytest.mark.parametrize("order", ORDERS)
def test_every_order_of_axes_shows_the_patient_the_same_way(order: str) -> None:
    """A point to the patient's left, front and top lies at its place in all planes of all 48 orders."""
    voxels = np.zeros((7, 11, 13))
    ras = np.diag([2.0, 3.0, 4.0, 1.0])
    # RAS: one voxel from the left, from the front, and from the top.
    voxels[1, 9, 11] = 1
    turn = ornt_transform(axcodes2ornt("RAS"), axcodes2ornt(order))
    from nibabel.orientations import apply_orientation

    turned = apply_orientation(voxels, turn)
    grid = Geometry(turned.shape, ras @ inv_ornt_aff(turn, voxels.shape))
    at = [int(one[0]) for one in np.nonzero(turned)]
    places = {"axial": (0.8, 0.1), "coronal": (0.8, 0.1), "sagittal": (0.8, 0.1)}
    sizes = {"axial": (14, 33), "coronal": (14, 52), "sagittal": (33, 52)}
    for name, plane in planes_of(grid).items():
        cut = np.moveaxis(turned, plane.axis, 0)[at[plane.axis]].T
        shown = plane.picture(cut)
        down, across = (float(one[0]) for one in np.nonzero(shown))
        right, low = (across + 0.5) / shown.shape[1], (down + 0.5) / shown.shape[0]
        assert (right, low) == (pytest.approx(places[name][0], abs=0.07), pytest.approx(places[name][1], abs=0.06))
        assert (plane.width_mm, plane.height_mm) == pytest.approx(sizes[name])


def test_classes_have_the_colours_of_the_viewer() -> None:
    source = (Path(__file__).parents[2] / "web/src/viewer/palette.ts").read_text(encoding="utf-8")
    cool = re.search(r"const COOL[^=]*= \[(.*?)\n\];", source, re.DOTALL)
    assert cool is not None
    assert tuple(tuple(map(int, one)) for one in re.findall(r"\[(\d+), (\d+), (\d+)\]", cool[1])) == COOL
    tints = re.search(r"const TINTS = \[(.*?)\];", source)
    assert tints is not None
    assert tuple(map(float, tints[1].split(","))) == TINTS


def test_old_pictures_make_room(tmp_path: Path) -> None:
    import os

    pictures = Pictures(tmp_path)
    for number in range(4):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "a.png").write_bytes(b"x" * 1000)
        os.utime(folder, (number + 1, number + 1))
    pictures.sweep(2500)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["2", "3"]
