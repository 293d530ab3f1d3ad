"""The table of runs as a person uses it: asking, choosing columns, and saying what is to become of runs."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

import voxloop as vx
from tests.browser.conftest import Watched, on_the_air, watching
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
def watched(browser: Browser, url: str) -> Iterator[Watched]:
    with watching(browser, url) as watch:
        yield watch


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

    page.get_by_role("columnheader", name="val/dice").get_by_role("button").click()
    expect(rows(page).first).to_contain_text(f"unet-{RUNS - 1}")
    page.get_by_role("columnheader", name="val/dice").get_by_role("button").click()
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


def test_a_run_that_begins_is_there_without_asking(changing: Watched, few: Path) -> None:
    page = changing.open("/runs?q=newcomer")
    expect(page.get_by_test_id("empty")).to_be_visible()
    with vx.Run(name="newcomer", experiment="spleen", project=few) as run:
        expect(rows(page).filter(has_text="newcomer")).to_be_visible()
        expect(rows(page).locator("[data-status=running]")).to_be_visible()
        run.log({"val/dice": 0.123}, step=1)
        expect(rows(page).first).to_contain_text("0.1230")
    expect(rows(page).locator("[data-status=finished]")).to_be_visible()


def test_chosen_runs_lead_to_a_comparison(watched: Watched) -> None:
    page = watched.open("/runs?sort=created")
    boxes = rows(page).get_by_role("checkbox")
    boxes.nth(0).click()
    boxes.nth(7).click(modifiers=["Shift"])
    page.get_by_test_id("selected").get_by_role("link", name="Compare").click()
    expect(page.get_by_test_id("run-count")).to_have_text("8 runs")
