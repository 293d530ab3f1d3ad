"""The first page in the morning, and the frame around all pages: by mouse, by keys, at every width."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, expect

import voxloop as vx
from tests.browser.conftest import Watched, on_the_air, watching
from tests.browser.test_gallery import stumbles
from voxloop.store import open_project

HOSTILE = "<script>alert(1)</script>"
CASES = {"spleen_2": (0.9, 0.9), "spleen_9": (0.8, 0.5), "spleen_12": (0.7, 0.6)}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A night's work: an experiment whose newest run is worse than its best, a new best of another, a failure, a dataset."""
    root = tmp_path_factory.mktemp("night") / ".voxloop"
    train(root, "unet-best", "spleen", 0.90, 0)
    train(root, "swin-1", "liver", 0.70, 0)
    train(root, "unet-newest", "spleen", 0.85, 1)
    train(root, "swin-2", "liver", 0.80, 0)
    with vx.Run(name=HOSTILE, experiment="spleen", project=root) as run:
        print("Traceback\nOutOfMemoryError: 1.5 GiB")
        run.finish("failed")
    data = root.parent / "scans"
    data.write_text("scans")
    with open_project(root) as project:
        project.save(data, "Spleen", "dataset", None, ["latest"], {"cases": 41})
    return root


def train(root: Path, name: str, experiment: str, mean: float, which: int) -> str:
    with vx.Run(name=name, experiment=experiment, project=root, system_s=None, console=False) as run:
        run.define("val/*", axis="epoch", best="max")
        for epoch in (1, 2, 3):
            run.log({"val/mean_dice": mean - 0.1 * (3 - epoch)}, step=epoch, epoch=epoch)
        for case, values in CASES.items():
            run.log({"val/dice": values[which]}, step=3, epoch=3, context={"case": case, "class": "organ"})
        mask = np.ones((3, 4, 5), np.uint8)
        run.log({"val/scan": vx.Volume(mask.astype(np.int16), {"truth": mask})}, step=3, context={"case": "spleen_9"})
        model = root.parent / "model.bin"
        model.write_text(name)
        run.save(model, name=f"{experiment}-ct", kind="model", aliases=["best"], metadata={"dice": mean})
        return run.id


@pytest.fixture(scope="module")
def url(root: Path) -> Iterator[str]:
    with on_the_air(root) as address:
        yield address


def id_of(root: Path, name: str) -> str:
    with open_project(root) as project:
        return project.run(name).id


def test_the_first_look_tells_the_night(watched: Watched, root: Path) -> None:
    page = watched.open("/")
    expect(page.get_by_role("heading", level=1)).to_have_text(root.parent.name)
    expect(page.get_by_test_id("idle")).to_contain_text(f"The last one, {HOSTILE}, was failed")
    expect(page.get_by_test_id("counts")).to_have_text("4 finished · 1 failed")
    fresh = page.get_by_test_id("fresh").get_by_role("listitem")
    expect(fresh).to_have_count(6)
    expect(fresh.nth(0)).to_contain_text(re.compile("dataset.*Spleen:v1.*41 cases"))
    expect(fresh.nth(1)).to_contain_text("OutOfMemoryError: 1.5 GiB")
    expect(fresh.nth(2)).to_contain_text(re.compile("swin-2.*liver-ct:v2.*best.*0.8000"))

    verdicts = page.get_by_test_id("verdicts").locator("[data-verdict]")
    expect(verdicts).to_have_count(2)
    worse = verdicts.first
    expect(worse).to_have_attribute("data-word", "worse")
    expect(worse).to_contain_text("−0.050")
    expect(worse.locator("[data-dropped]")).to_have_count(2)
    expect(worse.locator("[data-dropped]").first).to_contain_text(re.compile(r"spleen_9.*0\.800.*0\.500.*−0\.300"))
    expect(verdicts.nth(1)).to_contain_text("new best")
    newest = id_of(root, "unet-newest")
    hrefs = [link.get_attribute("href") or "" for link in worse.get_by_role("link").all()]
    assert f"/viewer?run={newest}&case=spleen_9" in hrefs, "a case with a volume leads to it"
    assert f"/cases?run={newest}&q=spleen_12" in hrefs, "one without leads to its figures"
    expect(page.get_by_test_id("disk")).to_contain_text("free")
    for theme in ("light", "dark"):
        page.get_by_role("button", name="Theme and keys").click()
        page.get_by_label(theme.capitalize(), exact=True).check()
        page.keyboard.press("Escape")
        assert stumbles(page) == [], theme

    # A day later the same is no news any more, and on request it is.
    page.evaluate(
        "root => localStorage.setItem(`voxloop.visit ${root}`, JSON.stringify({before: null, seen: Date.now() / 1000 - 2400}))",
        str(root),
    )
    with open_project(root) as project, project.writing() as connection:
        connection.exec_driver_sql("update runs set ended = ended - 86400 * 2")
        connection.exec_driver_sql("update versions set created = created - 86400 * 2")
    page.reload()
    expect(page.get_by_role("combobox", name="New since")).to_contain_text("your last visit")
    expect(page.get_by_test_id("earlier").get_by_role("listitem").first).to_contain_text("Spleen:v1")
    expect(page.get_by_test_id("fresh")).to_have_count(0)
    page.get_by_role("combobox", name="New since").select_option("week")
    expect(page.get_by_test_id("fresh").get_by_role("listitem")).to_have_count(6)
    page.wait_for_url("**/?since=week")
    worse.get_by_role("link", name="Compare").click()
    expect(page).to_have_url(re.compile(rf"/compare\?runs={id_of(root, 'unet-best')}(~|%7E){newest}$"))


