"""Params against metrics as a person explores them: lines, points, what goes with what, and which runs are left."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

import voxloop as vx
from tests.browser.conftest import Watched, on_the_air, watching
from tests.browser.test_gallery import stumbles

RUNS = 24
RATES = (1e-4, 1e-3, 1e-2, 1e-1)
HOSTILE = "<script>alert(1)</script>"


def write(root: Path, nth: int, **more: Any) -> None:
    params: dict[str, Any] = {
        "optimizer": {"lr": RATES[nth % 4] * (1 + nth / 100)},
        "net": ["unet", "segresnet", "swin"][nth % 3],
        "amp": nth % 2 == 0,
        "width": 16 * (1 + nth % 5),
        "data": "spleen",
        "note": ("a very long text " * 400) + str(nth),
        "a~b|<i>": {"c.d": [1, nth % 2]},
        **more,
    }
    if nth % 6 == 5:
        del params["width"]
    with vx.Run(name=HOSTILE if nth == 7 else f"run-{nth}", experiment="sweep", params=params, project=root) as run:
        run.define("val/*", best="max")
        if nth != 11:
            run.log({"val/dice": 0.9 - 0.1 * (nth % 4) - nth / 1000, "cost": 1.0 + nth % 4}, step=1)
            run.log({"val/dice": 0.1, "cost": 2.0 + nth % 4 + nth / 100}, step=2)
        else:
            run.log({"val/dice": float("nan")}, step=1)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep in which dice falls with lr; some runs lack a param, one the metric, and names are no good to a careless page."""
    root = tmp_path_factory.mktemp("sweep") / ".voxloop"
    for nth in range(RUNS):
        write(root, nth)
    return root


@pytest.fixture(scope="module")
def url(root: Path) -> Iterator[str]:
    with on_the_air(root) as address:
        yield address


def opened(watched: Watched, more: str = "") -> Page:
    page = watched.open(f"/compare?view=params{more}")
    expect(page.get_by_test_id("values")).to_be_visible(timeout=20_000)
    return page


def axes(page: Page) -> list[str]:
    return [head.get_attribute("data-head") or "" for head in page.locator("[data-head]").all()]


def middle(place: Locator) -> tuple[float, float, float]:
    """Where an element is across, and its upper and lower end."""
    box = place.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"], box["y"] + box["height"]


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
    page.mouse.move(*end)
    page.mouse.up()


def test_an_axis_is_brushed_moved_and_cleared_and_its_runs_are_found_elsewhere(watched: Watched, url: str) -> None:
    page = opened(watched)
    assert axes(page)[0] == "params.optimizer.lr"
    assert axes(page)[-1] == "metrics.val/dice"
    assert "params.note" not in axes(page), "a text that every run has of its own is no axis"
    x, top, bottom = middle(page.locator("[data-axis='params.optimizer.lr']"))
    drag(page, (x, top + 0.75 * (bottom - top)), (x, bottom + 20))
    chosen = page.get_by_test_id("chosen")
    expect(chosen).to_contain_text("6 of 24 runs")
    expect(page.get_by_test_id("parallel")).to_have_attribute("data-chosen", "6")
    expect(page.get_by_test_id("values").locator("tbody tr")).to_have_count(6)
    page.wait_for_url(re.compile(r"brush=params\.optimizer\.lr%7E\.\.0\.000"))
    # Held in the middle, what is chosen moves; it covers the next power of ten then.
    drag(page, (x, top + 0.9 * (bottom - top)), (x, top + 0.57 * (bottom - top)))
    expect(chosen).to_contain_text("optimizer.lr: ")
    expect(page.get_by_test_id("values").locator("tbody tr").first).to_contain_text("0.001")
    query = chosen.get_by_role("link", name="Show in Runs").get_attribute("href")
    count = page.get_by_test_id("parallel").get_attribute("data-chosen")
    page.goto(f"{url}{query}")
    expect(page.get_by_test_id("run-count")).to_have_text(count or "")
    page.go_back()
    # A press beside it takes it away.
    expect(chosen).to_be_visible()
    page.mouse.click(x, top + 10)
    expect(chosen).to_have_count(0)


