"""The table of runs as a person uses it: asking, choosing columns, and saying what is to become of runs."""

from __future__ import annotations

import csv
import io
import re
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

import voxloop as vx
from tests.browser.conftest import Watched, on_the_air, watching
from tests.browser.test_gallery import stumbles
from voxloop.store import open_project

RUNS = 260
FEW = 8


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Enough runs that most of them are out of sight, one of them with a name that is no good to a careless page."""
    root = tmp_path_factory.mktemp("many") / ".voxloop"
    fill(root, RUNS)
    return root


def fill(root: Path, count: int) -> None:
    for number in range(count):
        params = {"optimizer": {"lr": 10.0 ** -(1 + number % 4)}, "seed": 0, "fold": number % 5}
        name = "<script>alert(1)</script>" if number == count - 2 else f"unet-{number}"
        with vx.Run(name=name, experiment="spleen", params=params, project=root) as run:
            run.define("val/*", best="max")
            run.log({"val/dice": number / count, "train/loss": 1 - number / count}, step=1)


@pytest.fixture(scope="module")
def url(root: Path) -> Iterator[str]:
    with on_the_air(root) as address:
        yield address


@pytest.fixture
def few(tmp_path: Path) -> Path:
    """A project of a test's own, which may be changed."""
    fill(tmp_path / ".voxloop", FEW)
    return tmp_path / ".voxloop"


@pytest.fixture
def changing(browser: Browser, few: Path) -> Iterator[Watched]:
    with on_the_air(few) as address, watching(browser, address) as watch:
        yield watch


def rows(page: Page) -> Locator:
    return page.get_by_test_id("runs").locator("[data-run]")


def heads(page: Page) -> list[str]:
    expect(rows(page).first).to_be_visible()
    return [text.strip("▲▼ ") for text in page.get_by_role("columnheader").all_inner_texts()[1:]]


