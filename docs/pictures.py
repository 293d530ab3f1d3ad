"""Takes the pictures of README and docs from a real page: `python docs/pictures.py voxloop-demo`, after `voxloop demo`."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

IMAGES = Path(__file__).parent / "images"
FLAGS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist"]
SIZE = {"width": 1280, "height": 800}


def pictures(page: Page, address: str) -> None:
    page.goto(f"{address}/runs")
    page.get_by_role("row").nth(1).wait_for()
    page.screenshot(path=IMAGES / "runs.png")
    page.goto(f"{address}/cases?run=demo")
    page.get_by_role("row").nth(1).wait_for()
    page.screenshot(path=IMAGES / "cases.png")
    page.goto(f"{address}/viewer?run=demo&case={worst_case(page)}")
    page.locator("[data-state=ready]").wait_for(timeout=60_000)
    page.wait_for_timeout(500)
    # Into the spleen, in the axial plane.
    page.mouse.click(418, 583)
    page.wait_for_timeout(800)
    page.screenshot(path=IMAGES / "viewer.png")


def worst_case(page: Page) -> str:
    """The case in the first row of the table: the worst one."""
    rows = page.evaluate("fetch('/api/v1/runs/demo/cases').then(r => r.json())")["rows"]
    return str(next(row["case"] for row in rows if row["has_volume"]))


def main(project: Path) -> None:
    import threading

    import uvicorn

    from voxloop.server.app import create_app
    from voxloop.store import open_project

    IMAGES.mkdir(exist_ok=True)
    browser_path = next(path for name in ("chromium", "google-chrome") if (path := shutil.which(name)))
    with open_project(project) as opened, sync_playwright() as playwright:
        server = uvicorn.Server(uvicorn.Config(create_app(opened), port=8972, log_level="warning"))
        threading.Thread(target=server.run, daemon=True).start()
        browser = playwright.chromium.launch(executable_path=browser_path, args=FLAGS)
        page = browser.new_page(viewport=SIZE, color_scheme="dark")  # type: ignore[arg-type]
        page.wait_for_timeout(1500)
        pictures(page, "http://127.0.0.1:8972")
        browser.close()
        server.should_exit = True


if __name__ == "__main__":
    main(Path(sys.argv[1]))
