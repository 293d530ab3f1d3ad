"""Cases as a researcher looks for the reason of a bad score: worst first, run against run, and to the place itself."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

import voxloop as vx
from tests.browser.conftest import Watched, on_the_air, watching
from tests.browser.test_gallery import stumbles

MANY = 120
EPOCHS = (1, 2, 3)
SHAPE = (12, 10, 8)
AFFINE = np.diag([2.0, 2.0, 5.0, 1.0])
# Where the prediction of a case misses a block of the label: in this slice, around this voxel.
MISSED = {"hard": (8, 3, 6), "worse": (3, 6, 2)}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    root = tmp_path_factory.mktemp("cases") / ".voxloop"
    fill(root)
    with on_the_air(root) as address:
        yield address


def fill(root: Path) -> None:
    for better, name in enumerate(("unet-old", "unet-new")):
        with vx.Run(name=name, experiment="abdomen", project=root) as run:
            run.define("val/dice", best="max")
            run.define("val/hd95", best="min")
            for epoch in EPOCHS:
                for nth in range(MANY):
                    score = 0.4 + nth / (2 * MANY) + 0.01 * epoch + (0.02 * better if nth % 3 else -0.05 * better)
                    said = {"val/dice": score, "val/hd95": 30 * (1.2 - score)}
                    run.log(said, step=epoch, epoch=epoch, context={"case": f"case_{nth:03d}", "class": "liver"})
                if name == "unet-old":
                    for worse, (case, where) in enumerate(MISSED.items()):
                        look_at(run, case, where, epoch)
                        said = {"val/dice": 0.3 - 0.1 * worse + 0.01 * epoch}
                        run.log(said, step=epoch, epoch=epoch, context={"case": case, "class": "tumour"})
    with vx.Run(name="organs", experiment="abdomen", project=root) as run:
        for nth in range(60):
            run.log({"val/dice": nth / 60}, step=1, context={"case": "whole", "class": f"organ_{nth}"})
        run.log({"val/dice": float("nan")}, step=1, context={"case": "whole", "class": "absent"})
    with vx.Run(name="<script>alert(1)</script>", experiment="nothing", project=root) as run:
        run.log({"train/loss": 1.0}, step=1)


INF = math.inf
# A distance of each case over the epochs; of the second run the last one.
FAR = {"found late": (INF, 9.0, 4.0), "lost": (8.0, 3.0, INF), "never found": (INF, INF, INF), "near": (6.0, 2.0, 2.5)}
FAR_NEW = {"found late": 4.0, "lost": 5.0, "never found": INF, "near": 3.0}


@pytest.fixture(scope="module")
def far(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Organs that were not found at one epoch or another, and a run after them that says nothing of cases."""
    root = tmp_path_factory.mktemp("far") / ".voxloop"
    with vx.Run(name="far-old", project=root) as run:
        for nth, epoch in enumerate(EPOCHS):
            for case, values in FAR.items():
                run.log({"val/hd95": values[nth]}, step=epoch, epoch=epoch, context={"case": case, "class": "spleen"})
            run.log({"val/hd95": float("nan")}, step=epoch, epoch=epoch, context={"case": "absent", "class": "tumour"})
            run.log({"val/hd95": 5.0}, step=epoch, epoch=epoch, context={"case": "near", "class": "liver"})
            look_at(run, "lost", (8, 3, 6), epoch)
    with vx.Run(name="far-new", project=root) as run:
        for case, value in FAR_NEW.items():
            run.log({"val/hd95": value}, step=3, epoch=3, context={"case": case, "class": "spleen"})
    with vx.Run(name="nothing", project=root) as run:
        run.log({"train/loss": 1.0}, step=1)
    with on_the_air(root) as address:
        yield address


@pytest.fixture
def watched_far(browser: Browser, far: str) -> Iterator[Watched]:
    with watching(browser, far) as watch:
        yield watch


def look_at(run: vx.Run, case: str, where: tuple[int, int, int], epoch: int) -> None:
    scan = np.zeros(SHAPE, np.int16)
    truth = np.zeros(SHAPE, np.uint8)
    truth[2:10, 2:8, 1:7] = 2
    prediction = truth.copy()
    x, y, z = where
    prediction[x - 1 : x + 2, y - 1 : y + 2, z] = 0
    volume = vx.Volume(scan, {"truth": truth, "prediction": prediction}, {2: "tumour"}, AFFINE)
    run.log({"val/scan": volume}, step=epoch, epoch=epoch, context={"case": case})


def rows(page: Page) -> Locator:
    return page.get_by_test_id("cases").locator("[data-case]")