def test_a_query_is_completed_by_keys_and_a_mistake_is_pointed_at(watched: Watched) -> None:
    page = watched.open("/runs")
    expect(page.get_by_test_id("run-count")).to_have_text(str(RUNS))
    page.keyboard.press("/")
    page.keyboard.type("run.par")
    offers = page.get_by_test_id("completions")
    expect(offers).to_contain_text("params")
    while offers.get_by_role("option", selected=True).filter(has_text="params").count() == 0:
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    bar = page.get_by_label("Filter runs")
    expect(bar).to_have_value("run.params")
    page.keyboard.type(".optimizer.lr << 1e-2")
    page.keyboard.press("Enter")
    fault = page.get_by_test_id("query-error")
    expect(fault).to_contain_text("expected a comparison")
    place = fault.locator(".pointer").evaluate("e => e.textContent")
    assert place == " " * len("run.params.optimizer.lr ") + "^"
    expect(rows(page).first).to_be_visible()

    bar.fill("run.params.optimizer.lr < 5e-3")
    page.keyboard.press("Enter")
    expect(fault).to_have_count(0)
    expect(page.get_by_test_id("run-count")).to_have_text(str(RUNS // 2))
    page.wait_for_url(re.compile(r"q=run\.params"))
    bar.fill("unet-7 spleen")
    expect(page.get_by_test_id("run-count")).to_have_text("11")
    bar.fill("nobody")
    expect(page.get_by_test_id("empty")).to_contain_text("No run fits")


def test_the_far_end_of_a_long_table_is_there_when_it_is_looked_at(watched: Watched) -> None:
    page = watched.open("/runs?sort=created")
    expect(rows(page).first).to_contain_text("unet-0")
    assert rows(page).count() < 60, "rows that nobody sees cost nothing"
    page.get_by_test_id("runs").focus()
    page.keyboard.press("End")
    last = page.locator(f"#run-row-{RUNS - 1}")
    expect(last).to_contain_text(f"unet-{RUNS - 1}")
    expect(page.locator(f"#run-row-{RUNS - 2}")).to_contain_text("<script>alert(1)</script>")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(f"unet-{RUNS - 3}")
    page.go_back()
    expect(rows(page).first).to_contain_text("unet-0")


def test_columns_are_chosen_moved_and_sorted_by(watched: Watched) -> None:
    page = watched.open("/runs")
    assert heads(page) == ["Name", "Status", "Experiment", "Created", "Duration", "val/dice", "train/loss"]
    page.get_by_label("Only what differs").check()
    expect(page.get_by_role("columnheader", name="optimizer.lr")).to_be_visible()
    assert not {"Status", "Experiment", "seed"} & set(heads(page))
    page.get_by_label("Only what differs").uncheck()

    page.get_by_role("button", name="Columns").click()
    page.get_by_label("Find a column").fill("fold")
    page.get_by_test_id("columns").get_by_role("checkbox").check()
    for _ in range(6):
        page.get_by_role("button", name="Move fold to the left").click()
    page.keyboard.press("Escape")
    expect(page.get_by_role("columnheader").nth(2)).to_contain_text("fold")
    assert heads(page)[:3] == ["Name", "fold", "Status"]

    page.get_by_role("button", name="val/dice", exact=True).click()
    expect(rows(page).first).to_contain_text(f"unet-{RUNS - 1}")
    page.get_by_role("button", name="val/dice", exact=True).click()
    expect(rows(page).first).to_contain_text("unet-0")
    # Nobody said which way train/loss is better.
    expect(rows(page).first).to_contain_text("last")
    page.get_by_label("Which value of a metric").select_option("max")
    expect(rows(page).first).not_to_contain_text("last")
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    text = download.value.path().read_text(encoding="utf-8-sig")
    table = list(csv.reader(io.StringIO(text)))
    assert table[0][:4] == ["id", "name", "params.fold", "status"]
    assert [row[1] for row in table[1:3]] == ["unet-0", "unet-1"]
    assert len(table) == 1 + RUNS


def test_what_is_done_to_runs_can_be_taken_back(changing: Watched, few: Path) -> None:
    page = changing.open("/runs?sort=created")
    boxes = rows(page).get_by_role("checkbox")
    boxes.nth(1).click()
    boxes.nth(3).click(modifiers=["Shift"])
    bar = page.get_by_test_id("selected")
    expect(bar).to_contain_text("3 selected")
    bar.get_by_role("button", name="Tag").click()
    page.get_by_label("New tag").fill("good")
    page.keyboard.press("Enter")
    expect(rows(page).nth(2)).to_contain_text("good")
    with open_project(few) as project:
        assert sorted(run.name for run in project.runs('"good" in run.tags')) == ["unet-1", "unet-2", "unet-3"]
    page.get_by_test_id("notices").get_by_role("button", name="Undo").click()
    expect(rows(page).nth(2)).not_to_contain_text("good")

    boxes.nth(2).click()
    bar.get_by_role("button", name="Archive").click()
    expect(page.get_by_test_id("run-count")).to_have_text(str(FEW - 1))
    page.get_by_test_id("notices").get_by_role("button", name="Undo").click()
    expect(page.get_by_test_id("run-count")).to_have_text(str(FEW))

    boxes.nth(4).click()
    bar.get_by_role("button", name="Delete").click()
    expect(rows(page).nth(4)).to_have_class(re.compile("gone"))
    page.get_by_test_id("notices").get_by_role("button", name="Undo").click()
    expect(rows(page).nth(4)).not_to_have_class(re.compile("gone"))
    with open_project(few) as project:
        assert project.count_runs() == FEW

    boxes.nth(5).click()
    bar.get_by_role("button", name="Delete").click()
    expect(page.get_by_test_id("run-count")).to_have_text(str(FEW - 1), timeout=20_000)
    with open_project(few) as project:
        assert not list(project.runs('run.name == "unet-5"'))


def groups(page: Page) -> Locator:
    return page.get_by_test_id("runs").locator("[data-group]")


def test_runs_are_grouped_opened_and_selected_by_mouse_and_keys(watched: Watched) -> None:
    page = watched.open("/runs?cols=status~metrics.val/dice~params.fold")
    expect(rows(page).first).to_be_visible()
    page.get_by_role("button", name="Group", exact=True).click()
    page.get_by_label("Find a column to group by").fill("lr")
    page.get_by_test_id("group-by").get_by_role("checkbox").check()
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("group-count")).to_have_text("in 4 groups")
    expect(groups(page)).to_have_count(4)
    assert [groups(page).nth(at).get_attribute("data-group") for at in range(4)] == ["0.0001", "0.001", "0.01", "0.1"]
    tenth = groups(page).nth(3)
    expect(tenth).to_contain_text("65 runs")
    # Of 0, 4, 8 … 256, as parts of 260.
    values = [number / RUNS for number in range(0, RUNS, 4)]
    expect(tenth).to_contain_text(f"{statistics.fmean(values):.2f} ± {statistics.stdev(values):.2f}")
    expect(tenth).to_contain_text("0 – 4")
    page.get_by_label("Which figure of a group").select_option("range")
    expect(tenth).to_contain_text(f"0 – {values[-1]:.4f}")

    page.get_by_role("button", name="val/dice", exact=True).click()
    expect(groups(page).first).to_have_attribute("data-group", "0.0001")
    page.get_by_role("button", name="val/dice", exact=True).click()
    expect(groups(page).first).to_have_attribute("data-group", "0.1")
    table = page.get_by_test_id("runs")
    table.focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    expect(groups(page).first).to_have_attribute("aria-expanded", "true")
    expect(rows(page).first).to_contain_text("unet-0")
    assert rows(page).count() < 60, "rows that nobody sees cost nothing"
    page.keyboard.press("End")
    expect(groups(page).last).to_have_attribute("data-group", "0.0001")
    for _ in range(3):
        page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(page.locator("#run-row-64")).to_contain_text("unet-252")
    page.keyboard.press("x")
    bar = page.get_by_test_id("selected")
    expect(bar).to_contain_text("1 selected")
    page.keyboard.press("ArrowLeft")
    expect(groups(page).first).to_have_attribute("data-group", "0.1")
    expect(groups(page).first.locator("input:indeterminate")).to_have_count(1)
    whole = groups(page).first.get_by_role("checkbox")
    page.keyboard.press("x")
    expect(bar).to_contain_text("65 selected")
    expect(whole).to_be_checked()
    page.keyboard.press("ArrowLeft")
    expect(rows(page)).to_have_count(0)
    groups(page).nth(1).get_by_role("checkbox").click()
    expect(bar).to_contain_text("130 selected")
    whole.click()
    expect(bar).to_contain_text("65 selected")
    bar.get_by_role("button", name="Clear").click()
    groups(page).first.click()

    page.wait_for_url(re.compile("group=params.optimizer.lr.*open=0.1"))
    page.reload()
    expect(rows(page).first).to_contain_text("unet-0")
    groups(page).first.click()
    expect(groups(page)).to_have_count(4)
    expect(rows(page)).to_have_count(0)

    page.goto(f"{watched.url}/runs?group=params.fold~params.optimizer.lr&open=0,%200.1")
    expect(page.get_by_test_id("group-count")).to_have_text("in 20 groups")
    expect(page.locator("[data-group='0, 0.1']")).to_contain_text("13 runs")
    expect(rows(page)).to_have_count(13)
    page.goto(f"{watched.url}/runs?group=params.fold&open=0")
    expect(rows(page).first).to_be_visible()
    page.get_by_role("button", name="Group: fold").click()
    expect(page.get_by_test_id("group-by")).to_be_visible()
    for theme in ("dark", "light"):
        page.locator("html").evaluate("(html, theme) => html.setAttribute('data-theme', theme)", theme)
        assert stumbles(page) == []
    page.set_viewport_size({"width": 820, "height": 1180})
    assert page.evaluate("document.documentElement.scrollWidth") <= 820
    panel = page.get_by_role("dialog").bounding_box()
    assert panel is not None
    assert 0 <= panel["x"] <= 820 - panel["width"]
    page.set_viewport_size({"width": 1280, "height": 800})
    page.get_by_role("button", name="Ungroup").click()
    expect(page.get_by_test_id("group-count")).to_have_count(0)
    expect(rows(page).nth(20)).to_be_visible()


def width(page: Page, name: str) -> float:
    box = page.get_by_role("columnheader", name=name, exact=True).bounding_box()
    assert box is not None
    return box["width"]


def test_a_column_is_widened_pinned_and_hidden_from_its_head(watched: Watched) -> None:
    page = watched.open("/runs?cols=status~experiment~notes~created~metrics.val/dice~metrics.train/loss")
    expect(rows(page).first).to_be_visible()
    before = width(page, "Experiment")
    edge = page.get_by_role("separator", name="Width of Experiment")
    box = edge.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 3, box["y"] + 10)
    page.mouse.down()
    page.mouse.move(box["x"] + 63, box["y"] + 10, steps=4)
    page.mouse.up()
    assert width(page, "Experiment") == before + 60
    edge.focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Shift+ArrowRight")
    assert width(page, "Experiment") == before + 60 - 8 + 40
    page.reload()
    expect(rows(page).first).to_be_visible()
    assert width(page, "Experiment") == before + 92, "the browser remembers"
    edge.dblclick()
    assert width(page, "Experiment") < before

    page.get_by_role("columnheader", name="val/dice").hover()
    page.get_by_role("button", name="Column val/dice").click()
    menu = page.get_by_role("menu", name="val/dice")
    expect(menu.get_by_role("menuitem").first).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(rows(page).first).to_contain_text(f"unet-{RUNS - 1}")
    expect(page.get_by_role("columnheader", name="val/dice")).to_have_attribute("aria-sort", "descending")
    page.get_by_role("button", name="Column val/dice").focus()
    page.keyboard.press("Enter")
    menu.get_by_role("menuitem", name="Pin to the left").click()
    expect(page.get_by_role("columnheader").nth(2)).to_have_accessible_name("val/dice")
    place = page.get_by_role("columnheader", name="val/dice").bounding_box()
    page.set_viewport_size({"width": 820, "height": 800})
    page.get_by_test_id("runs").evaluate("frame => { frame.scrollLeft = 400 }")
    assert page.get_by_role("columnheader", name="val/dice").bounding_box() == place
    page.set_viewport_size({"width": 1280, "height": 800})
    page.get_by_role("button", name="Column Notes").focus()
    page.keyboard.press("Enter")
    menu = page.get_by_role("menu", name="Notes")
    menu.get_by_role("menuitem", name="Hide").click()
    expect(page.get_by_role("columnheader", name="Notes")).to_have_count(0)
    page.wait_for_url(re.compile("pin=metrics"))
    page.get_by_role("button", name="Columns").click()
    page.get_by_label("Compact rows").check()
    page.keyboard.press("Escape")
    tall = rows(page).first.bounding_box()
    assert tall is not None
    assert tall["height"] == 26
    page.keyboard.press("?")
    expect(page.get_by_test_id("keys")).to_contain_text("Rename the run")
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("keys")).to_have_count(0)


