"""What was logged beside numbers, as a person looks through it: steps, layers, windows, texts, tables and figures."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from playwright.sync_api import Locator, Page, expect

import voxloop as vx
from tests.browser.conftest import AFFINE, Watched, on_the_air
from tests.browser.test_gallery import stumbles
from voxloop.store import open_project

SCRIPT = "<script>alert(1)</script>"
STEPS = (0, 5, 10)
ROWS = 400
CASES = ("spleen_2", "spleen_12")


def picture(step: int, shift: int) -> vx.Image:
    scan = np.full((32, 40), -1000, np.int16)
    scan[4:28, 6:34] = 50 + step
    truth, prediction = np.zeros((2, 32, 40), np.uint8)
    truth[10:20, 10:20] = 1
    prediction[10:20, 10 + shift : 20 + shift] = 1
    layers = {"truth": truth, "prediction": prediction}
    box = [vx.Box(10, 10, 20, 20, SCRIPT, 0.8)]
    return vx.Image(scan, layers, {1: "spleen"}, box, window=(-160, 240), caption=f"{SCRIPT} at {step}")


def noise(seed: int) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 255, (24, 24)).astype(np.uint8)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs with the same names, one with a hostile one, and a third with one of each kind and what is torn."""
    root = tmp_path_factory.mktemp("media") / ".voxloop"
    for nth, name in enumerate(("unet-a", SCRIPT)):
        with vx.Run(name=name, project=root) as run:
            for step in STEPS:
                for case in CASES:
                    run.log({"val/overlay": picture(step, 8 - 3 * nth)}, step=step, context={"case": case})
    rng = np.random.default_rng(2)
    with vx.Run(name="kinds", project=root) as run:
        for step in STEPS:
            values = rng.normal(0, 1 + step, 400)
            values[: 7 * (step == 5)] = np.nan
            run.log({"weights": vx.Distribution(values)}, step=step, context={"layer": "conv"})
        run.log({"notes": vx.Text("epoch 1\nsame\n", format="plain")}, step=0)
        run.log({"notes": vx.Text("epoch 2\nsame\nnew\n", format="plain")}, step=5)
        hostile = f"# Found\n\nSee {SCRIPT} [bad](javascript:alert(1)) [good](https://example.org) ![p](http://evil.example/x.png)"
        run.log({"markdown": vx.Text(hostile, format="markdown")}, step=0)
        run.log({"huge": vx.Text("".join(f"line {line}\n" for line in range(900_000)) + "needle\n")}, step=0)
        figure = {
            "data": [
                {"type": "bar", "x": ["a", SCRIPT], "y": [1, 2], "name": "<img src=x onerror=alert(1)>"},
                {"type": "scattergeo", "lat": [1], "lon": [1]},
            ],
            "layout": {"title": {"text": SCRIPT}, "images": [{"source": "http://evil.example/a.png"}]},
        }
        run.log({"figure": vx.Figure(figure)}, step=0)
        run.log(
            {
                "cases": vx.Table(
                    {
                        "case": [SCRIPT if row == 3 else f"spleen_{row}" for row in range(ROWS)],
                        "dice": [row / ROWS for row in range(ROWS)],
                        "site": [("Basel", "Wien")[row % 2] for row in range(ROWS)],
                        "slice": [vx.Image(noise(row)) if row < 3 else None for row in range(ROWS)],
                    }
                )
            },
            step=0,
        )
        run.log({"sound": vx.Audio(np.sin(np.arange(800) / 9), rate=8000)}, step=0)
        scan = np.zeros((12, 10, 8), np.int16)
        volume = vx.Volume(scan, {"truth": (scan == 0).astype(np.uint8)}, {1: "spleen"}, AFFINE)
        run.log({"val/scan": volume}, step=0, context={"case": "spleen_2"})
        run.log({"torn/missing": vx.Image(noise(100)), "torn/damaged": vx.Image(noise(101))}, step=0)
    with open_project(root) as project:
        for record in project.media('media.name.startswith("torn")'):
            path = project.blobs.path(record.data["image"]["digest"])
            path.chmod(0o600)
            if record.name == "torn/missing":
                path.unlink()
            else:
                content = path.read_bytes()
                path.write_bytes(content[:60] + bytes(len(content) - 60))
    return root