def test_a_run_is_followed_while_it_goes_on(browser: Browser, tmp_path: Path) -> None:
    open_project(tmp_path, create=True).close()
    with on_the_air(tmp_path / ".voxloop") as url, watching(browser, url) as watch:
        watch.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page = watch.open("/")
        steps = page.get_by_test_id("first-steps")
        steps.get_by_role("button", name="Copy: voxloop demo").click()
        expect(steps.get_by_role("button", name="Copied: voxloop demo")).to_be_visible()
        command = page.evaluate("navigator.clipboard.readText()")
        assert command == f"voxloop demo --out {tmp_path} --no-serve"
        assert stumbles(page) == []

        with vx.Run(name="live", experiment="e", params={"max_epochs": 8}, project=tmp_path, console=False) as run:
            run.define("val/*", best="max")
            card = page.locator(f"[data-running='{run.id}']")
            expect(card).to_contain_text("live")
            expect(steps).to_have_count(0)
            for epoch in (1, 2, 3):
                run.log({"val/mean_dice": epoch / 10}, step=epoch, epoch=epoch)
                expect(card).to_contain_text(f"{epoch / 10:.4f}")
                expect(card.locator("[data-points]")).to_have_attribute("data-points", str(epoch))
                expect(card).to_contain_text(f"epoch {epoch} of 8")
            expect(card.get_by_role("progressbar")).to_have_js_property("value", 3 / 8)
            expect(card).to_contain_text("ends")
            expect(page).to_have_title(re.compile(r"^\(1\) Home"))
        expect(card).to_have_count(0)
        expect(page.get_by_test_id("fresh")).to_contain_text("live")


def test_keys_lead_everywhere(watched: Watched, root: Path) -> None:
    page = watched.open("/")
    expect(page.get_by_test_id("verdicts")).to_be_visible()
    for key, name in {"r": "Runs", "c": "Compare", "s": "Cases", "m": "Media", "h": root.parent.name}.items():
        page.keyboard.press("g")
        page.keyboard.press(key)
        heading = page.get_by_role("heading", level=1)
        expect(heading).to_have_text(name)
        expect(heading).to_be_focused()
    page.keyboard.press("?")
    keys = page.get_by_test_id("keys")
    expect(keys).to_contain_text("Jump to a page")
    page.keyboard.press("Escape")
    expect(keys).to_have_count(0)

    page.keyboard.press("Control+k")
    jump = page.get_by_test_id("jump")
    options = jump.get_by_role("option")
    expect(options.filter(has_text="unet-newest")).to_be_visible()
    page.keyboard.type("script")
    expect(options.filter(has_text=HOSTILE)).to_be_visible()
    assert stumbles(page) == []
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(HOSTILE)
    expect(jump).to_have_count(0)
    page.keyboard.press("Control+k")
    page.keyboard.type("spleen-ct")
    expect(options.filter(has_text=re.compile(r"spleen-ct\s*model · v2"))).to_be_visible()
    page.keyboard.press("ArrowUp")
    expect(options.filter(has_text="Runs that fit")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Escape")
    expect(jump).to_have_count(0)
    # What is typed into a field is no key of ours.
    page.goto(f"{watched.url}/runs")
    page.get_by_label("Filter runs").fill("g")
    page.keyboard.press("h")
    expect(page.get_by_role("heading", level=1)).to_have_text("Runs")


def test_the_frame_fits_every_width_and_back_is_where_one_was(watched: Watched) -> None:
    page = watched.open("/?theme=system")
    expect(page.get_by_test_id("verdicts")).to_be_visible()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        expect(page.locator("html")).to_have_attribute("data-theme", scheme)
    page.emulate_media(reduced_motion="reduce")
    for width in (1280, 1024, 820, 400):
        page.set_viewport_size({"width": width, "height": 600})
        inside = page.evaluate(
            "[...document.querySelectorAll('header a, header button')].filter(e => e.offsetParent)"
            ".every(e => { const r = e.getBoundingClientRect(); return r.left >= 0 && r.right <= innerWidth; })"
        )
        assert inside, f"something of the frame is cut off at {width}"
        assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth"), width
    page.get_by_role("button", name="Pages: Home").click()
    assert stumbles(page) == []
    page.get_by_role("link", name="Runs", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Runs")
    page.go_back()

    disk = page.get_by_test_id("disk")
    expect(page.get_by_test_id("waiting")).to_have_count(0)
    disk.scroll_into_view_if_needed()
    # Where the page is when it is left, whatever was still on its way until then.
    link = page.get_by_test_id("verdicts").get_by_role("link", name="unet-newest")
    place = link.evaluate("link => { const place = scrollY; link.click(); return place; }")
    assert place > 200
    expect(page.get_by_role("heading", level=1)).to_have_text("unet-newest")
    assert page.evaluate("scrollY") == 0, "another page begins at its top"
    page.go_back()
    expect(disk).to_be_visible()
    page.wait_for_function("place => Math.abs(scrollY - place) < 2", arg=place)

    page.goto(f"{watched.url}/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
