"""Every part of the page in every state, and what a blind person's reader would stumble over on any page."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Served, Watched

AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"


def stumbles(page: Page) -> list[str]:
    """What axe finds that is serious, each with the first element that has it."""
    # Through the debugger, because the page's own policy lets no foreign script in.
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{one['id']}: {one['help']} ({one['nodes'][0]['html'][:120]}; {one['nodes'][0]['failureSummary'][:200]})"
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_every_page_can_be_read_and_used_by_all(watched: Watched, served: Served, theme: str) -> None:
    places = {
        "/gallery": "section:nth-of-type(7)",
        "/": "[data-testid=verdicts]",
        "/runs": "[data-run]",
        "/compare": "[data-testid=chart]",
        f"/runs/{served.run_id}": "[data-testid=chart]",
        f"/cases?run={served.run_id}": "[data-testid=cases] [data-case]",
        f"/viewer?run={served.run_id}&case=spleen_2&step=1": "[data-testid=viewer][data-state=ready]",
    }
    for place, ready in places.items():
        page = watched.open(f"{place}{'&' if '?' in place else '?'}theme={theme}")
        page.locator(ready).first.wait_for()
        expect(page.locator("html")).to_have_attribute("data-theme", theme)
        assert stumbles(page) == [], place


def test_the_gallery_shows_every_face(watched: Watched) -> None:
    page = watched.open("/gallery")
    for status in ("running", "finished", "interrupted", "failed", "crashed"):
        expect(page.locator(f"[data-status={status}]").first).to_be_visible()
    for part in ("fault", "empty", "query-error", "notices"):
        expect(page.get_by_test_id(part).first).to_be_visible()
    expect(page.get_by_test_id("chart")).to_have_count(3)
    expect(page.get_by_text("No points yet.")).to_be_visible()
    expect(page.get_by_text("<img src=x onerror=alert(1)>")).to_be_visible()
    for part in ("[data-running=going]", "[data-running=stuck]", "[data-word=worse]", "[data-news=crashed]"):
        expect(page.locator(part)).to_be_visible()
    expect(page.locator("[data-running=stuck]")).to_contain_text("Perhaps stuck: nothing logged for 30 min")
    expect(page.get_by_test_id("crash")).to_be_visible()
    expect(page.get_by_text("The disk is nearly full")).to_be_visible()