def test_the_worst_comes_first_and_enter_opens_it_where_it_is_wrong(watched: Watched) -> None:
    page = watched.open("/cases?run=unet-old")
    expect(rows(page).first).to_have_attribute("data-case", "worse")
    assert rows(page).count() < 60, "rows that nobody sees cost nothing"
    cut = """(button) => {
        const name = button.firstChild;
        const [was, range] = [name.data, document.createRange()];
        name.data = was.repeat(60);
        range.selectNodeContents(button);
        const begins = range.getBoundingClientRect().left - button.getBoundingClientRect().left;
        name.data = was;
        return begins;
    }"""
    assert rows(page).first.get_by_role("button").evaluate(cut) >= 0, "a long name begins at its beginning"
    grid = page.get_by_test_id("cases")
    expect(page.get_by_test_id("readout")).to_contain_text("epoch 3")
    grid.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_test_id("readout")).to_contain_text("hard tumour · epoch 2 · 0.320")
    page.keyboard.press("Enter")
    x, y, z = MISSED["hard"]
    viewer = page.get_by_test_id("viewer")
    expect(viewer).to_have_attribute("data-state", "ready", timeout=30_000)
    expect(viewer).to_have_attribute("data-step", "2")
    expect(viewer).to_have_attribute("data-mm", f"{2 * x},{2 * y},{5 * z}")
    # The next case is the next worst one, at its own worst place.
    page.keyboard.press("k")
    expect(viewer).to_have_attribute("data-case", "worse")
    x, y, z = MISSED["worse"]
    expect(viewer).to_have_attribute("data-mm", f"{2 * x},{2 * y},{5 * z}")
    page.keyboard.press("ArrowLeft")
    expect(viewer).to_have_attribute("data-step", "1")
    expect(viewer).to_have_attribute("data-mm", f"{2 * x},{2 * y},{5 * z}")
    # Back in the table one goes on from where one was.
    page.go_back()
    expect(page.locator("#case-1")).to_have_attribute("aria-selected", "true")
    expect(grid).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.locator("#case-2")).to_have_attribute("aria-selected", "true")


def test_two_runs_are_told_apart_case_by_case(watched: Watched) -> None:
    page = watched.open("/cases?run=unet-old&class=liver")
    expect(rows(page).first).to_have_attribute("data-case", "case_000")
    page.get_by_role("button", name="Compare with").click()
    page.get_by_label("Find a run").fill("unet-new")
    page.get_by_test_id("run-picker").get_by_role("button", name="unet-new").click()
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("verdict")).to_contain_text(f"{MANY * 2 // 3} better, {MANY // 3} worse, 0 the same")
    page.get_by_role("columnheader", name="Change").get_by_role("button").click()
    expect(rows(page).first).to_contain_text("−0.050")
    page.get_by_role("columnheader", name="Change").get_by_role("button").click()
    expect(rows(page).first).to_contain_text("+0.020")
    page.wait_for_url(re.compile("sort=change&order=turned"))
    page.get_by_role("radio", name="Runs").click()
    expect(page.get_by_test_id("readout")).to_contain_text("unet-new ·")

    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    table = list(csv.reader(io.StringIO(download.value.path().read_text(encoding="utf-8-sig"))))
    assert table[0] == ["case", "class", "val/dice unet-old", "val/dice unet-new", "change"]
    assert len(table) == 1 + MANY
    assert float(table[1][4]) == pytest.approx(0.02)
    page.reload()
    expect(rows(page).first).to_contain_text("+0.020")


def test_a_distance_is_worst_where_it_is_high(watched: Watched) -> None:
    page = watched.open("/cases?run=unet-old&class=liver")
    page.get_by_label("Metric").select_option("val/hd95")
    expect(rows(page).first).to_have_attribute("data-case", "case_000")
    expect(page.get_by_test_id("distribution")).to_contain_text("liver")
    page.get_by_test_id("cases").focus()
    page.keyboard.press("End")
    expect(page.locator(f"#case-{MANY - 1}")).to_contain_text(f"case_{MANY - 1:03d}")
    page.get_by_label("Filter cases").fill("case_01")
    expect(rows(page)).to_have_count(10)
    page.get_by_label("Filter cases").fill("nobody")
    expect(page.get_by_test_id("empty")).to_contain_text("nobody")


def test_what_was_never_found_stands_first_and_says_so(watched_far: Watched) -> None:
    page = watched_far.open("/cases?run=far-old&with=far-new")
    names = ["lost", "never found", "near", "found late", "near", "absent"]
    expect(rows(page)).to_have_count(len(names))
    assert [row.get_attribute("data-case") for row in rows(page).all()] == names
    readout = page.get_by_test_id("readout")
    expect(readout).to_contain_text("6 rows, 2 infinite, 1 without a number at the end")
    expect(page.get_by_test_id("verdict")).to_contain_text(
        "1 better, 1 worse, 2 the same; mean change +0.250, median +0.250, 2 left out: from or to ∞"
    )
    lost = rows(page).first
    expect(lost).to_contain_text("−∞")
    expect(lost.locator(".map i").last).to_have_text("∞")
    expect(readout).to_contain_text("lost spleen · epoch 3 · ∞")
    expect(page.get_by_test_id("distribution").locator(".figures")).to_contain_text("∞]")
    assert "NaN" not in page.content()
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    table = list(csv.reader(io.StringIO(download.value.path().read_text(encoding="utf-8-sig"))))
    assert table[1] == ["lost", "spleen", "inf", "5", "-inf"]
    # What is infinite lies at the edge, and names itself.
    page.goto(f"{watched_far.url}/cases?run=far-old&class=spleen")
    canvas = page.get_by_test_id("distribution").locator("canvas")
    box = canvas.bounding_box()
    assert box is not None
    tip = page.get_by_test_id("distribution").locator(".tip")
    for dy in range(2, 25, 2):
        page.mouse.move(box["x"] + box["width"] - 12, box["y"] + dy)
        if tip.count():
            break
    expect(tip).to_contain_text("∞")


