"""What every page must survive: nothing to show, a server that goes and comes back, hostile and damaged content, odd addresses.

The pages are a table; a new page is a new line of it, and all that is here holds for it.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser, Page, expect

import voxloop as vx
from tests.browser.conftest import PAGE, Watched, _wait_for, on_the_air, watching
from voxloop.store import open_project

EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>"
LONG = "a-name-without-any-place-to-break-it-" * 2
# What each page is called in its own words, and its address; RUN stands for a run's id.
PAGES = {
    "home": "/",
    "runs": "/runs",
    "run": "/runs/RUN",
    "compare": "/compare",
    "cases": "/cases?run=RUN",
    "viewer": "/viewer?run=RUN",
    "media": "/media",
    "artifacts": "/artifacts",
    "data": "/data",
}
NOWHERE = {
    "run": ["/runs/nosuchrun", "/runs/%00", "/runs/..%2f..%2fetc"],
    "compare": ["/compare?runs=nosuchrun~none", "/compare?q=((("],
    "cases": ["/cases?run=nosuchrun", "/cases?run=RUN&metric=no/such"],
    "viewer": ["/viewer?run=nosuchrun&case=none", "/viewer?run=RUN&case=nosuchcase"],
    "media": ["/media?run=nosuchrun&q=((("],
    "artifacts": ["/artifacts/nosuch", f"/artifacts/{'x' * 300}?version=99"],
    "data": ["/data/nosuch", "/data/nosuch?version=-1"],
    "runs": ["/runs?q=run.nosuch == 1", "/runs?sort=nosuch&cols=~~~nosuch"],
}
PATIENCE_MS = 20_000
# What a page shows once it has something to say.
FACES = "h1, [data-testid=empty], [data-testid=fault], [data-testid=viewer]"
# Keys that pages use or may come to use, each with a value that none of them means.
ABSURD = "&".join(
    f"{key}={value}"
    for key, value in {
        "q": "%28%28%28",
        "sort": "-~",
        "stat": "zzz",
        "cols": "~~~",
        "diff": "zzz",
        "runs": "~~",
        "m": "~%00~",
        "x": "zzz",
        "y": "NaN",
        "smooth": "NaN",
        "log": "-1",
        "sum": "zzz",
        "band": "zzz",
        "colour": "context.",
        "stroke": "__proto__",
        "facet": "constructor",
        "from": "1e999",
        "to": "-Infinity",
        "view": "zzz",
        "tab": "zzz",
        "metric": "%00",
        "case": "..%2f..",
        "step": "1e99",
        "epoch": "-7.5",
        "layout": "zzz",
        "window": "NaN,NaN",
        "at": "a,b,c",
        "l.truth": "zzz.-1",
        "l.__proto__": "on.50",
        "class": "%F0%9F%98%80",
        "group": "__proto__",
        "kind": "zzz",
        "name": "%3Cb%3E",
        "version": "v-1",
        "split": "zzz",
        "order": "sideways",
        "page": "-1",
        "since": "zzz",
        "theme": "zzz",
    }.items()
)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs whose every text is meant to do harm, one of them with volumes and artifacts."""
    root = tmp_path_factory.mktemp("hostile") / ".voxloop"
    mask = np.zeros((6, 7, 8), np.uint8)
    mask[2:4, 2:5, 3:6] = 1
    for name in (EVIL, LONG):
        params = {EVIL: EVIL, "__proto__": {"polluted": name}, "long": LONG * 40, "lr": 1e-3, "epochs": 2}
        with vx.Run(name=name, experiment=name, tags=[name], params=params, notes=EVIL, project=root) as run:
            run.define("val/*", best="max")
            print(name)
            for step in (1, 2):
                run.log({"val/mean_dice": step / 3, name[:60]: 1.0}, step=step, epoch=step)
                run.log({"val/dice": step / 3}, step=step, context={"case": name, "class": EVIL})
            volume = vx.Volume(mask.astype(np.int16), {"truth": mask, name[:60]: mask}, {1: name})
            run.log({"val/scan": volume}, step=2, context={"case": name})
            file = root.parent / "model.bin"
            file.write_text(name)
            run.save(file, name="model", kind="model", aliases=["best"], metadata={EVIL: EVIL, "dice": 0.5})
    with vx.Run(name=EVIL, experiment=EVIL, project=root) as run:
        print(f"Traceback\n{EVIL}")
        run.finish("failed")
    return root


@pytest.fixture(scope="module")
def hostile_url(hostile: Path) -> Iterator[str]:
    with on_the_air(hostile) as url:
        yield url


