"""Logged media over HTTP: what there is, what one holds, and the faces of what is missing, damaged or hostile."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

import voxloop as vx
from tests.server.conftest import AFFINE, HERE
from voxloop.server.app import create_app
from voxloop.store import Project, open_project

ROWS = 300
SCRIPT = "<script>alert(1)</script>"
STEPS = (1, 4, 9)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs with one of each kind, and what makes trouble."""
    root = tmp_path_factory.mktemp("media") / ".voxloop"
    rng = np.random.default_rng(5)
    deep = root.parent / "deep.png"
    Image.fromarray((np.arange(600 * 20).reshape(20, 600) % 4096).astype(np.uint16)).save(deep)
    for name in ("unet-a", SCRIPT):
        with vx.Run(name=name, project=root) as run:
            for step in STEPS:
                scan = rng.normal(0, 100, (12, 16)).astype(np.float32)
                layers = {"truth": (scan > 90).astype(np.uint8) * 3}
                box = [vx.Box(1, 2, 5, 6, SCRIPT, 0.5)]
                image = vx.Image(scan, layers, {3: "lesion"}, box, window=(-50, 50), caption=SCRIPT)
                run.log({"val/overlay": image}, step=step, context={"case": "spleen_2"})
                values = np.append(rng.normal(0, step, 500), [np.nan, np.inf])
                run.log({"weights": vx.Distribution(values)}, step=step, context={"layer": "conv"})
            run.log({"twice": vx.Text("one")}, step=2)
            run.log({"twice": vx.Text("two")}, step=2)
    with vx.Run(name="kinds", project=root) as run:
        run.log({"odd": vx.Distribution.from_histogram([10, 20], [0, 1, 5])}, step=1)
        run.log({"odd": vx.Distribution.from_histogram([8, 0], [0, 4, 8])}, step=2)
        run.log({"deep": vx.Image(deep), "bit": vx.Image(rng.random((9, 7)) > 0.5)}, step=1)
        run.log({"rgba": vx.Image(rng.integers(0, 255, (500, 700, 4)).astype(np.uint8))}, step=1)
        run.log({"long": vx.Text("Fox " * 30_000), "short": vx.Text(SCRIPT, format="markdown")}, step=1)
        run.log({"figure": vx.Figure({"data": [], "layout": {"title": SCRIPT}})}, step=1)
        run.log({"sound": vx.Audio(np.sin(np.arange(800) / 9), rate=8000)}, step=1)
        run.log({"video": vx.Video(rng.integers(0, 255, (3, 8, 10)).astype(np.uint8), fps=2, lossless=True)}, step=1)
        table = {
            "case": [f"spleen_{row}" for row in range(ROWS)],
            "dice": [float("nan") if row == 7 else row / ROWS for row in range(ROWS)],
            "site": [("Basel", "Wien", "Kyiv")[row % 3] for row in range(ROWS)],
            "lesions": [None if row % 10 == 0 else row for row in range(ROWS)],
            "big": [2**60 + row for row in range(ROWS)],
            "slice": [
                vx.Image(np.full((4, 4), row % 255, np.uint8)) if row in (0, 299) else None for row in range(ROWS)
            ],
            "good": [row % 2 == 0 for row in range(ROWS)],
            "said": ["=1+1", None, *[SCRIPT] * (ROWS - 2)],
        }
        run.log({"cases": vx.Table(table)}, step=1)
        # Taller than wide, and flipped: a wrong axis or a wrong sign cannot go unseen.
        scan = np.full((6, 8, 10), -1000, np.int16)
        scan[1:3, 1:7, :] = 50
        truth = np.zeros(scan.shape, np.uint8)
        truth[1, 6, 8] = 1
        run.log({"val/scan": vx.Volume(scan, {"truth": truth}, {1: "spleen"}, AFFINE)}, step=1, context={"case": "c"})
    return root


@pytest.fixture(scope="module")
def project(root: Path) -> Iterator[Project]:
    with open_project(root) as one:
        yield one


@pytest.fixture(scope="module")
def client(project: Project) -> Iterator[TestClient]:
    with TestClient(create_app(project), HERE) as one:
        yield one