@pytest.fixture(scope="module")
def url(root: Path) -> Iterator[str]:
    with on_the_air(root) as address:
        yield address


def section(page: Page, name: str) -> Locator:
    return page.locator(f"[data-testid=section][data-name='{name}']")


def tiles(page: Page, name: str) -> Locator:
    return section(page, name).get_by_test_id("tile")


def open_large(page: Page, name: str) -> Locator:
    tiles(page, name).first.get_by_role("button", name="in full size").click()
    large = page.get_by_test_id("large")
    expect(large).to_be_visible()
    return large


def opaque(canvas: Locator) -> int:
    """How many pixels of a canvas are painted."""
    return int(
        canvas.evaluate(
            "c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.filter((v, i) => i % 4 == 3 && v).length"
        )
    )


def test_runs_stand_side_by_side_at_the_step_that_all_share(watched: Watched) -> None:
    page = watched.open('/media?q=run.name in ["unet-a", "<script>alert(1)</script>"]')
    overlay = tiles(page, "val/overlay")
    expect(overlay).to_have_count(4)
    expect(section(page, "val/overlay").locator("h3")).to_have_text(["case: spleen_2", "case: spleen_12"])
    # In the order of the query.
    expect(overlay.locator("strong")).to_have_text(["unet-a", SCRIPT] * 2)
    expect(overlay.first.get_by_test_id("layers")).to_be_visible()
    expect(overlay.first).to_contain_text(f"{SCRIPT} at 10")
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_test_id("step")).to_have_text("step 5")
    expect(overlay.nth(3)).to_contain_text("at 5")
    page.wait_for_url(re.compile(r"m\.step=5"))

    overlay.first.get_by_role("button", name="step 5").click()
    overlay.first.get_by_label("This tile's own step").press("ArrowLeft")
    expect(overlay.first).to_contain_text("at 0")
    expect(overlay.nth(1)).to_contain_text("at 5")
    page.wait_for_url(re.compile(r"m\.own="))
    page.reload()
    expect(overlay.first).to_contain_text("at 0")
    expect(overlay.nth(1)).to_contain_text("at 5")

    page.get_by_label("Group by").select_option("run")
    expect(section(page, "val/overlay").locator("h3")).to_have_text(["unet-a", SCRIPT])
    page.get_by_label("Find media").fill("spleen_12")
    expect(overlay).to_have_count(2)
    section(page, "val/overlay").get_by_role("button", name="val/overlay", exact=False).first.click()
    expect(overlay).to_have_count(0)
    page.get_by_label("Find media").fill("nothing like it")
    expect(page.get_by_test_id("empty")).to_contain_text("Nothing matches")


def test_a_picture_is_looked_at_in_full_size(watched: Watched) -> None:
    page = watched.open("/media?q=unet-a&m.kind=image")
    large = open_large(page, "val/overlay")
    frame = large.get_by_test_id("frame").first
    layers = large.get_by_test_id("layers").first
    expect(layers).to_be_visible()
    both = opaque(layers)
    # The truth's rim, and the prediction beside it.
    assert both > 100
    large.get_by_role("button", name="Show prediction").click()
    page.wait_for_url(re.compile(r"m\.l\.prediction=off"))
    page.wait_for_function(
        "most => { const c = document.querySelector('[data-testid=large] [data-testid=layers]');"
        " return c.getContext('2d').getImageData(0, 0, c.width, c.height).data.filter((v, i) => i % 4 == 3 && v).length < most }",
        arg=100,
    )
    frame.hover()
    expect(large.get_by_test_id("pixel")).to_contain_text(re.compile(r"\(\d+, \d+\) · 60"))
    page.mouse.wheel(0, -600)
    expect(frame).not_to_have_attribute("data-scale", "1.00")
    frame.press("0")
    expect(frame).to_have_attribute("data-scale", "1.00")
    large.get_by_role("button", name="Full range").click()
    page.wait_for_url(re.compile(r"m\.w=-1000(%2C|,)60"))
    large.get_by_label("Compare with").select_option(label="step 0")
    expect(large.locator("figcaption")).to_contain_text("at 10")
    page.keyboard.press("f")
    expect(large.locator("figcaption")).to_contain_text("step 0")
    large.get_by_role("radio", name="Side by side").click()
    expect(large.get_by_test_id("frame")).to_have_count(2)
    large.get_by_label("Compare with").select_option("")
    large.locator("h2").click()
    page.keyboard.press("ArrowLeft")
    expect(large.get_by_test_id("large-step")).to_have_text("step 5")
    page.keyboard.press("n")
    expect(large).to_contain_text("case: spleen_12")
    page.keyboard.press("Escape")
    expect(large).to_have_count(0)
    page.wait_for_url(re.compile(r"^((?!m\.open).)*$"))