def newest(root: Path) -> str:
    with open_project(root) as project:
        return next((run.id for run in project.runs('run.status == "finished"')), "none")


@contextmanager
def looking(browser: Browser, url: str) -> Iterator[Watched]:
    """A page whose browser may note what the server refuses; nothing else may go wrong in it, and nothing may speak up."""
    with watching(browser, url) as watch:
        watch.page.on("dialog", lambda dialog: watch.faults.append(f"dialog: {dialog.message}"))
        yield watch
        watch.faults[:] = [fault for fault in watch.faults if "Failed to load resource" not in fault]


def follow(page: Page, address: str) -> None:
    """Goes to an address as a link does, without loading the program anew."""
    page.evaluate(
        "url => { const a = document.createElement('a'); a.href = url; document.body.append(a); a.click(); a.remove(); }",
        address,
    )


def arrived(page: Page, name: str) -> None:
    """Waits until a page has come and has nothing more to wait for."""
    expect(page.locator(f"main[data-page={name}]"), name).to_be_visible(timeout=PATIENCE_MS)
    expect(page.locator("main").locator(FACES).first, name).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_test_id("waiting"), name).to_have_count(0, timeout=PATIENCE_MS)
    expect(page.get_by_test_id("crash"), name).to_have_count(0)


def stays_in_its_window(page: Page) -> bool:
    """Whether nothing scrolls sideways but what has a frame of its own."""
    return bool(page.evaluate("document.scrollingElement.scrollWidth <= innerWidth"))


def test_an_empty_project_has_a_face_on_every_page(browser: Browser, tmp_path: Path) -> None:
    open_project(tmp_path, create=True).close()
    with on_the_air(tmp_path / ".voxloop") as url, looking(browser, url) as watch:
        page = watch.open("/")
        page.set_viewport_size({"width": 820, "height": 1180})
        for name, address in PAGES.items():
            follow(page, address.replace("RUN", "none"))
            arrived(page, name)
            assert stays_in_its_window(page), name
            said = page.locator("main").inner_text()
            assert len(said) > 3, f"{name} says nothing"


def test_no_page_runs_what_was_logged_or_grows_beyond_its_window(
    browser: Browser, hostile: Path, hostile_url: str
) -> None:
    with looking(browser, hostile_url) as watch:
        page = watch.open("/gallery")
        page.set_viewport_size({"width": 820, "height": 1180})
        run = newest(hostile)
        for name, address in PAGES.items():
            follow(page, address.replace("RUN", run))
            arrived(page, name)
            assert stays_in_its_window(page), name
            assert page.locator("main script, main img[onerror]").count() == 0, name
            assert page.evaluate("({}).polluted === undefined"), name
        follow(page, "/runs")
        expect(page.locator("main")).to_contain_text(EVIL)


def test_no_address_makes_a_page_stumble(browser: Browser, hostile: Path, hostile_url: str) -> None:
    with looking(browser, hostile_url) as watch:
        page = watch.open("/gallery")
        run = newest(hostile)
        for name, address in PAGES.items():
            address = address.replace("RUN", run)
            follow(page, f"{address}{'&' if '?' in address else '?'}{ABSURD}")
            arrived(page, name)
        for name, addresses in NOWHERE.items():
            for address in addresses:
                follow(page, address.replace("RUN", run))
                arrived(page, name)
                assert len(page.locator("main").inner_text()) > 3, address
        follow(page, "/no/such/page")
        expect(page.get_by_test_id("empty")).to_contain_text("no such page")
        expect(page).to_have_title(re.compile("No such page"))