def asked(client: TestClient, path: str, **query: Any) -> Any:
    answer = client.get(f"/api/v1{path}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def of(client: TestClient, name: str) -> dict[str, Any]:
    """The last record of a name, as a page asks for it."""
    group = asked(client, "/media", q=f"media.name == {json.dumps(name)}")["groups"][0]
    (found,) = asked(client, "/media/records", id=group["ids"][-1])
    return dict(found)


def test_media_are_told_by_run_name_and_context(client: TestClient) -> None:
    told = asked(client, "/media", q='run.name != "kinds"')
    assert [run["name"] for run in told["runs"]] == [SCRIPT, "unet-a"], "the newest first"
    assert told["total"] == 16
    places = {(one["name"], json.dumps(one["context"])): one["steps"] for one in told["groups"]}
    assert places == {
        ("val/overlay", '{"case": "spleen_2"}'): [*STEPS],
        ("weights", '{"layer": "conv"}'): [*STEPS],
        ("twice", "{}"): [2, 2],
    }
    assert asked(client, "/media", q='media.kind == "hologram"') == {"total": 0, "runs": [], "groups": []}
    wrong = client.get("/api/v1/media", params={"q": "media.nmae == 1"})
    assert (wrong.status_code, wrong.json()["position"]) == (422, 6)


def test_no_content_is_read_for_the_list(client: TestClient, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(project.blobs, "folder", Path("/nowhere"))
    assert asked(client, "/media", q="media.step >= 0")["total"] > 16


def test_records_that_are_gone_are_left_out(client: TestClient) -> None:
    assert asked(client, "/media/records", id=[999_999, -1]) == []
    assert client.get("/api/v1/media/records").status_code == 422


def test_a_picture_tells_its_window_and_gives_its_numbers(client: TestClient) -> None:
    record = of(client, "val/overlay")
    picture = record["picture"]
    assert (picture["window"], picture["width"], picture["height"], picture["dtype"]) == ([-50, 50], 16, 12, "float32")
    assert (record["caption"], picture["boxes"][0]["label"], record["fault"]) == (SCRIPT, SCRIPT, None)
    shown = client.get(picture["small"])
    assert shown.headers["content-type"] == "image/png"
    assert "immutable" in shown.headers["cache-control"]
    layer = np.asarray(Image.open(io.BytesIO(client.get(picture["layers"][0]["small"]).content)))
    assert set(np.unique(layer)) == {0, 3}
    numbers = client.get(picture["values"])
    assert numbers.headers["x-shape"] == "12,16,1,float32"
    values = np.frombuffer(numbers.content, "<f4").reshape(12, 16)
    assert np.array_equal(layer > 0, values > 90)


def test_sixteen_bits_are_windowed_and_not_cut_to_eight(client: TestClient, project: Project) -> None:
    picture = of(client, "deep")["picture"]
    for url, width in ((picture["url"], 600), (picture["small"], 480)):
        seen = np.asarray(Image.open(io.BytesIO(client.get(url).content)))
        assert (str(seen.dtype), seen.shape[1]) == ("uint8", width)
        assert seen.max() == 255, "passed through, a browser would show 0 to 15"
    made = list((project.cache / "pictures").glob("*.png"))
    assert made
    before = {path: path.stat().st_mtime_ns for path in made}
    client.get(picture["small"])
    assert {path: path.stat().st_mtime_ns for path in made} == before, "made once"


def test_large_pictures_are_small_in_a_tile_and_their_labels_keep_their_numbers(client: TestClient) -> None:
    picture = of(client, "rgba")["picture"]
    small = Image.open(io.BytesIO(client.get(picture["small"]).content))
    assert (small.size, small.mode) == ((480, 343), "RGBA")
    assert Image.open(io.BytesIO(client.get(picture["url"]).content)).size == (700, 500)
    bit = of(client, "bit")["picture"]
    assert client.get(bit["values"]).headers["x-shape"] == "9,7,1,uint8"


def test_histograms_of_many_steps_share_their_bins_and_lose_nothing(client: TestClient, project: Project) -> None:
    run = project.run("unet-a").id
    heat = asked(client, "/media/heat", run=run, name="weights", context='{"layer": "conv"}')
    assert [(one["first"], one["last"]) for one in heat["columns"]] == [(step, step) for step in STEPS]
    for one in heat["columns"]:
        assert (one["count"], one["nan"], one["inf"]) == (502, 1, 1)
        assert sum(one["share"]) == pytest.approx(500, abs=0.1)
    odd = asked(client, "/media/heat", run=project.run("kinds").id, name="odd")
    assert (odd["low"], odd["high"], odd["beyond"]) == (0, 8, 0)
    share = np.array(odd["columns"][0]["share"])
    assert share[:9].sum() == pytest.approx(10, abs=0.1), "a bin is as wide as it was logged"
    assert share[9:45].sum() == pytest.approx(20, abs=0.1)
    central = asked(client, "/media/heat", run=run, name="weights", context='{"layer": "conv"}', central=True)
    assert central["beyond"] > 0
    assert central["high"] < heat["high"]
    assert client.get("/api/v1/media/heat", params={"run": run, "name": "weights", "context": "x"}).status_code == 404


def test_more_steps_than_columns_are_summed_up(tmp_path: Path) -> None:
    with vx.Run(name="long", project=tmp_path / ".voxloop") as run:
        for step in range(500):
            run.log({"w": vx.Distribution(np.array([step, np.nan if step == 123 else 0.0]), bins=4)}, step=step)
    with open_project(tmp_path) as project, TestClient(create_app(project), HERE) as client:
        heat = asked(client, "/media/heat", run=run.id, name="w")
    assert len(heat["columns"]) == 240
    assert [sum(one[key] for one in heat["columns"]) for key in ("count", "nan")] == [1000, 1]
    assert (heat["columns"][0]["first"], heat["columns"][-1]["last"]) == (0, 499)
    assert max(one["max"] for one in heat["columns"]) == 499


def test_a_long_text_comes_in_parts_and_is_searched_whole(client: TestClient) -> None:
    words = of(client, "long")["words"]
    assert (words["length"], len(words["head"])) == (120_000, 4096)
    part = asked(client, words["url"].removeprefix("/api/v1"), start=119_996, count=100, find="FOX")
    assert (part["text"], part["matches"], len(part["found"]), part["found"][:2]) == ("Fox ", 30_000, 1000, [0, 4])
    short = of(client, "short")["words"]
    assert (short["head"], short["format"], short["url"]) == (SCRIPT, "markdown", None)


def table(client: TestClient, what: str = "rows", **query: Any) -> Any:
    return asked(client, of(client, "cases")["table"]["url"].removeprefix("/api/v1") + f"/{what}", **query)


def test_a_table_is_sorted_filtered_and_paged_here(client: TestClient) -> None:
    down = table(client, sort="-dice", limit=3)
    assert down["total"] == ROWS
    assert down["numbers"] == [299, 298, 297]
    assert table(client, sort="-dice", offset=ROWS - 1)["numbers"] == [7], "NaN comes last either way"
    assert table(client, sort="dice", offset=ROWS - 1)["numbers"] == [7]
    assert table(client, sort="case", limit=3)["numbers"] == [0, 1, 2]
    assert table(client, sort="-site", limit=2)["numbers"] == [1, 4], "equal rows keep their order"
    row = dict(zip([one["name"] for one in down["columns"]], down["rows"][0], strict=True))
    assert (row["case"], row["big"], row["good"]) == ("spleen_299", str(2**60 + 299), False)
    assert row["slice"]["picture"]["width"] == 4
    for where, count in (
        ({"dice": "> 0.5", "site": "wien"}, 50),
        ({"dice": "0.1..0.2"}, 31),
        ({"dice": "nan"}, 1),
        ({"lesions": "missing"}, 30),
        ({"lesions": "= 12"}, 1),
        ({"big": f"> {2**60 + 297}"}, 2),
        ({"good": "true", "case": "=SPLEEN_4"}, 1),
        ({"said": "!script"}, 2),
    ):
        assert table(client, where=json.dumps(where))["total"] == count, where


@pytest.mark.parametrize("where", [{"dice": "> x"}, {"good": "perhaps"}, {"dice": "; drop"}])
def test_a_filter_that_means_nothing_is_told(client: TestClient, where: dict[str, str]) -> None:
    url = of(client, "cases")["table"]["url"]
    answer = client.get(f"{url}/rows", params={"where": json.dumps(where)})
    assert answer.status_code == 422
    assert "is no filter for" in answer.json()["detail"]


def test_a_table_is_grouped_with_counts_and_means(client: TestClient) -> None:
    told = table(client, "groups", by="site", where='{"lesions": "!= 0"}')
    assert told["total"] == 3
    assert {one["value"]: one["count"] for one in told["groups"]} == {"Basel": 90, "Wien": 90, "Kyiv": 90}
    every = [row / ROWS for row in range(0, ROWS, 3) if row % 10]
    basel = next(one for one in told["groups"] if one["value"] == "Basel")
    assert basel["means"]["dice"] == pytest.approx(np.mean(every))
    assert table(client, where=json.dumps({"site": basel["filter"]}))["total"] == 100
    assert client.get(of(client, "cases")["table"]["url"] + "/groups?by=none").status_code == 404


def test_a_table_leaves_as_csv_without_formulas(client: TestClient) -> None:
    url = of(client, "cases")["table"]["url"]
    answer = client.get(f"{url}/table.csv", params={"sort": "dice", "where": '{"dice": "< 0.01"}'})
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [row["case"] for row in rows] == ["spleen_0", "spleen_1", "spleen_2"]
    assert (rows[0]["said"], rows[0]["slice"]) == ("'=1+1", "image")


def test_a_volume_has_a_slice_that_lies_as_people_look_at_it(client: TestClient, project: Project) -> None:
    volume = of(client, "val/scan")["volume"]
    assert (volume["case"], volume["shape"]) == ("c", [6, 8, 10])
    told = asked(client, volume["slice"].removeprefix("/api/v1"))
    assert (told["index"], told["count"]) == (8, 10), "where the truth is"
    assert told["window"] == [-160, 240]
    import base64

    image, layer = (
        np.asarray(Image.open(io.BytesIO(base64.b64decode(url.split(",")[1]))))
        for url in (told["url"], told["layers"][0]["url"])
    )
    assert image.shape == layer.shape == (8, 6)
    # The first axis runs to the left, which is the right of the screen; the second to the front, which is its top.
    assert np.argwhere(layer).tolist() == [[1, 1]]
    assert np.flatnonzero(image.max(axis=0)).tolist() == [1, 2]
    assert len(list((project.cache / "pictures").glob("*.json"))) == 1, "made once"


def test_sounds_and_videos_are_played_in_parts_with_a_type_that_is_theirs(client: TestClient) -> None:
    clip = of(client, "sound")["clip"]
    part = client.get(clip["url"], headers={"range": "bytes=0-3"})
    assert (part.status_code, part.content, part.headers["content-type"]) == (206, b"RIFF", "audio/wav")
    video = of(client, "video")["clip"]
    assert video["moving"]
    still = Image.open(io.BytesIO(client.get(video["still"]).content))
    assert getattr(still, "n_frames", 1) == 1


def test_a_drawing_is_shown_as_one_and_can_do_nothing(client: TestClient, project: Project) -> None:
    drawing = project.blobs.put(b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>')
    answer = client.get(f"/api/v1/pictures/{drawing}")
    assert answer.headers["content-type"] == "image/svg+xml"
    assert "sandbox" in answer.headers["content-security-policy"]
    page = project.blobs.put(b"<html><script>alert(1)</script></html>")
    for path in (f"/api/v1/pictures/{page}", f"/api/v1/clips/{page}"):
        assert "html" not in client.get(path).headers["content-type"]


def test_what_is_missing_or_damaged_has_a_sentence(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    root = tmp_path / ".voxloop"
    with vx.Run(name="torn", project=root) as run:
        for name in ("gone", "cut"):
            run.log({name: vx.Image(rng.integers(0, 255, (9, 9)).astype(np.uint8))}, step=1)
        run.log({"table": vx.Table({"a": rng.random(9)}), "text": vx.Text("x" * 9000)}, step=1)
    with open_project(root) as project, TestClient(create_app(project), HERE) as client:
        for record in project.media_of(run.id):
            named = record.data.get("image") or record.data.get("table") or record.data["file"]
            path = project.blobs.path(named["digest"])
            path.chmod(0o600)
            if record.name == "cut":
                path.write_bytes(path.read_bytes()[:20])
            else:
                path.unlink()
        for name, said in (
            ("gone", "is missing"),
            ("cut", "has 20 bytes"),
            ("table", "is missing"),
            ("text", "missing"),
        ):
            assert said in of(client, name)["fault"], name
        for path_of in (of(client, "gone")["picture"]["url"], of(client, "table")["table"]["url"] + "/rows"):
            answer = client.get(path_of)
            assert answer.status_code == 404
            assert "is missing" in answer.json()["detail"]
        cut = client.get(of(client, "cut")["picture"]["values"])
        assert (cut.status_code, "damaged" in cut.json()["detail"]) == (404, True)
        assert client.get(f"/api/v1/pictures/{quote('../../etc/passwd', safe='')}").status_code == 404
