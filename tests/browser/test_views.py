"""Saved views as people use them: two at once, by mouse and by keys, with names that are no good to a careless page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

import voxloop as vx
from tests.browser.conftest import Watched, on_the_air, watching
from tests.browser.test_gallery import stumbles
from voxloop.store import open_project, schema

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("views") / ".voxloop"
    for number in range(4):
        with vx.Run(name=f"unet-{number}", params={"lr": 10.0 ** -(1 + number % 2)}, project=root) as run:
            run.log({"val/dice": number / 4}, step=1)
    return root


@pytest.fixture(scope="module")
def url(root: Path) -> Iterator[str]:
    with on_the_air(root) as address:
        yield address


@pytest.fixture
def watched(browser: Browser, root: Path, url: str) -> Iterator[Watched]:
    with open_project(root) as project:
        for view in project.views():
            project.delete_view(view.id)
    with watching(browser, url) as watch:
        yield watch


def button(page: Page) -> Locator:
    return page.get_by_role("button", name=re.compile("^Views?"))


def save(page: Page, name: str) -> None:
    button(page).click()
    page.get_by_label("Name of a new view").fill(name)
    page.keyboard.press("Enter")


def undo(page: Page) -> None:
    page.get_by_test_id("notices").get_by_role("button", name="Undo").last.click()


def test_a_view_is_saved_opened_changed_and_deleted(watched: Watched, root: Path) -> None:
    page = watched.open("/runs?group=params.lr&sort=-metrics.val/dice")
    runs = page.get_by_test_id("runs")
    expect(runs.locator("[data-group]")).to_have_count(2)
    button(page).click()
    panel = page.get_by_test_id("views")
    expect(panel).to_contain_text("Nothing is saved yet")
    name = page.get_by_label("Name of a new view")
    expect(name).to_be_focused()
    expect(name).to_have_value("by lr, sorted by val/dice")
    page.keyboard.press("Enter")
    expect(button(page)).to_contain_text("View: \u2068by lr, sorted by v…")
    expect(panel).to_have_count(0)
    with open_project(root) as project:
        assert [view.address for view in project.views("runs")] == ["/runs?group=params.lr&sort=-metrics.val%2Fdice"]

    page.goto(f"{watched.url}/runs?q=unet-1")
    save(page, HOSTILE)
    expect(button(page)).to_contain_text(HOSTILE[:18])
    page.get_by_label("Archived too").check()
    expect(button(page)).to_contain_text("changed")
    page.wait_for_url(re.compile("saved=.*archived=1"))
    page.reload()
    expect(button(page)).to_contain_text("changed")
    button(page).click()
    expect(panel.get_by_role("link")).to_have_count(3)
    for theme in ("dark", "light"):
        page.locator("html").evaluate("(html, theme) => html.setAttribute('data-theme', theme)", theme)
        assert stumbles(page) == []
    panel.get_by_role("link", name="Go back to it").click()
    expect(page.get_by_label("Archived too")).not_to_be_checked()
    expect(button(page)).not_to_contain_text("changed")

    page.get_by_label("Archived too").check()
    button(page).click()
    panel.get_by_role("button", name="Save the changes").click()
    expect(button(page)).not_to_contain_text("changed")
    undo(page)
    expect(button(page)).to_contain_text("changed")

    # By keys alone: to the first view, its new name, and open it.
    button(page).focus()
    page.keyboard.press("Enter")
    expect(panel.locator("li a").first).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("F2")
    expect(page.get_by_label("New name")).to_have_value("by lr, sorted by val/dice")
    page.keyboard.type("sweep")
    page.keyboard.press("Enter")
    sweep = panel.get_by_role("link", name="sweep")
    expect(sweep).to_be_focused()
    page.keyboard.press("Enter")
    expect(panel).to_have_count(0)
    expect(runs.locator("[data-group]")).to_have_count(2)
    expect(button(page)).to_have_text(re.compile("View: \u2068sweep\u2069"))

    button(page).click()
    panel.get_by_role("button", name="Delete sweep").click()
    expect(sweep).to_have_count(0)
    expect(panel.locator("li a").first).to_be_focused()
    page.keyboard.press("Escape")
    expect(button(page)).to_be_focused()
    undo(page)
    expect(button(page)).to_contain_text("sweep")
    with open_project(root) as project:
        assert [view.name for view in project.views("runs")] == [HOSTILE, "sweep"]


def test_of_two_who_save_at_once_nobody_loses_anything(
    browser: Browser, watched: Watched, root: Path, url: str
) -> None:
    page = watched.open("/runs?q=unet-1")
    save(page, "ours")
    expect(button(page)).to_contain_text("ours")
    with watching(browser, url) as colleague:
        # A refusal is an answer, which Chromium takes for an error of the page.
        other = colleague.open("/runs")
        button(other).click()
        other.get_by_role("link", name="ours").click()
        expect(button(other)).to_contain_text("ours")
        other.get_by_label("Filter runs").fill("unet-2")
        expect(button(other)).to_contain_text("changed")
        with open_project(root) as project:
            (view,) = project.views("runs")
            project.change_view(view.id, address="/runs?q=unet-3")
        button(other).click()
        # The list has come again, and their own view is still the one that they have seen.
        expect(other.get_by_role("link", name="Go back to it")).to_have_attribute("href", re.compile("unet-3"))
        other.get_by_role("button", name="Save the changes").click()
        expect(other.get_by_test_id("notices")).to_contain_text("Somebody else has changed")
        other.get_by_label("Name of a new view").fill("mine")
        other.keyboard.press("Enter")
        expect(button(other)).to_contain_text("mine")
        colleague.faults[:] = [fault for fault in colleague.faults if "409" not in fault]
    with open_project(root) as project:
        assert {view.name: view.address for view in project.views("runs")} == {
            "ours": "/runs?q=unet-3",
            "mine": "/runs?q=unet-2",
        }
        with project.writing() as connection:
            elsewhere = {"page": "compare", "name": "away", "address": "javascript:alert(1)", "created": 0.0}
            connection.execute(schema.views.insert().values(**elsewhere))
    page.goto(f"{url}/compare")
    button(page).click()
    panel = page.get_by_test_id("views")
    expect(panel).to_contain_text("away")
    expect(panel.get_by_role("link")).to_have_count(0)
    expect(panel).not_to_contain_text("ours")
    page.get_by_label("Name of a new view").fill("away")
    expect(panel.get_by_role("button", name="Replace", exact=True)).to_be_visible()
    page.keyboard.press("Enter")
    expect(button(page)).to_contain_text("away")