def test_the_worst_value_opens_the_epoch_at_which_it_was_reached(watched_far: Watched) -> None:
    page = watched_far.open("/cases?run=far-old&value=best")
    grid = page.get_by_test_id("cases")
    lost = rows(page).and_(page.locator("[data-case=lost]"))
    expect(lost.locator(".num").first).to_have_text("3")
    lost.get_by_role("button", name="lost").click()
    page.wait_for_url(re.compile("/viewer.*step=2"))
    page.go_back()
    expect(page.get_by_test_id("readout")).to_contain_text("lost spleen · epoch 2 · 3")
    grid.focus()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/viewer.*step=2"))
    page.goto(f"{watched_far.url}/cases?run=far-old&value=worst&map=runs&with=far-new")
    lost.get_by_role("button", name="lost").click()
    page.wait_for_url(re.compile("/viewer.*step=3"))


def test_the_first_click_on_a_class_chooses_it_alone(watched_far: Watched) -> None:
    page = watched_far.open("/cases?run=far-old")
    chips = page.get_by_role("group", name="Classes")

    def pressed() -> list[str]:
        expect(chips.get_by_role("button")).to_have_count(4)
        return chips.locator("[aria-pressed=true]").all_inner_texts()

    assert pressed() == ["All", "liver", "spleen", "tumour"]
    chips.get_by_role("button", name="spleen").focus()
    page.keyboard.press("Enter")
    expect(rows(page)).to_have_count(4)
    assert pressed() == ["spleen"]
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Space")
    expect(rows(page)).to_have_count(5)
    assert pressed() == ["liver", "spleen"]
    chips.get_by_role("button", name="All").click()
    expect(rows(page)).to_have_count(6)
    chips.get_by_role("button", name="tumour").click()
    expect(rows(page)).to_have_count(1)
    chips.get_by_role("button", name="tumour").click()
    expect(rows(page)).to_have_count(6)


def test_without_a_run_the_newest_with_cases_is_shown(browser: Browser, watched_far: Watched, tmp_path: Path) -> None:
    page = watched_far.open("/cases")
    expect(page.get_by_role("columnheader", name="far-new")).to_be_visible()
    expect(rows(page)).to_have_count(4)
    with vx.Run(name="nothing", project=tmp_path / ".voxloop") as run:
        run.log({"train/loss": 1.0}, step=1)
    with on_the_air(tmp_path / ".voxloop") as empty, watching(browser, empty) as watch:
        page = watch.open("/cases")
        expect(page.get_by_test_id("empty")).to_contain_text("No run has scores per case yet")


def test_a_dot_of_the_distribution_names_its_case_and_opens_it(watched: Watched) -> None:
    page = watched.open("/cases?run=unet-old&class=tumour~liver")
    canvas = page.get_by_test_id("distribution").locator("canvas")
    box = canvas.bounding_box()
    assert box is not None
    # The second strip is that of the tumour; its lowest dot is at 0.23.
    for dy in range(2, 25, 2):
        page.mouse.move(box["x"] + 8 + 0.23 * (box["width"] - 16), box["y"] + 26 + dy)
        if page.get_by_test_id("distribution").get_by_text("worse").count():
            break
    expect(page.get_by_test_id("distribution")).to_contain_text("worse tumour · 0.23")
    page.mouse.down()
    page.mouse.up()
    page.wait_for_url(re.compile("/viewer.*case=worse"))


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_it_can_be_read_by_all(watched: Watched, theme: str) -> None:
    page = watched.open(f"/cases?run=unet-old&with=unet-new&theme={theme}")
    rows(page).first.wait_for()
    assert stumbles(page) == []
    page.set_viewport_size({"width": 820, "height": 1180})
    page.wait_for_function("() => document.scrollingElement.scrollWidth <= innerWidth")


def test_a_run_without_cases_says_how_they_are_logged(watched: Watched) -> None:
    page = watched.open("/cases?run=%3Cscript%3Ealert(1)%3C%2Fscript%3E")
    expect(page.get_by_role("button", name="<script>alert(1)</script>")).to_be_visible()
    expect(page.get_by_test_id("empty")).to_contain_text("no scores per case")
    page.goto(f"{watched.url}/cases?run=organs")
    box = page.get_by_test_id("cases").bounding_box()
    assert box is not None
    assert stumbles(page) == []
    expect(page.get_by_test_id("readout")).to_contain_text("61 rows, 1 without a number")
    assert box["height"] >= 200
    assert box["y"] + box["height"] <= 800, "the table stays in sight, however many classes there are"
    page.goto(f"{watched.url}/cases?run=nobody")
    expect(page.get_by_test_id("fault")).to_contain_text("nobody")
    watched.faults[:] = [fault for fault in watched.faults if "404" not in fault]