def test_all_of_it_is_done_by_keys(watched: Watched) -> None:
    page = opened(watched, "&axes=params.optimizer.lr~params.net~metrics.val/dice")
    low = page.get_by_role("slider", name="Lowest val/dice")
    low.focus()
    for _ in range(3):
        page.keyboard.press("PageUp")
    expect(low).to_have_attribute("aria-valuenow", re.compile(r"^0\.6"))
    chosen = page.get_by_test_id("chosen")
    expect(chosen).to_contain_text("val/dice: from 0.6")
    nets = page.get_by_role("slider", name="Highest net")
    nets.focus()
    page.keyboard.press("ArrowDown")
    expect(nets).to_have_attribute("aria-valuetext", "swin")
    expect(chosen).to_contain_text("net: segresnet, swin")
    page.keyboard.press("Escape")
    expect(chosen).not_to_contain_text("net:")

    head = page.get_by_role("button", name="net", exact=False).and_(page.locator("[data-head] button"))
    head.focus()
    page.keyboard.press("Alt+ArrowLeft")
    expect(page.locator("[data-head]").first).to_have_attribute("data-head", "params.net")
    page.locator("[data-head='metrics.val/dice'] button").first.focus()
    page.keyboard.press("Enter")
    page.get_by_label("val/dice from").fill("0.8")
    page.keyboard.press("Enter")
    expect(chosen).to_contain_text("val/dice: from 0.8")
    page.get_by_role("button", name="Flip", exact=True).click()
    page.keyboard.press("Escape")
    page.wait_for_url(re.compile("flip=metrics"))
    page.get_by_role("button", name="none 1: only the runs without val/dice").click()
    expect(chosen).to_contain_text("val/dice: none")
    expect(chosen).to_contain_text("1 of 24 runs")
    # The address holds all of it.
    page.wait_for_url(re.compile("dice%7Enone"))
    page.reload()
    expect(chosen).to_contain_text("val/dice: none")
    assert axes(page) == ["params.net", "params.optimizer.lr", "metrics.val/dice"]


def test_a_line_is_named_pinned_and_opened(watched: Watched) -> None:
    page = opened(watched, "&axes=params.optimizer.lr~metrics.val/dice&q=run.name%20in%20[%22run-0%22,%20%22run-3%22]")
    expect(page.get_by_test_id("values").locator("tbody tr")).to_have_count(2)
    expect(page.locator("[data-testid=lines][data-drawn='2']")).to_be_attached()
    plot = page.get_by_test_id("parallel")
    x, top, _ = middle(page.locator("[data-axis='metrics.val/dice']"))
    # The better of both ends at the top of its axis.
    page.mouse.move(x - 30, top + 20)
    page.mouse.move(x - 20, top + 12)
    tip = page.get_by_test_id("tip")
    expect(tip).to_contain_text("run-0")
    expect(tip).to_contain_text("0.9000")
    page.mouse.click(x - 20, top + 12)
    pins = page.get_by_test_id("pins")
    expect(pins).to_contain_text("run-0")
    page.get_by_label("Pin run-3").check()
    expect(pins.get_by_role("link", name="Compare them")).to_be_visible()
    plot.scroll_into_view_if_needed()
    x, top, _ = middle(page.locator("[data-axis='metrics.val/dice']"))
    page.mouse.move(x - 30, top + 14)
    page.mouse.dblclick(x - 20, top + 12)
    expect(page.get_by_role("heading", level=1)).to_have_text("run-0")
    page.go_back()
    expect(pins).to_contain_text("run-3")


def test_heads_are_dragged_to_another_place(watched: Watched) -> None:
    page = opened(watched, "&axes=params.optimizer.lr~params.net~metrics.val/dice")
    x, top, _ = middle(page.locator("[data-head='params.optimizer.lr']"))
    to, _, _ = middle(page.locator("[data-head='metrics.val/dice']"))
    drag(page, (x, top + 10), (to - 10, top + 10))
    expect(page.locator("[data-head]").nth(1)).to_have_attribute("data-head", re.compile("optimizer|dice"))
    assert axes(page)[0] == "params.net"
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_points_are_chosen_in_a_box_and_the_best_of_two_ends_found(watched: Watched) -> None:
    page = opened(watched, "&sx=metrics.cost&front=1")
    plot = page.get_by_test_id("scatter")
    plot.scroll_into_view_if_needed()
    expect(plot).to_have_attribute("data-shown", "23")
    expect(page.get_by_test_id("rho")).to_contain_text("over 23 runs")
    front = page.get_by_test_id("front")
    expect(front).to_contain_text("which way is better")
    page.get_by_role("button", name="Horizontal").click()
    page.get_by_label("Which way cost is better").select_option("min")
    page.keyboard.press("Escape")
    expect(front).to_contain_text("Pareto front: 1 run")
    page.get_by_label("Medians").check()
    expect(page.get_by_test_id("trend")).to_be_attached()

    box = plot.bounding_box()
    assert box is not None
    left, right, top, bottom = box["x"] + 62, box["x"] + box["width"] - 14, box["y"] + 12, box["y"] + 318
    drag(page, (left + 2, top + 2), ((left + right) / 2, (top + bottom) / 2))
    chosen = page.get_by_test_id("chosen")
    expect(chosen).to_contain_text("12 of 24 runs")
    expect(chosen).to_contain_text("cost: up to")
    expect(chosen).to_contain_text("val/dice: from")
    with page.expect_navigation(url=re.compile("runs=")):
        chosen.get_by_role("link", name="Compare these 12").click()
    expect(page.get_by_test_id("run-count")).to_have_text("12 runs")

    page = opened(watched, "&sx=params.net")
    expect(page.get_by_test_id("scatter").locator("line.middle")).to_have_count(3)
    expect(page.get_by_test_id("rho")).to_contain_text("a bar is a median")