def test_values_over_steps_are_dense_where_they_are(watched: Watched) -> None:
    page = watched.open("/media?q=kinds&m.kind=distribution")
    tile = tiles(page, "weights").first
    expect(tile.get_by_test_id("heat")).to_be_visible()
    expect(tile.get_by_test_id("histogram")).to_be_visible()
    large = open_large(page, "weights")
    field = large.get_by_test_id("heat").locator(".field")
    expect(field).to_be_visible()
    box = field.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 20)
    expect(large.get_by_test_id("large-step")).to_have_text("step 5")
    expect(large).to_contain_text("7 NaN")
    expect(large).to_contain_text("first step")
    large.get_by_label("Log density").check()
    large.get_by_label("Most steps only").check()
    expect(large).to_contain_text("reach beyond this range")


def test_texts_are_read_searched_and_compared(watched: Watched) -> None:
    page = watched.open("/media?q=kinds&m.kind=text")
    expect(tiles(page, "markdown").get_by_role("heading", name="Found")).to_be_visible()
    expect(tiles(page, "markdown")).to_contain_text(SCRIPT)
    links = tiles(page, "markdown").get_by_role("link")
    expect(links).to_have_count(1)
    expect(links).to_have_attribute("href", "https://example.org/")
    assert page.locator("[data-testid=markdown] :is(script, img)").count() == 0

    large = open_large(page, "notes")
    large.get_by_role("radio", name="Changes since step 0").click()
    expect(large.locator(".diff .new")).to_have_text(["+ epoch 2", "+ new"])
    expect(large.locator(".diff .gone")).to_have_text(["− epoch 1"])
    page.keyboard.press("Escape")

    large = open_large(page, "huge")
    expect(large.get_by_role("button", name="Show more")).to_contain_text("MB left")
    large.get_by_label("Search this text").fill("NEEDLE")
    large.get_by_label("Search this text").press("Enter")
    expect(large.get_by_test_id("matches")).to_have_text("1 of 1")
    expect(large.locator("mark")).to_have_text("needle")
    expect(large.locator("mark")).to_be_in_viewport()
    expect(large.get_by_role("button", name="Show what is before")).to_be_visible()