def test_a_run_is_renamed_where_it_stands_and_all_are_selected_at_once(changing: Watched, few: Path) -> None:
    page = changing.open("/runs?sort=created")
    expect(rows(page).first).to_be_visible()
    page.get_by_test_id("runs").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("F2")
    field = page.get_by_label("Name of the run")
    expect(field).to_be_focused()
    with vx.Run(name="newcomer", experiment="spleen", project=few):
        page.keyboard.type("the <b>best</b>")
        expect(page.get_by_test_id("run-count")).to_have_text(str(FEW + 1))
    expect(field).to_have_value("the <b>best</b>")
    page.keyboard.press("Enter")
    expect(rows(page).nth(1)).to_contain_text("the <b>best</b>")
    with open_project(few) as project:
        assert project.run("the <b>best</b>").params["fold"] == 1
    page.get_by_test_id("notices").get_by_role("button", name="Undo").click()
    expect(rows(page).nth(1)).to_contain_text("unet-1")
    rows(page).nth(2).hover()
    page.get_by_role("button", name="Rename unet-2").click()
    page.keyboard.type("no")
    page.keyboard.press("Escape")
    expect(rows(page).nth(2)).to_contain_text("unet-2")
    everything = page.get_by_role("checkbox", name="Select all runs")
    everything.click()
    expect(page.get_by_test_id("selected")).to_contain_text(f"{FEW + 1} selected")
    expect(rows(page).nth(4)).to_have_attribute("aria-selected", "true")
    everything.click()
    expect(page.get_by_test_id("selected")).to_have_count(0)