class Server:
    """A server that can be killed and started again at the same place."""

    def __init__(self, root: Path) -> None:
        self.root = root
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        program = f"from pathlib import Path; from voxloop.server import serve; serve(Path({str(self.root)!r}), port={self.port})"
        log = self.root.parent / "server.log"
        with log.open("w") as output:
            environment = {**os.environ, "OMP_NUM_THREADS": "1"}
            self.process = subprocess.Popen(
                [sys.executable, "-c", program], stdout=output, stderr=output, env=environment
            )
        _wait_for(f"{self.url}/api/v1/project", self.process, log)

    def kill(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        self.process = None


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    if not PAGE.is_file():
        pytest.skip("The page is not built; run `make web`.")
    with vx.Run(name="before", experiment="spleen", project=tmp_path) as run:
        run.log({"val/mean_dice": 0.5}, step=1)
        run.log({"val/dice": 0.5}, step=1, context={"case": "a", "class": "spleen"})
        mask = np.ones((3, 4, 5), np.uint8)
        run.log({"val/scan": vx.Volume(mask.astype(np.int16), {"truth": mask})}, step=1, context={"case": "a"})
    one = Server(tmp_path / ".voxloop")
    one.start()
    yield one
    one.kill()


def test_every_page_outlives_its_server(browser: Browser, server: Server) -> None:
    run = newest(server.root)
    pages: dict[str, Page] = {}
    for name, address in PAGES.items():
        # A browser opens six connections to a server; each page here is a reader of its own.
        page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
        page.goto(server.url + address.replace("RUN", run))
        arrived(page, name)
        pages[name] = page
    server.kill()
    for page in pages.values():
        expect(page.get_by_test_id("away")).to_contain_text("Connection lost")
    # A page whose program had not come yet, and one that had.
    wanting = pages["data"]
    follow(wanting, f"/cases?run={run}")
    expect(wanting.get_by_test_id("empty")).to_contain_text("did not arrive", timeout=PATIENCE_MS)
    follow(pages["home"], "/runs")
    expect(pages["home"].get_by_test_id("fault")).to_contain_text("does not answer")

    with vx.Run(name="meanwhile", experiment="spleen", project=server.root) as run_of_the_night:
        run_of_the_night.log({"val/mean_dice": 0.6}, step=1)
    server.start()
    for name, page in pages.items():
        expect(page.get_by_test_id("away")).to_have_count(0, timeout=20_000)
        arrived(page, {"data": "cases", "home": "runs"}.get(name, name))
        expect(page.get_by_test_id("fault")).to_have_count(0)
    for name in ("runs", "home"):
        expect(pages[name].locator("main")).to_contain_text("meanwhile")
    expect(pages["runs"].get_by_test_id("notices")).to_contain_text("Connected again")
    for page in pages.values():
        page.context.close()


def test_what_is_damaged_on_the_disk_is_told_and_can_be_tried_again(browser: Browser, server: Server) -> None:
    run = newest(server.root)
    with open_project(server.root) as project, looking(browser, server.url) as watch:

        def write(params: str) -> None:
            with project.writing() as connection:
                connection.execute(sa.text("update runs set params = :params"), {"params": params})

        page = watch.open("/runs")
        arrived(page, "runs")
        write("{damaged")
        page.reload()
        expect(page.get_by_test_id("fault")).to_contain_text("The server failed")
        for name in ("run", "compare", "cases", "viewer"):
            follow(page, PAGES[name].replace("RUN", run))
            arrived(page, name)
            expect(page.get_by_role("link", name="Runs", exact=True)).to_be_visible()
        follow(page, "/runs")
        expect(page.get_by_test_id("fault")).to_be_visible()
        write("{}")
        expect(page.get_by_test_id("fault")).to_have_count(0)
        expect(page.locator("main")).to_contain_text("before")

        blobs = server.root / "blobs"
        blobs.rename(blobs.with_name("mislaid"))
        for name in ("run", "media", "artifacts", "cases"):
            follow(page, PAGES[name].replace("RUN", run))
            arrived(page, name)
        follow(page, f"/viewer?run={run}&case=a")
        fault = page.get_by_test_id("fault")
        expect(fault).to_be_visible(timeout=PATIENCE_MS)
        expect(page.get_by_role("link", name="Home", exact=True)).to_be_visible()
        blobs.with_name("mislaid").rename(blobs)
        fault.get_by_role("button", name="Try again").click()
        expect(fault).to_have_count(0, timeout=PATIENCE_MS)


def test_a_page_that_stumbles_leaves_the_frame_alive(browser: Browser, hostile_url: str) -> None:
    with looking(browser, hostile_url) as watch:
        page = watch.page
        # As a server of another version might answer.
        page.route("**/api/v1/home?*", lambda route: route.fulfill(json={"runs": 3}))
        watch.open("/?since=week")
        crash = page.get_by_test_id("crash")
        expect(crash).to_contain_text("This page stumbled")
        follow(page, "/runs")
        arrived(page, "runs")
        page.go_back()
        expect(crash).to_be_visible()
        page.unroute("**/api/v1/home?*")
        crash.get_by_role("button", name="Try again").click()
        expect(page.get_by_test_id("fresh")).to_contain_text(EVIL)
        assert any("Error" in fault for fault in watch.faults), "a fault that nobody hears of is never mended"
        watch.faults.clear()
