"""How quick the page is with ten thousand runs, ten million points, many cases and large scans: `python -m benchmarks.page [runs|curves|volumes]`."""

from __future__ import annotations

import gzip
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.page import curves, volumes
from benchmarks.page.curves import COUNT, COUNTED
from benchmarks.query.__main__ import fill

RUNS = 10_000
Figures = Iterator[tuple[str, float]]
PAGE = Path(__file__).parents[2] / "src/voxloop/server/page"
# No graphics card: what is drawn in 2D is drawn by the processor, without a detour through software OpenGL.
FLAGS = [
    "--no-sandbox",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-gpu-compositing",
    "--disable-gpu-rasterization",
    "--disable-accelerated-2d-canvas",
]
# What has to hold, by the line that tells it.
MUST = {
    "first paint of Runs, s": 1.5,
    "first curve of Compare, s": 2.0,
    "own JavaScript, kB gzipped": 400,
    "server memory, MB": 300,
    "server memory with curves, MB": 300,
    "Cases seen, s": 1.5,
    "a CT of 26 million voxels, s": 4.0,
    "nothing answered meanwhile, s": 0.5,
    "another epoch of 1 million, s": 0.3,
    "what an epoch of 26 million moves, kB": 1000,
    "browser, four linked CTs, MB": 1500,
    "more after closing them thrice, MB": 100,
}
FRAMES = 30
STEPS = 25


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
    files = [file for file in (PAGE / "assets").glob("*.js") if not file.name.startswith(("solid", "plotly"))]
    return sum(len(gzip.compress(file.read_bytes())) for file in files) / 1000


def memory(server: subprocess.Popen[bytes]) -> float:
    for line in Path(f"/proc/{server.pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1000
    raise AssertionError("a process has a peak of memory")


def least_of(name: str) -> float | None:
    return STEPS if name.startswith("stepping") else FRAMES if name.endswith("frames/s") else None


def tell(name: str, value: float) -> bool:
    """A line of the table; whether what must hold does."""
    least, most = least_of(name), MUST.get(name)
    good = (least is None or value >= least) and (most is None or value <= most)
    limit = f"(at most {most:g})" if most is not None else f"(at least {least:g})" if least is not None else ""
    print(f"{name:<36}{value:8.2f}  {limit:<16}{'' if good else '  MISSED'}".rstrip())
    return good


def measure_runs(browser: Browser, root: Path) -> Figures:
    fill(root, RUNS)
    with served(root) as (url, server), pages(browser) as page:
        first = page()
        yield "first paint of Runs, s", first_paint(first, url)
        yield "a second viewer's, s", first_paint(second := page(), url)
        second.close()
        yield "scrolling, frames/s", scrolling(first)
        yield "typing a query, frames/s", typing(first)
        yield "own JavaScript, kB gzipped", own_code()
        yield "server memory, MB", memory(server)


def measure_curves(browser: Browser, root: Path) -> Figures:
    curves.fill(root)
    with served(root) as (url, server), pages(browser) as page:
        first = page()
        yield "first curve of Compare, s", curves.first_curve(first, url)
        yield "a second viewer's first curve, s", curves.first_curve(second := page(), url)
        second.close()
        yield "hovering over curves, frames/s", curves.hovering(first)
        yield "smoothing curves, frames/s", curves.smoothing(first)
        yield "server memory with curves, MB", memory(server)


def measure_volumes(browser: Browser, root: Path) -> Figures:
    volumes.fill(root)
    with served(root) as (url, _), pages(browser) as page:
        one = page()
        yield "Cases seen, s", volumes.cases_seen(one, url)
        took, stall = volumes.opened(one, url, "ct")
        yield "a CT of 26 million voxels, s", took
        yield "nothing answered meanwhile, s", stall
        yield "stepping through slices, frames/s", volumes.stepping(one, url)
        yield "another epoch of 1 million, s", volumes.switching(one, url)
        yield "what an epoch of 26 million moves, kB", volumes.moved(page(), url)
        volumes.four_panes(one, url)
        yield "browser, four linked CTs, MB", volumes.browser_memory()
        volumes.closed(one)
        before = volumes.browser_memory()
        for _ in range(3):
            volumes.four_panes(one, url)
            volumes.closed(one)
        yield "more after closing them thrice, MB", max(0.0, volumes.browser_memory() - before)
        one.close()
        took, stall = volumes.opened(page(), url, "large")
        yield "a CT of 105 million voxels, s", took
        yield "nothing answered meanwhile with that, s", stall


@contextmanager
def pages(browser: Browser) -> Iterator[Callable[[], Page]]:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(120_000)
    yield context.new_page
    context.close()


PARTS: dict[str, Callable[[Browser, Path], Figures]] = {
    "runs": measure_runs,
    "curves": measure_curves,
    "volumes": measure_volumes,
}


def main(names: Sequence[str]) -> int:
    chromium = next(found for name in ("chromium", "google-chrome") if (found := shutil.which(name)))
    print(f"{RUNS:,} runs; {curves.RUNS} runs of {curves.POINTS:,} points; a CT of 512 x 512 x 100", flush=True)
    good = True
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        for name in names or PARTS:
            root = Path(folder) / name / ".voxloop"
            root.mkdir(parents=True)
            browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
            for figure, value in PARTS[name](browser, root):
                good = tell(figure, value) and good
            browser.close()
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
