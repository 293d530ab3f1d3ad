"""How quick the page is with ten thousand runs and with ten million points, in a real headless Chromium: `python -m benchmarks.page`."""

from __future__ import annotations

import gzip
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from benchmarks.page import curves
from benchmarks.page.curves import COUNT, COUNTED
from benchmarks.query.__main__ import fill

RUNS = 10_000
PAGE = Path(__file__).parents[2] / "src/voxloop/server/page"
FLAGS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist"]
# What has to hold, by the line that tells it.
MUST = {
    "first paint of Runs, s": 1.5,
    "first curve of Compare, s": 2.0,
    "own JavaScript, kB gzipped": 400,
    "server memory, MB": 300,
    "server memory with curves, MB": 300,
}
FRAMES = 30


@contextmanager
def served(folder: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = f"from pathlib import Path; from voxloop.server import serve; serve(Path({str(folder)!r}), port={port})"
    server = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        while True:
            try:
                urllib.request.urlopen(f"{url}/api/v1/project", timeout=2).close()
                break
            except OSError:
                time.sleep(0.05)
        yield url, server
    finally:
        server.terminate()
        server.wait()


def first_paint(page: Page, url: str) -> float:
    started = time.perf_counter()
    page.goto(f"{url}/runs")
    page.locator("[data-run]").first.wait_for()
    return time.perf_counter() - started


def scrolling(page: Page) -> float:
    page.evaluate(COUNT)
    for _ in range(60):
        page.get_by_test_id("runs").evaluate("e => { e.scrollTop += 700 }")
        page.wait_for_timeout(16)
    return float(page.evaluate(COUNTED))


def typing(page: Page) -> float:
    page.get_by_label("Filter runs").focus()
    page.evaluate(COUNT)
    page.keyboard.type('run.params.optimizer.lr < 1e-3 and run.metrics["val/dice"].max > 0.5', delay=25)
    return float(page.evaluate(COUNTED))


def own_code() -> float:
    """What has to arrive before the first page works: everything but what is loaded when a volume is shown."""
    files = [file for file in (PAGE / "assets").glob("*.js") if not file.name.startswith("niivue")]
    return sum(len(gzip.compress(file.read_bytes())) for file in files) / 1000


def memory(server: subprocess.Popen[bytes]) -> float:
    for line in Path(f"/proc/{server.pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1000
    raise AssertionError("a process has a peak of memory")


def tell(name: str, value: float, good: bool) -> None:
    limit = f"(at most {MUST[name]:g})" if name in MUST else f"(at least {FRAMES})"
    print(f"{name:<34}{value:8.2f}  {limit:<16}{'' if good else '  MISSED'}")


def main() -> int:
    chromium = next(found for name in ("chromium", "google-chrome") if (found := shutil.which(name)))
    results: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        root = Path(folder) / "many" / ".voxloop"
        root.mkdir(parents=True)
        fill(root, RUNS)
        with served(root) as (url, server):
            browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            results["first paint of Runs, s"] = first_paint(page, url)
            second = browser.new_page(viewport={"width": 1280, "height": 800})
            results["a second viewer's, s"] = first_paint(second, url)
            second.close()
            results["scrolling, frames/s"] = scrolling(page)
            results["typing a query, frames/s"] = typing(page)
            results["own JavaScript, kB gzipped"] = own_code()
            results["server memory, MB"] = memory(server)
            browser.close()
        root = Path(folder) / "long" / ".voxloop"
        curves.fill(root)
        with served(root) as (url, server):
            browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            results["first curve of Compare, s"] = curves.first_curve(page, url)
            second = browser.new_page(viewport={"width": 1280, "height": 800})
            results["a second viewer's first curve, s"] = curves.first_curve(second, url)
            second.close()
            results["hovering over curves, frames/s"] = curves.hovering(page)
            results["smoothing curves, frames/s"] = curves.smoothing(page)
            results["server memory with curves, MB"] = memory(server)
            browser.close()
    print(f"{RUNS:,} runs, then {curves.RUNS} runs of {curves.POINTS:,} points")
    missed = 0
    for name, value in results.items():
        if name.startswith("a second viewer"):
            print(f"{name:<34}{value:8.2f}")
            continue
        good = value >= FRAMES if name.endswith("frames/s") else value <= MUST[name]
        missed += not good
        tell(name, value, good)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