def test_what_goes_with_the_metric_is_told_with_what_chance_does(watched: Watched) -> None:
    page = opened(watched)
    rows = page.get_by_test_id("matters").locator("tbody tr")
    expect(rows.first).to_contain_text("optimizer.lr")
    expect(rows.first).to_contain_text("lower with higher")
    expect(rows.first).to_contain_text("23")
    expect(rows.filter(has_text="amp")).not_to_contain_text("ρ")
    expect(page.get_by_test_id("params")).to_contain_text("not a cause")
    expect(page.get_by_test_id("params")).to_contain_text("Left out: note")
    expect(page.get_by_test_id("matters")).not_to_contain_text("data")
    page.get_by_label("Metric", exact=True).select_option("metrics.cost")
    expect(rows.first).to_contain_text("higher with higher")
    rows.filter(has_text="width").get_by_role("button").click()
    expect(page.get_by_label("Across")).to_have_value("params.width")
    page.goto(f"{watched.url}/compare?view=params&q=run.params.optimizer.lr > 5e-2")
    expect(page.get_by_test_id("few")).to_contain_text("chance alone")


def test_every_plot_is_saved_as_vectors_a_picture_and_numbers(watched: Watched) -> None:
    page = opened(watched, "&hue=params.net")
    expect(page.get_by_test_id("legend")).to_contain_text("segresnet")
    for region, name in (("Parallel coordinates", "parallel-coordinates"), ("Scatter", "scatter")):
        part = page.get_by_role("region", name=region)
        for kind in ("SVG", "PNG", "CSV"):
            part.get_by_role("button", name="Save").click()
            with page.expect_download() as download:
                part.get_by_role("button", name=kind).click()
            assert download.value.suggested_filename == f"{name}.{kind.lower()}"
            content = download.value.path().read_bytes()
            if kind == "SVG":
                assert content.count(b"<path" if name.startswith("par") else b"<circle") >= 23
                assert b"<i>" not in content
            elif kind == "PNG":
                assert content[:4] == b"\x89PNG"
            else:
                table = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
                assert len(table) == 1 + RUNS
                assert HOSTILE in [row[1] for row in table]


def test_a_run_that_begins_joins_the_lines_and_takes_no_brush_away(browser: Browser, tmp_path: Path) -> None:
    root = tmp_path / ".voxloop"
    write(root, 0)
    with on_the_air(root) as url, watching(browser, url) as watch:
        page = watch.open("/compare?view=params")
        expect(page.get_by_test_id("empty")).to_contain_text("One run has nothing beside it")
        write(root, 0)
        expect(page.get_by_test_id("same")).to_be_visible()
        write(root, 1)
        expect(page.get_by_test_id("values").locator("tbody tr")).to_have_count(3)
        page.get_by_role("slider", name="Highest lr").or_(
            page.get_by_role("slider", name="Highest optimizer.lr")
        ).focus()
        page.keyboard.press("PageDown")
        chosen = page.get_by_test_id("chosen")
        expect(chosen).to_contain_text("2 of 3 runs")
        write(root, 4, extra="new")
        expect(chosen).to_contain_text("3 of 4 runs")
        expect(page.get_by_role("slider", name="Highest optimizer.lr")).to_be_focused()


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_it_can_be_read_and_used_by_all(watched: Watched, theme: str) -> None:
    watched.page.set_viewport_size({"width": 820, "height": 1180})
    page = opened(watched, f"&theme={theme}&brush=params.net~=unet|segresnet&front=1")
    expect(page.get_by_test_id("chosen")).to_contain_text("16 of 24 runs")
    expect(page.get_by_text(HOSTILE).first).to_be_attached()
    assert page.evaluate("document.documentElement.scrollWidth") <= 820
    page.locator("[data-head] button").first.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert stumbles(page) == []