def test_a_run_that_begins_is_there_without_asking(changing: Watched, few: Path) -> None:
    page = changing.open("/runs?q=newcomer")
    expect(page.get_by_test_id("empty")).to_be_visible()
    with vx.Run(name="newcomer", experiment="spleen", project=few) as run:
        expect(rows(page).filter(has_text="newcomer")).to_be_visible()
        expect(rows(page).locator("[data-status=running]")).to_be_visible()
        run.log({"val/dice": 0.123}, step=1)
        expect(rows(page).first).to_contain_text("0.1230")
    expect(rows(page).locator("[data-status=finished]")).to_be_visible()

    page.goto(f"{changing.url}/runs?group=status&open=%22running%22")
    expect(groups(page)).to_have_count(1)
    with vx.Run(name="another", experiment="spleen", project=few):
        expect(groups(page)).to_have_count(2)
        expect(rows(page)).to_have_count(1)
        expect(rows(page).first).to_contain_text("another")
    expect(groups(page)).to_have_count(1)
    expect(groups(page).first).to_contain_text(f"{FEW + 2} runs")


def test_chosen_runs_lead_to_a_comparison(watched: Watched) -> None:
    page = watched.open("/runs?sort=created")
    boxes = rows(page).get_by_role("checkbox")
    boxes.nth(0).click()
    boxes.nth(7).click(modifiers=["Shift"])
    page.get_by_test_id("selected").get_by_role("link", name="Compare").click()
    expect(page.get_by_test_id("run-count")).to_have_text("8 runs")
