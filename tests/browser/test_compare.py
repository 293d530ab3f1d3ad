"""Curves of several runs as a person looks at them: told apart, zoomed into, read out, hidden, saved and growing."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

import voxloop as vx
from tests.browser.conftest import Watched, on_the_air, watching
from tests.browser.test_gallery import stumbles

RUNS = 12
STEPS = 2400
SPIKE = 1234
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve runs of three rates and two networks: long losses with a spike, short scores, and a NaN."""
    root = tmp_path_factory.mktemp("compare") / ".voxloop"
    for number in range(RUNS):
        rate = 10.0 ** -(1 + number % 3)
        params = {
            "optimizer": {"lr": rate, "name": "AdamW"},
            "net": ("unet", "segresnet")[number // 6],
            "note": "a long remark " * (2 + number % 2 * 40),
        }
        name = HOSTILE if number == 5 else f"net-{number}"
        with vx.Run(name=name, experiment="spleen", params=params, project=root) as run:
            run.define("val/*", best="max")
            for step in range(STEPS):
                loss = 50.0 if (number, step) == (3, SPIKE) else 1 / (1 + step / 300) + 0.05 * math.sin(step * 7.0)
                if (number, step) == (4, 900):
                    loss = float("nan")
                run.log({"train/loss": loss}, step=step, epoch=1 + step // 400)
            for epoch in range(1, 7):
                run.log({"val/dice": 0.5 + epoch / 20 + number / 100}, step=epoch * 400 - 1, epoch=epoch)
                run.log({"samples": epoch * 800.0}, step=epoch * 400 - 1)
                for case in ("spleen_2", "spleen_9"):
                    run.log({"val/case": epoch / 10}, step=epoch * 400 - 1, context={"case": case})
            for part in range(26 if number == 0 else 0):
                run.log({"parts": part / 10}, step=part, context={"part": part})
    return root


@pytest.fixture(scope="module")
def url(root: Path) -> Iterator[str]:
    with on_the_air(root) as address:
        yield address


def chart(page: Page, name: str) -> Locator:
    return page.locator(f"[data-name='{name}']")


def lines(page: Page, name: str) -> Locator:
    return chart(page, name).get_by_test_id("readout").get_by_role("listitem")


def surface(page: Page, name: str) -> Locator:
    return chart(page, name).get_by_test_id("surface")


def choose(page: Page, name: str, item: str) -> None:
    page.get_by_role("button", name=f"Menu of {name}").click()
    page.get_by_role("menuitem", name=item).click()


def drag(page: Page, name: str, start: tuple[float, float], end: tuple[float, float]) -> None:
    box = surface(page, name).bounding_box()
    assert box
    page.mouse.move(box["x"] + start[0] * box["width"], box["y"] + start[1] * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + end[0] * box["width"], box["y"] + end[1] * box["height"], steps=4)
    page.mouse.up()


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_runs_are_told_apart_by_colour_stroke_and_facet(watched: Watched, theme: str) -> None:
    page = watched.open(f"/compare?m=val/dice&theme={theme}")
    expect(chart(page, "val/dice")).to_have_attribute("data-lines", str(RUNS))
    expect(page.get_by_test_id("colours")).to_contain_text("12 values share 8 colours")
    expect(lines(page, "val/dice").first).to_contain_text("net-11")
    expect(lines(page, "val/dice").filter(has_text=HOSTILE)).to_have_count(1)
    page.get_by_label("Colour", exact=True).select_option("params.optimizer.lr")
    expect(lines(page, "val/dice").first).to_contain_text("0.001 · mean of 4, min–max")
    page.get_by_label("Band").select_option("ci")
    page.get_by_label("Stroke").select_option("params.net")
    expect(lines(page, "val/dice").first).to_contain_text("0.001 · segresnet · mean of 2, 95 % CI")
    expect(lines(page, "val/dice").first).to_contain_text(f"{0.8 + (8 + 11) / 200:.4f}")
    page.get_by_label("Stroke").select_option("")
    page.get_by_label("Facet").select_option("params.net")
    expect(page.get_by_test_id("chart")).to_have_count(2)
    expect(lines(page, "val/dice · unet").first).to_contain_text("0.001 · mean of 2")
    page.get_by_label("Sum up").select_option("none")
    expect(chart(page, "val/dice · unet")).to_have_attribute("data-lines", "6")
    assert stumbles(page) == []
    page.wait_for_url(re.compile("facet=.*sum=none"))
    page.reload()
    expect(chart(page, "val/dice · unet")).to_have_attribute("data-lines", "6")
    page.get_by_role("button", name="Curves").click()
    page.get_by_test_id("names").get_by_label("val/case").check()
    page.get_by_label("Facet").select_option("context.case")
    expect(chart(page, "val/case · spleen_9")).to_have_attribute("data-lines", str(RUNS))
    page.goto(f"{watched.url}/compare?m=parts&facet=context.part")
    expect(page.get_by_test_id("facets-left")).to_contain_text("parts has 2 more charts, which are not drawn")
    expect(page.get_by_test_id("chart")).to_have_count(24)


def test_a_zoom_brings_detail_and_is_in_the_address(watched: Watched) -> None:
    page = watched.open("/compare?m=train/loss~val/dice")
    told = chart(page, "train/loss").get_by_test_id("told")
    expect(told).to_contain_text("1 NaN or ∞")
    page.get_by_label("Clip outliers").check()
    expect(told).to_contain_text("off the scale")
    page.get_by_label("Clip outliers").uncheck()
    expect(told).not_to_contain_text("off the scale")
    with page.expect_response(re.compile(r"/curves\?.*from=")) as answer:
        drag(page, "train/loss", (0.5, 0.5), (0.55, 0.6))
    part = answer.value.json()["curves"][0]["points"]
    assert part["steps"] == list(range(part["steps"][0], part["steps"][0] + len(part["steps"]))), "each point of it"
    page.wait_for_url(re.compile("zoom="))
    expect(chart(page, "train/loss")).to_have_attribute("data-busy", "false")
    expect(chart(page, "val/dice").get_by_role("button", name="Reset zoom")).to_be_visible()
    page.reload()
    expect(chart(page, "train/loss").get_by_role("button", name="Reset zoom")).to_be_visible()
    surface(page, "train/loss").dblclick()
    expect(page.get_by_role("button", name="Reset zoom")).to_have_count(0)
    expect(page).not_to_have_url(re.compile("zoom=|pin="))
    page.keyboard.down("Shift")
    drag(page, "val/dice", (0.2, 0.3), (0.6, 0.7))
    page.keyboard.up("Shift")
    page.wait_for_url(re.compile("tall=.*val%2Fdice"))
    chart(page, "val/dice").get_by_role("button", name="Reset zoom").click()
    expect(page).not_to_have_url(re.compile("tall=|zoom="))

    surface(page, "train/loss").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("+")
    page.wait_for_url(re.compile("zoom="))
    page.keyboard.press("0")
    expect(page).not_to_have_url(re.compile("zoom="))
    for axis in ("epoch", "time", "clock"):
        page.get_by_role("radio", name=axis).click()
        expect(chart(page, "train/loss")).to_have_attribute("data-lines", str(RUNS))
    page.get_by_label("A metric along x").select_option("samples")
    expect(chart(page, "train/loss").get_by_test_id("told")).to_contain_text("without samples")
    expect(page.get_by_role("radio", name="clock")).not_to_be_checked()


def test_places_are_pinned_and_read_out_by_keys(watched: Watched) -> None:
    page = watched.open("/compare?m=val/dice~samples&sum=none")
    plot = surface(page, "val/dice")
    plot.focus()
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    row = lines(page, "val/dice").filter(has_text="net-11")
    expect(row).to_contain_text(f"{0.55 + 0.11:.4f}")
    expect(row).to_contain_text(f"{0.8 + 0.11:.4f}")
    expect(row).to_contain_text("+0.2500")
    expect(chart(page, "samples")).to_contain_text("B − A")
    page.wait_for_url(re.compile("pin=399%7E2399"))
    page.reload()
    expect(row).to_contain_text("+0.2500")
    plot.focus()
    page.keyboard.press("Escape")
    expect(row).not_to_contain_text("+0.2500")
    box = plot.bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_url(re.compile("pin="))


def test_lines_are_hidden_shown_alone_and_found(watched: Watched) -> None:
    page = watched.open("/compare?m=val/dice~train/loss")
    dice = chart(page, "val/dice")
    row = dice.get_by_role("button", name="net-7", exact=True)
    row.click()
    expect(dice).to_have_attribute("data-lines", str(RUNS - 1))
    expect(chart(page, "train/loss")).to_have_attribute("data-lines", str(RUNS - 1))
    expect(row).to_have_attribute("aria-pressed", "false")
    page.wait_for_url(re.compile("hide="))
    page.reload()
    expect(dice).to_have_attribute("data-lines", str(RUNS - 1))
    dice.get_by_role("button", name="show all").click()
    row.click(modifiers=["Alt"])
    expect(dice).to_have_attribute("data-lines", "1")
    row.press("o")
    expect(dice).to_have_attribute("data-lines", str(RUNS))
    row.press("h")
    page.wait_for_url(re.compile("strong="))
    page.keyboard.press("ArrowDown")
    expect(dice.get_by_role("button", name="net-6", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    expect(dice).to_have_attribute("data-lines", str(RUNS - 1))
    dice.get_by_label("Find a line").fill("net-1")
    expect(lines(page, "val/dice")).to_have_count(3)


def test_a_chart_is_saved_as_drawing_picture_and_points(watched: Watched) -> None:
    page = watched.open("/compare?m=train/loss&sum=none&zoom=1200,1300")
    expect(chart(page, "train/loss")).to_have_attribute("data-lines", str(RUNS))
    with page.expect_download() as download:
        choose(page, "train/loss", "Save as SVG")
    svg = download.value.path().read_text(encoding="utf-8")
    assert download.value.suggested_filename == "train-loss.svg"
    assert svg.count("<path d=") > RUNS
    assert "&lt;script&gt;" in svg
    assert "<script" not in svg
    with page.expect_download() as download:
        choose(page, "train/loss", "Save as PNG")
    png = download.value.path().read_bytes()
    assert png.startswith(b"\x89PNG")
    assert int.from_bytes(png[16:20], "big") == 1600
    chart(page, "train/loss").get_by_role("button", name="net-7", exact=True).click()
    expect(chart(page, "train/loss")).to_have_attribute("data-lines", str(RUNS - 1))
    with page.expect_download() as download:
        choose(page, "train/loss", "Save points as CSV")
    assert download.value.suggested_filename == "train-loss.csv"
    table = list(csv.DictReader(io.StringIO(download.value.path().read_text(encoding="utf-8-sig"))))
    assert len(table) == 101 * (RUNS - 1), "every point of what is shown"
    assert [row["value"] for row in table if row["run"] == "net-3" and row["step"] == str(SPIKE)] == ["50.0"]

    page.get_by_role("button", name="Menu of train/loss").press("Enter")
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("full")).to_be_visible()
    page.wait_for_url(re.compile("full="))
    page.reload()
    expect(page.get_by_test_id("full")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("full")).to_have_count(0)


def test_runs_stand_side_by_side(watched: Watched) -> None:
    page = watched.open("/compare?m=val/dice&sum=none")
    diff = page.get_by_test_id("diff")
    expect(diff.get_by_role("row", name=re.compile("^optimizer.lr"))).to_contain_text("×10")
    expect(diff).not_to_contain_text("AdamW")
    page.get_by_label("Also the 1 that are the same").check()
    expect(diff).to_contain_text("AdamW")
    score = diff.get_by_role("row", name="val/dice")
    expect(score).to_contain_text("best")
    expect(score.get_by_role("cell").nth(1)).to_contain_text("−0.01000")
    diff.get_by_role("button", name="Take net-0 as base").click()
    expect(score.get_by_role("cell").first).to_contain_text("+0.1100")
    long = diff.get_by_role("row", name=re.compile("^note")).get_by_role("button").first
    long.click()
    expect(long).to_have_attribute("aria-expanded", "true")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_test_id("notices")).to_contain_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert re.search(r"^optimizer\.lr\t0\.001\t0\.01", copied, re.MULTILINE)


def test_what_cannot_be_compared_is_said(watched: Watched) -> None:
    page = watched.open("/compare?q=nobody")
    expect(page.get_by_test_id("empty")).to_contain_text("No run fits")
    page = watched.open("/compare?q=run.params.net =< 3")
    expect(page.get_by_test_id("query-error")).to_be_visible()
    page = watched.open("/compare?m=~")
    expect(page.get_by_test_id("empty")).to_contain_text("No curve is chosen")
    page = watched.open('/compare?q=run.name == "net-1"&m=val/dice&zoom=1e6,2e6')
    expect(page.get_by_text("No points here.")).to_be_visible()


def test_curves_grow_and_keep_what_was_chosen(browser: Browser, tmp_path: Path) -> None:
    root = tmp_path / ".voxloop"
    with vx.Run(name="old", project=root) as old:
        for step in range(10):
            old.log({"loss": 1.0}, step=step)
    with vx.Run(name="new", project=root) as run, on_the_air(root) as url, watching(browser, url) as watch:
        run.log({"loss": 0.5}, step=0)
        page = watch.open("/compare?zoom=-1,20&pin=3")
        chart(page, "loss").get_by_role("button", name="old", exact=True).click()
        expect(chart(page, "loss")).to_have_attribute("data-lines", "1")
        for step in range(1, 5):
            run.log({"loss": 0.5 + step / 10}, step=step)
        expect(lines(page, "loss").filter(has_text="new")).to_contain_text("0.8000")
        expect(chart(page, "loss")).to_have_attribute("data-lines", "1")
        expect(page).to_have_url(re.compile("zoom=.*pin=.*hide="))
        page.goto(f"{url}/runs/{run.id}?tab=curves&zoom=2,4")
        expect(chart(page, "loss").get_by_role("button", name="Reset zoom")).to_be_visible()
        run.log({"loss": 7.25}, step=5)
        expect(lines(page, "loss")).to_contain_text("7.250")
        with page.expect_download() as download:
            choose(page, "loss", "Save as SVG")
        assert "7.25" in download.value.path().read_text(encoding="utf-8")
