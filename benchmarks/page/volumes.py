"""Large scans and many cases, as Cases and the Viewer show them."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
from playwright.sync_api import Page

import voxloop as vx

CT = (512, 512, 100)
LARGE = (512, 512, 400)
# A million voxels: what most validation cases have after they were brought to one spacing.
SMALL = (100, 100, 100)
EPOCHS = 4
CASES, CLASSES, LONG = 500, ("spleen", "liver", "kidney"), 50
METRICS = ("val/dice", "val/hd95", "val/assd", "val/nsd")
READY = "[data-testid=viewer][data-state=ready]"
# The longest time between two frames: so long nothing was answered.
WATCH = """() => { window.stall_ = 0; let last = performance.now();
    const on = now => { window.stall_ = Math.max(window.stall_, now - last); last = now; requestAnimationFrame(on); };
    requestAnimationFrame(on); }"""
# Each key waits until what it asked for is on the canvas, so that no slice is skipped.
STEP = """async count => {
    const canvas = document.querySelector('[data-testid=plane-axial] canvas');
    const began = performance.now();
    for (let n = 0; n < count; n++) {
        const before = canvas.dataset.drawn;
        canvas.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowUp', bubbles: true }));
        await new Promise(done => {
            const look = () => canvas.dataset.drawn === before ? requestAnimationFrame(look) : done();
            requestAnimationFrame(look);
        });
    }
    return count / (performance.now() - began) * 1000;
}"""
SWITCH = """async key => {
    const pane = document.querySelector('[data-testid=pane]');
    const before = pane.dataset.step;
    const began = performance.now();
    dispatchEvent(new KeyboardEvent('keydown', { key }));
    await new Promise(done => {
        const look = () => pane.dataset.step === before || pane.dataset.state !== 'ready' ? requestAnimationFrame(look) : done();
        requestAnimationFrame(look);
    });
    await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
    return performance.now() - began;
}"""


def fill(root: Path) -> None:
    """A run with a large and a small case, and one that says much of many cases."""
    with vx.Run(name="volumes", project=root) as run:
        for case, shape in (("ct", CT), ("small", SMALL)):
            scan, truth = body(shape)
            for epoch in range(1, EPOCHS + 1):
                layers = {"truth": truth, "prediction": np.roll(truth, EPOCHS + 1 - epoch, axis=0)}
                volume = vx.Volume(scan, layers, {2: "spleen"}, np.diag([-0.8, -0.8, 3.0, 1.0]))
                run.log({"val/scan": volume}, step=epoch, epoch=epoch, context={"case": case})
                run.log({"val/dice": epoch / 5}, step=epoch, epoch=epoch, context={"case": case, "class": "spleen"})
        scan, truth = body(LARGE)
        volume = vx.Volume(scan, {"truth": truth, "prediction": np.roll(truth, 2, axis=0)}, {2: "spleen"})
        run.log({"val/scan": volume}, step=1, epoch=1, context={"case": "large"})
        run.log({"val/dice": 0.5}, step=1, epoch=1, context={"case": "large", "class": "spleen"})
    rng = np.random.default_rng(0)
    base = rng.beta(8, 2, (CASES, len(CLASSES)))
    with vx.Run(name="cases", project=root) as run:
        for epoch in range(1, LONG + 1):
            for number in range(CASES):
                for place, name in enumerate(CLASSES):
                    score = float(base[number, place] * (1 - np.exp(-epoch / 8)))
                    said = dict(zip(METRICS, (score, 30 * (1 - score), 5 * (1 - score), score**0.5), strict=True))
                    run.log(said, step=epoch, epoch=epoch, context={"case": f"case_{number:03d}", "class": name})


def body(shape: tuple[int, int, int]) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.uint8]]:
    """Noise in an ellipsoid, as much to unpack as a real scan, and a labelled one in it."""
    rng = np.random.default_rng(1)
    axes = np.meshgrid(*[np.linspace(-1, 1, side) for side in shape], indexing="ij", sparse=True)
    inside = sum(axis**2 for axis in axes) < 0.8
    scan = np.where(inside, rng.integers(-20, 160, shape), -1000).astype(np.int16)
    truth = np.where(sum((axis - 0.2) ** 2 for axis in axes) < 0.06, 2, 0).astype(np.uint8)
    return scan, truth


def cases_seen(page: Page, url: str) -> float:
    started = time.perf_counter()
    page.goto(f"{url}/cases?run=cases")
    page.locator("[data-testid=cases] [data-case]").first.wait_for()
    return time.perf_counter() - started


def opened(page: Page, url: str, name: str) -> tuple[float, float]:
    """From the click on a case to its scan with two layers, and the longest that nothing was answered meanwhile."""
    page.goto(f"{url}/cases?run=volumes&q={name}")
    case = page.locator(f"[data-case={name}] button").first
    case.wait_for()
    page.evaluate(WATCH)
    started = time.perf_counter()
    case.click()
    page.locator(f"{READY}[data-case={name}]").wait_for()
    page.locator("[data-testid=plane-axial] [data-drawn]").wait_for()
    took = time.perf_counter() - started
    return took, float(page.evaluate("() => window.stall_")) / 1000


def stepping(page: Page, url: str) -> float:
    page.goto(f"{url}/viewer?run=volumes&case=ct&layout=axial")
    page.locator(READY).wait_for()
    page.locator("[data-drawn]").first.wait_for()
    return float(page.evaluate(STEP, 45))


def switching(page: Page, url: str) -> float:
    """The slowest of several changes of the epoch, none of which was seen before."""
    page.goto(f"{url}/viewer?run=volumes&case=small&layout=axial")
    page.locator(READY).wait_for()
    page.locator("[data-drawn]").first.wait_for()
    return max(float(page.evaluate(SWITCH, "ArrowLeft")) for _ in range(EPOCHS - 1)) / 1000


def moved(page: Page, url: str) -> float:
    """What comes over the wire when the large scan's epoch changes, in kB; the most of several."""
    page.goto(f"{url}/viewer?run=volumes&case=ct&layout=axial")
    page.locator(READY).wait_for()
    answers: list[int] = []
    page.on("requestfinished", lambda request: answers.append(request.sizes()["responseBodySize"]))
    most = 0
    for _ in range(EPOCHS - 1):
        answers.clear()
        page.evaluate(SWITCH, "ArrowLeft")
        page.wait_for_load_state("networkidle")
        most = max(most, sum(answers))
    return most / 1000


def four_panes(page: Page, url: str) -> None:
    page.goto(f"{url}/viewer?run=volumes&case=ct&layout=axial&beside=:1:~:2:~:3:")
    page.locator("[data-testid=pane][data-state=ready]").nth(3).wait_for()
    page.locator("[data-testid=plane-axial] [data-drawn]").nth(3).wait_for()


def closed(page: Page) -> None:
    page.get_by_role("link", name="Runs", exact=True).click()
    page.locator("[data-run]").first.wait_for()
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    page.wait_for_timeout(1500)
    session.send("HeapProfiler.collectGarbage")
    page.wait_for_timeout(500)


def browser_memory() -> float:
    """What all renderers hold, in MB: arrays of scans lie outside the heap that a page is told of."""
    total = 0.0
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            command = (status.parent / "cmdline").read_bytes()
            if b"--type=renderer" not in command:
                continue
            lines = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
            total += int(lines.get("RssAnon", "0 kB").split()[0]) / 1000
        except OSError:
            continue
    return total