def test_a_table_is_asked_as_a_person_asks(watched: Watched) -> None:
    page = watched.open("/media?q=kinds&m.kind=table")
    large = open_large(page, "cases")
    count, body = large.get_by_test_id("row-count"), large.get_by_test_id("table")
    expect(count).to_have_text(f"{ROWS} rows")
    expect(body.get_by_role("row").nth(4)).to_contain_text(SCRIPT)
    large.get_by_role("button", name="dice").click()
    expect(body.get_by_role("row").nth(1)).to_contain_text(f"spleen_{ROWS - 1}")
    large.get_by_label("Filter dice").fill("< 0.1")
    expect(count).to_have_text(f"40 of {ROWS} rows")
    large.get_by_label("Filter dice").fill("< x")
    expect(large.get_by_test_id("misread")).to_contain_text("is no filter")
    large.get_by_label("Filter dice").fill("< 0.1")
    expect(large.get_by_test_id("misread")).to_have_count(0)
    large.get_by_label("Group by").select_option("site")
    groups = large.get_by_test_id("groups")
    expect(groups.get_by_role("row")).to_have_count(3)
    groups.get_by_role("button", name="Wien").click()
    expect(count).to_have_text(f"20 of {ROWS} rows")
    page.wait_for_url(re.compile(r"m\.where="))
    with page.expect_download() as download:
        large.get_by_role("link", name="CSV").click()
    found = list(csv.reader(io.StringIO(download.value.path().read_text(encoding="utf-8-sig"))))
    assert (len(found), {row[2] for row in found[1:]}) == (21, {"Wien"})
    large.get_by_role("button", name="dice").click()
    expect(body.get_by_role("row").nth(1).get_by_role("cell").first).to_have_text("spleen_1")
    large.get_by_role("button", name="Open this image").first.click()
    inner = page.get_by_test_id("inner")
    expect(inner.get_by_test_id("stage")).to_be_visible()
    page.keyboard.press("Escape")
    expect(inner).to_have_count(0)
    expect(large).to_be_visible()


def test_a_hostile_figure_does_no_harm(watched: Watched) -> None:
    page = watched.open("/media?q=kinds&m.kind=figure")
    expect(tiles(page, "figure").locator("[data-drawn=true]")).to_be_visible(timeout=60_000)
    large = open_large(page, "figure")
    expect(large.locator("[data-drawn=true]")).to_be_visible()
    expect(large).to_contain_text("Left out: maps")
    expect(large).to_contain_text("1 picture from elsewhere")
    assert page.locator(".js-plotly-plot :is(script, img)").count() == 0
    expect(large.locator(".js-plotly-plot .gtitle")).to_contain_text("alert(1)")


def test_what_is_torn_has_a_face_and_the_rest_is_shown(watched: Watched) -> None:
    page = watched.open("/media?q=kinds")
    expect(tiles(page, "torn/missing").get_by_test_id("damaged")).to_contain_text("is missing from the project")
    expect(tiles(page, "torn/damaged").get_by_test_id("damaged")).to_contain_text("is damaged in the project")
    expect(tiles(page, "val/scan").get_by_role("link", name="Open in the viewer")).to_have_attribute(
        "href", re.compile(r"/viewer\?run=.*case=spleen_2.*step=0")
    )
    section(page, "sound").scroll_into_view_if_needed()
    expect(tiles(page, "sound").locator("audio")).to_have_attribute("preload", "none")
    page.goto(f"{watched.url}/media?q=media.step =< 3")
    expect(page.get_by_test_id("query-error")).to_be_visible()
    page.goto(f"{watched.url}/media?q=media.step > 99")
    expect(page.get_by_test_id("empty")).to_contain_text("No media here")


def test_what_comes_in_is_there_without_asking(watched: Watched, root: Path) -> None:
    page = watched.open("/media?q=newcomer")
    expect(page.get_by_test_id("empty")).to_be_visible()
    with vx.Run(name="newcomer", project=root) as run:
        run.log({"slice": vx.Image(noise(200), caption="the first")}, step=1)
        run.flush()
        expect(tiles(page, "slice")).to_contain_text("the first")
        run.log({"slice": vx.Image(noise(201), caption="the second")}, step=2)
        run.flush()
        expect(tiles(page, "slice")).to_contain_text("the second")


@pytest.mark.parametrize(
    ("theme", "places"),
    [
        ("dark", {"cases": "row-count", "weights": "histogram"}),
        ("light", {"val/overlay": "picture-panel"}),
    ],
)
def test_everybody_can_use_the_board(watched: Watched, theme: str, places: dict[str, str]) -> None:
    page = watched.open(f"/media?q={'kinds' if theme == 'dark' else 'unet-a'}&theme={theme}")
    for name in places:
        expect(tiles(page, name).first.get_by_text("step").last).to_be_visible()
    assert stumbles(page) == []
    for name, ready in places.items():
        large = open_large(page, name)
        expect(large.get_by_test_id(ready)).to_be_visible()
        assert stumbles(page) == [], name
        page.keyboard.press("Escape")
