"""A project made through `voxloop.tracking`, a real server on it, and a real Chromium that looks at it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

import voxloop as vx

playwright_api = pytest.importorskip(
    "playwright.sync_api", reason="playwright drives the browser; it is in the extra `dev`"
)
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright  # noqa: E402

CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))),
    None,
)
# WebGL2 without a graphics card: software rendering, which recent versions give only when asked. All but 3D is drawn by the
# processor directly, for drawn through that it takes several times as long.
FLAGS = [
    "--no-sandbox",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-gpu-compositing",
    "--disable-gpu-rasterization",
    "--disable-accelerated-2d-canvas",
]
PAGE = Path(__file__).parents[2] / "src/voxloop/server/page/index.html"

SHAPE = (48, 40, 30)
# Flipped in x, unequal spacing, off centre: a wrong axis or a wrong sign cannot go unseen.
AFFINE = np.array([[-2.0, 0, 0, 47], [0, 2.0, 0, -39], [0, 0, 3.0, -44], [0, 0, 0, 1]])
EPOCHS = (1, 2, 3, 4)
CASES = ("spleen_2", "spleen_9", "spleen_12")
CLASSES = {1: "spleen", 3: "lesion"}


@dataclass(frozen=True)
class Served:
    """A project on the air, and what was put into it."""

    url: str
    run_id: str
    scans: dict[str, npt.NDArray[np.int16]]
    dice: dict[tuple[str, str], list[float]]
    root: Path


def _ball(centre: tuple[float, float, float], radius: tuple[float, float, float]) -> npt.NDArray[np.bool_]:
    axes = np.meshgrid(*[np.arange(n) for n in SHAPE], indexing="ij")
    return np.asarray(sum(((a - c) / r) ** 2 for a, c, r in zip(axes, centre, radius, strict=True)) < 1, dtype=np.bool_)


def _scan(rng: np.random.Generator, truth: npt.NDArray[np.uint8]) -> npt.NDArray[np.int16]:
    scan = np.full(SHAPE, -1000, np.int16)
    body = _ball((24, 20, 15), (22, 17, 20))
    scan[body] = rng.integers(0, 80, int(body.sum()))
    scan[(truth > 0) & body] = rng.integers(100, 140, int(((truth > 0) & body).sum()))
    return scan


def _dice(a: npt.NDArray[np.bool_], b: npt.NDArray[np.bool_]) -> float:
    return float(2 * (a & b).sum() / max(1, int(a.sum() + b.sum())))


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Served:
    """One run of three cases whose predictions improve over four epochs, and one failed run without any."""
    root = tmp_path_factory.mktemp("project") / ".voxloop"
    rng = np.random.default_rng(7)
    scans: dict[str, npt.NDArray[np.int16]] = {}
    dice: dict[tuple[str, str], list[float]] = {}
    with vx.Run(name="unet-old", experiment="spleen", project=root) as failed:
        failed.log({"train/loss": 1.5}, step=1, epoch=1)
        failed.finish("failed")
    with vx.Run(
        name="unet-a",
        experiment="spleen",
        tags=["baseline"],
        params={"optimizer": {"lr": 1e-4}, "seed": 0},
        project=root,
    ) as run:
        run.define("val/*", axis="epoch", best="max")
        for step in range(40):
            run.log({"train/loss": 1 / (1 + step / 10)}, step=step, epoch=1 + step // 10)
        for nth, case in enumerate(CASES):
            truth = np.zeros(SHAPE, np.uint8)
            truth[_ball((14, 24, 13), (8, 8, 7))] = 1
            truth[_ball((14, 24, 13), (3, 3, 2))] = 3
            scans[case] = _scan(rng, truth)
            for epoch in EPOCHS:
                miss = (EPOCHS[-1] - epoch + 1) * (1 + nth)
                prediction = np.zeros(SHAPE, np.uint8)
                prediction[_ball((14 + miss, 24, 13), (8, 8, 7))] = 1
                prediction[_ball((14 + miss / 2, 24, 13), (3, 3, 2))] = 3
                volume = vx.Volume(
                    scans[case],
                    layers={"truth": truth, "prediction": prediction},
                    classes=CLASSES,
                    affine=AFFINE,
                )
                run.log({"val/scan": volume}, step=epoch, epoch=epoch, context={"case": case})
                for value, name in CLASSES.items():
                    score = _dice(truth == value, prediction == value)
                    dice.setdefault((case, name), []).append(score)
                    run.log({"val/dice": score}, step=epoch, epoch=epoch, context={"case": case, "class": name})
        for k, epoch in enumerate(EPOCHS):
            run.log(
                {"val/mean_dice": float(np.mean([scores[k] for scores in dice.values()]))},
                step=epoch,
                epoch=epoch,
            )
        run_id = run.id
    return Served("", run_id, scans, dice, root)


@pytest.fixture(scope="session")
def served(project: Served) -> Iterator[Served]:
    with on_the_air(project.root) as url:
        yield replace(project, url=url)


@contextmanager
def on_the_air(root: Path) -> Iterator[str]:
    """A real server on a project, and its address."""
    if not PAGE.is_file():
        pytest.skip("The page is not built; run `make web`.")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = f"""
from pathlib import Path
from voxloop.server import serve
serve(Path({str(root)!r}), port={port})
"""
    log = root.parent / "server.log"
    with log.open("w") as output:
        server = subprocess.Popen(
            [sys.executable, "-c", program],
            stdout=output,
            stderr=output,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_for(f"{url}/api/v1/project", server, log)
        yield url
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _wait_for(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        assert server.poll() is None, f"the server ended: {log.read_text()}"
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"the server did not answer within 30 s: {log.read_text()}")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        if CHROMIUM is None and not Path(playwright.chromium.executable_path).exists():
            pytest.skip("No Chromium here; `playwright install chromium` brings one.")
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        # What a machine with other tests at work may take; who waits for less waits for luck.
        expect.set_options(timeout=15_000)
        yield chromium
        chromium.close()


@dataclass
class Watched:
    """A page with a note of all that should not happen while it is used."""

    page: Page
    url: str
    faults: list[str] = field(default_factory=list)

    def open(self, address: str) -> Page:
        self.page.goto(self.url + address)
        return self.page


@pytest.fixture
def url(served: Served) -> str:
    """Where the page is; a file whose tests need another project serves that under this name."""
    return served.url


@pytest.fixture
def watched(browser: Browser, url: str) -> Iterator[Watched]:
    with watching(browser, url) as watch:
        yield watch


@contextmanager
def watching(browser: Browser, url: str) -> Iterator[Watched]:
    """A fresh page; by the end there must have been no error in its console and no request to outside."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.set_default_timeout(20_000)
    watch = Watched(page, url)

    def on_console(message: ConsoleMessage) -> None:
        # A query that cannot be read is answered with 422, which Chromium takes for an error of the page.
        if message.type == "error" and "422" not in message.text:
            watch.faults.append(f"console: {message.text}")

    def on_request(request: Request) -> None:
        if not request.url.startswith((url, "blob:", "data:")):
            watch.faults.append(f"outside: {request.url}")

    page.on("console", on_console)
    page.on("pageerror", lambda error: watch.faults.append(f"error: {error}"))
    page.on("request", on_request)
    yield watch
    context.close()
    assert watch.faults == []
