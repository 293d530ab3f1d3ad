"""The page of one run as a person uses it: what came of it, what can be done with it, what it printed, where it came from."""

from __future__ import annotations

import json
import re
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

import voxloop as vx
from tests.browser.conftest import Watched, on_the_air
from tests.browser.test_gallery import stumbles
from voxloop.store import open_project, schema
from voxloop.store.blobs import Blobs

LINES = 12_000
HOSTILE = "<script>alert(1)</script>"
PATCH = """diff --git a/train.py b/train.py
--- a/train.py
+++ b/train.py
@@ -1,2 +1,2 @@
-lr = 1e-4
+lr = "<b>2e-4</b>"
 main()
"""
NOTES = "# Why\n**Larger** crops, see [the paper](https://example.org/a) and [this](javascript:alert(1)).\n\n<img src=x onerror=alert(1)> ![x-ray](http://evil.example/x.png)\n"


@dataclass(frozen=True)
class Project:
    """A project on the air, with the ids of its runs by name."""

    url: str
    root: Path
    ids: dict[str, str]


def train(root: Path, name: str, better: float, **more: Any) -> vx.Run:
    run = vx.Run(name=name, experiment="liver", project=root, system_s=None, **more)
    run.define("val/*", axis="epoch", best="max")
    run.define("*loss", best="min")
    for epoch in range(1, 5):
        run.log({"train/loss": 1 / epoch + better, "val/mean_dice": 0.5 + epoch / 10 + better}, step=epoch, epoch=epoch)
    return run


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Three runs of an experiment, the last of which failed, one with a long log, and some to be changed."""
    root = tmp_path_factory.mktemp("liver") / ".voxloop"
    ids: dict[str, str] = {}
    with train(root, "first", 0.0, params={"optimizer": {"lr": 1e-4}, "seed": 0}) as run:
        ids["first"] = run.id
        (root.parent / "model.pt").write_bytes(b"weights")
        run.save(root.parent / "model.pt", "liver-ct", kind="model", aliases=["best"])
    with train(
        root, "second", 0.05, params={"optimizer": {"lr": 2e-4}, "seed": 0, "long": "x" * 5000}, notes=NOTES
    ) as run:
        ids["second"] = run.id
        run.use("liver-ct:best")
        for number in range(12):
            run.log({"val/dice": number / 20}, step=4, context={"case": f"liver_{number}", "class": "tumour"})
        for step in range(3):
            run.log({"system/gpu.0.utilisation": 60.0 + step, "system/gpu.0.memory.used": 5e10}, step=step)
            run.log({"system/cpu": 40.0, "system/disk.read": 2e8, "system/loader_wait": 0.25}, step=step)
    with train(root, "third", 0.0) as run:
        ids["third"] = run.id
        try:
            raise RuntimeError("CUDA out of memory")
        except RuntimeError:
            print("\x1b[33mearly\x1b[0m\n" + traceback.format_exc(), end="")
            run.finish("failed")
    params = {f"group{k}": {f"key{k}_{n}": n for n in range(50)} for k in range(100)}
    with vx.Run(name=HOSTILE, experiment="odd", project=root, params=params, tags=["<i>t</i>"], system_s=None) as run:
        ids["hostile"] = run.id
        run.log({f"metric/{number}": float(number) for number in range(300)})
    for name in ("renamed", "noted", "doomed", "vanishing"):
        with vx.Run(name=name, experiment=name, project=root, system_s=None, console=False) as run:
            ids[name] = run.id
    tell(root, ids["second"])
    print_lines(root, ids["hostile"])
    with on_the_air(root) as url:
        yield Project(url, root, ids)


def print_lines(root: Path, run_id: str) -> None:
    """A long log as a run leaves it: pieces of whole lines, with the colours of a terminal."""
    rows = [f"{n} loss \x1b[3{n % 8}m0.{n}\x1b[0m{' NEEDLE' if n % 4000 == 7 else ''}\n" for n in range(LINES)]
    with open_project(root) as opened, opened.writing() as connection:
        for number in range(0, LINES, 500):
            piece = {
                "run_id": run_id,
                "number": number,
                "time": 1e9 + number,
                "text": "".join(rows[number : number + 500]),
            }
            connection.execute(schema.console.insert().values(**piece))


def tell(root: Path, run_id: str) -> None:
    """What a run says of its code where there is a repository with changes."""

    def blob(text: str, filename: str) -> dict[str, Any]:
        return {"digest": Blobs(root / "blobs").put(text.encode()), "bytes": len(text), "filename": filename}

    git = {"commit": "3f2a9bc1d0" * 4, "branch": "main", "dirty": True, "remote": "git@example.org:group/liver.git"}
    packages = blob(json.dumps({"monai": "1.6.1", "torch": "2.13.0"}), "packages.json")
    with open_project(root) as opened, opened.writing() as connection:
        environment = opened.run(run_id).environment | {"git": git, "diff": blob(PATCH, "changes.patch")}
        environment |= {"all_packages": packages, "command": ["train.py", "--name", "a b"]}
        mine = schema.runs.c.id == run_id
        connection.execute(schema.runs.update().where(mine).values(environment=environment))


@pytest.fixture
def url(project: Project) -> str:
    return project.url


def tab(page: Page, name: str) -> Locator:
    return page.get_by_role("tab", name=name)


def test_the_first_look_says_what_came_of_it_and_how_that_compares(watched: Watched, project: Project) -> None:
    page = watched.open(f"/runs/{project.ids['second']}")
    expect(page.get_by_role("heading", level=1)).to_have_text("second")
    figures = page.get_by_test_id("figures")
    expect(figures).to_contain_text("val/mean_dice")
    expect(figures).to_contain_text(re.compile(r"0\.9500\s*▲ \+0\.05 better.*best, epoch 4.*▲ \+0\.05 worse", re.S))
    expect(page.get_by_test_id("chart")).to_have_count(2)
    against = page.get_by_label("Held against")
    expect(against.get_by_role("option", selected=True)).to_have_text("first (the one before)")

    worst = page.get_by_test_id("worst")
    expect(worst.locator("tbody tr").first).to_contain_text("liver_0")
    expect(worst.locator("tbody tr")).to_have_count(6)
    expect(worst.get_by_role("link", name="Review its cases")).to_have_attribute("href", re.compile(r"/cases\?run="))

    params = page.get_by_test_id("params")
    params.get_by_label("Only the 2 that differ from first").check()
    expect(params).to_contain_text("there 0.0001")
    expect(params).not_to_contain_text("seed")
    page.wait_for_url(re.compile("differ=1"))
    params.get_by_role("button", name="4,760 more").click()
    expect(params).to_contain_text("x" * 5000)
    against.select_option(label="no other run")
    expect(figures).not_to_contain_text("better")

    about = page.get_by_role("complementary", name="About the run")
    expect(about).to_contain_text("train.py --name 'a b'")
    expect(about.get_by_role("link", name="3f2a9bc1d0")).to_have_attribute(
        "href", f"https://example.org/group/liver/commit/{'3f2a9bc1d0' * 4}"
    )
    expect(about.get_by_role("link", name="liver-ct:v1")).to_have_attribute("href", "/artifacts/liver-ct?v=1")


def test_a_run_that_failed_says_why_first(watched: Watched, project: Project) -> None:
    page = watched.open(f"/runs/{project.ids['third']}")
    ending = page.get_by_test_id("ending")
    expect(ending).to_contain_text("It ended by an error")
    expect(ending).to_contain_text("RuntimeError: CUDA out of memory")
    expect(ending).not_to_contain_text("early")
    ending.get_by_role("link", name="In the log, line 2").click()
    expect(page.locator(".current")).to_contain_text("Traceback")


def test_tabs_are_walked_by_keys_and_are_in_the_address(watched: Watched, project: Project) -> None:
    page = watched.open(f"/runs/{project.ids['second']}?x=epoch&tab=curves")
    tab(page, "Curves").focus()
    page.keyboard.press("ArrowRight")
    expect(tab(page, "Cases")).to_be_focused()
    expect(tab(page, "Cases")).to_have_attribute("aria-selected", "true")
    expect(page.get_by_role("tabpanel", name="Cases")).to_contain_text("12 cases and classes")
    page.wait_for_url(re.compile(r"\?tab=cases$"))
    page.keyboard.press("ArrowLeft")
    page.wait_for_url(re.compile("x=epoch"))
    page.keyboard.press("Home")
    expect(page.get_by_role("tabpanel", name="Overview")).to_be_visible()
    page.keyboard.press("End")
    expect(tab(page, "Code & environment")).to_be_focused()
    page.go_back()
    expect(page.get_by_role("tabpanel", name="Overview")).to_be_visible()

    tab(page, "Artifacts").click()
    expect(page.get_by_test_id("artifacts-used")).to_contain_text("liver-ct:v1")
    page.keyboard.press("[")
    expect(page.get_by_role("heading", level=1)).to_have_text("first")
    expect(page.get_by_test_id("artifacts-made")).to_contain_text("this run")
    page.get_by_role("button", name="The run after it in this experiment").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("second")
    page.get_by_test_id("artifacts-used").wait_for()
    page.keyboard.press("]")
    expect(page.get_by_role("heading", level=1)).to_have_text("third")
    expect(page.get_by_role("button", name="The run after it in this experiment")).to_be_disabled()
    page.get_by_role("button", name="Compare with").click()
    page.get_by_role("link", name="second The one before").click()
    page.wait_for_url(re.compile(f"/compare.*{project.ids['third']}(~|%7E){project.ids['second']}"))


def test_code_machine_and_media_have_their_places(watched: Watched, project: Project) -> None:
    page = watched.open(f"/runs/{project.ids['second']}?tab=code")
    patch = page.get_by_test_id("patch")
    expect(patch.locator(".added").last).to_contain_text('lr = "<b>2e-4</b>"')
    expect(patch.locator(".removed").last).to_contain_text("lr = 1e-4")
    packages = page.get_by_test_id("packages")
    packages.get_by_label("Find a package").fill("mon")
    expect(packages.get_by_role("listitem")).to_have_count(1)
    expect(packages.get_by_role("listitem")).to_contain_text("1.6.1")
    expect(page.get_by_test_id("environment")).to_contain_text("python")

    tab(page, "Machine").click()
    names = page.get_by_role("tabpanel").get_by_role("heading", level=3)
    expect(names).to_have_text(["GPU 0", "Data loader", "Processor", "Disk"])
    gauges = page.get_by_test_id("gauge")
    expect(gauges.filter(has_text="Memory used")).to_contain_text("50.0 GB")
    expect(gauges.filter(has_text="Waiting for data")).to_contain_text("25 %")
    expect(gauges.filter(has_text="Speed")).to_contain_text("200 MB/s")
    tab(page, "Media").click()
    expect(page.get_by_role("tabpanel", name="Media")).to_be_visible()
    page.goto(f"{project.url}/runs/{project.ids['first']}?tab=machine")
    expect(page.get_by_test_id("empty")).to_contain_text("Nobody looked at the machine")


def test_a_run_is_renamed_tagged_and_put_away_and_all_of_it_taken_back(watched: Watched, project: Project) -> None:
    page = watched.open(f"/runs/{project.ids['renamed']}")
    undo = page.get_by_test_id("notices").get_by_role("button", name="Undo")
    title = page.get_by_role("heading", level=1)
    page.get_by_role("button", name="Rename", exact=True).click()
    page.keyboard.type("another name")
    page.keyboard.press("Escape")
    expect(title).to_have_text("renamed")
    expect(page.get_by_role("button", name="Rename", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.type("another name")
    page.keyboard.press("Enter")
    expect(title).to_have_text("another name")
    undo.click()
    expect(title).to_have_text("renamed")

    tags = page.get_by_role("list", name="Tags")
    tags.get_by_role("button", name="+ Tag").click()
    page.keyboard.type("good [1]")
    page.keyboard.press("Enter")
    expect(tags).to_contain_text("good [1]")
    tags.get_by_role("button", name="Take the tag good [1] away").click()
    expect(tags).not_to_contain_text("good [1]")
    undo.last.click()
    expect(tags).to_contain_text("good [1]")

    page.get_by_role("button", name="More", exact=True).click()
    page.get_by_role("button", name="Archive").click()
    expect(page.get_by_text("archived", exact=True)).to_be_visible()
    undo.last.click()
    expect(page.get_by_text("archived", exact=True)).to_have_count(0)
    with open_project(project.root) as opened:
        assert opened.run(project.ids["renamed"]).tags == ("good [1]",)

    page.goto(f"{project.url}/runs/{project.ids['doomed']}")
    page.get_by_role("button", name="More", exact=True).click()
    page.get_by_role("button", name="Delete").click()
    page.wait_for_url(f"{project.url}/runs")
    doomed, second = (page.locator(f"[data-run='{project.ids[name]}']") for name in ("doomed", "second"))
    expect(second).to_be_visible()
    expect(doomed).to_have_count(0)
    undo.click()
    expect(doomed).to_be_visible()


def test_notes_are_harmless_and_no_text_is_lost(watched: Watched, project: Project) -> None:
    page = watched.open(f"/runs/{project.ids['second']}")
    notes = page.get_by_test_id("notes")
    expect(notes.get_by_role("heading", name="Why")).to_be_visible()
    expect(notes.get_by_role("link")).to_have_count(1)
    expect(notes.get_by_role("link")).to_have_attribute("href", "https://example.org/a")
    expect(notes).to_contain_text("<img src=x onerror=alert(1)> x-ray")
    expect(notes.locator("img")).to_have_count(0)

    def stored() -> str:
        with open_project(project.root) as opened:
            return opened.run(project.ids["noted"]).notes

    page.goto(f"{project.url}/runs/{project.ids['noted']}")
    notes.get_by_role("button", name="Write a note").click()
    page.keyboard.type("mine")
    expect(notes).to_have_attribute("data-state", "kept")
    assert stored() == "mine", "kept without a word"
    with open_project(project.root) as opened:
        opened.edit(project.ids["noted"], notes="theirs")
    expect(notes.get_by_role("textbox")).to_have_value("theirs")
    page.keyboard.press("End")
    page.keyboard.type(" and mine")
    with open_project(project.root) as opened:
        opened.edit(project.ids["noted"], notes="theirs, again")
    expect(notes.get_by_role("alert")).to_contain_text("theirs, again")
    expect(notes.get_by_role("textbox")).to_have_value("theirs and mine")
    assert stored() == "theirs, again"
    notes.get_by_role("button", name="Keep both").click()
    expect(notes).to_have_attribute("data-state", "kept")
    assert stored() == "theirs, again\n\ntheirs and mine"
    notes.get_by_role("button", name="Done").click()
    expect(notes).to_have_attribute("data-state", "read")
    expect(notes).to_contain_text("theirs and mine")
    # What is typed last is kept also where the page is left at once.
    notes.get_by_role("button", name="Edit").click()
    notes.get_by_role("textbox").fill("left")
    # Whoever comes back before the answer finds the text in the field still.
    with page.expect_response(lambda said: said.request.method == "PUT") as answer:
        tab(page, "Logs").click()
    answer.value.finished()
    expect(tab(page, "Logs")).to_have_attribute("aria-selected", "true")
    tab(page, "Overview").click()
    expect(notes.get_by_text("left", exact=True)).to_be_visible()
    assert stored() == "left"


def test_a_long_log_is_searched_and_walked(watched: Watched, project: Project) -> None:
    page = watched.open(f"/runs/{project.ids['hostile']}?tab=logs")
    log = page.get_by_test_id("log")
    last = log.locator(f"[data-line='{LINES - 1}']")
    expect(last).to_be_in_viewport()
    expect(last).to_contain_text(f"{LINES - 1} loss 0.{LINES - 1}")
    assert log.locator("[data-line]").count() < 1500, "lines that nobody sees cost nothing"
    # The streams are listened to as they are printed, with the colours of a terminal.
    assert log.locator("span", has_text=f"0.{LINES - 7}").last.evaluate(
        "e => getComputedStyle(e).color"
    ) != last.evaluate("e => getComputedStyle(e).color")
    page.keyboard.press("/")
    page.keyboard.type("needle")
    hits = page.get_by_test_id("hits")
    expect(hits).to_have_text("1 of 3")
    expect(log.locator(".current")).to_have_attribute("data-line", "7")
    expect(log.locator(".current")).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(hits).to_have_text("2 of 3")
    expect(log.locator(".current .hit")).to_have_text("NEEDLE")
    expect(log.locator(".current")).to_be_in_viewport()
    page.keyboard.press("Shift+Enter")
    page.keyboard.press("Shift+Enter")
    expect(hits).to_have_text("3 of 3")
    page.wait_for_url(re.compile("find=needle"))
    page.get_by_label("Wrap").check()
    page.reload()
    expect(log.locator("[data-line='8007']")).to_be_in_viewport()
    expect(hits).to_have_text("3 of 3")
    find = page.get_by_label("Find in the log")
    find.fill(":5000")
    find.press("Enter")
    expect(log.locator("[data-line='4999']")).to_be_in_viewport()
    page.get_by_role("button", name="Jump to the end").click()
    expect(last).to_be_in_viewport()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    text = download.value.path().read_text()
    assert text.splitlines()[7] == "7 loss 0.7 NEEDLE"


def test_what_is_printed_now_is_seen_now(watched: Watched, project: Project) -> None:
    with vx.Run(name="live", experiment="live", project=project.root, system_s=None) as run:
        run.flush()
        page = watched.open(f"/runs/{run.id}")
        expect(page.get_by_test_id("empty")).to_contain_text("It has just begun")
        expect(page.locator("[data-status=running]")).to_be_visible()
        before = page.get_by_test_id("duration").inner_text()
        run.log({"val/dice": 0.4321}, step=1)
        expect(page.get_by_test_id("figures")).to_contain_text("0.4321")
        expect(page.get_by_test_id("duration")).not_to_have_text(before)
        tab(page, "Logs").click()
        expect(page.get_by_test_id("empty")).to_contain_text("Nothing was printed yet")
        print("".join(f"line {n}\n" for n in range(300)))
        log = page.get_by_test_id("log")
        expect(log.locator("[data-line='299']")).to_be_in_viewport()
        print("newest")
        expect(log.get_by_text("newest")).to_be_in_viewport()
        log.hover()
        page.mouse.wheel(0, -2000)
        follow = page.get_by_role("button", name="Follow the end")
        expect(follow).to_be_visible()
        print("out of sight")
        expect(page.get_by_test_id("line-count")).to_have_text("303 lines")
        expect(log.get_by_text("out of sight")).not_to_be_in_viewport()
        follow.click()
        expect(log.get_by_text("out of sight")).to_be_in_viewport()
    expect(page.locator("[data-status=finished]")).to_be_visible()


def test_a_run_may_be_odd_huge_or_gone(watched: Watched, project: Project) -> None:
    page = watched.open(f"/runs/{project.ids['hostile']}")
    expect(page.get_by_role("heading", level=1)).to_have_text(HOSTILE)
    expect(page.get_by_role("list", name="Tags")).to_contain_text("<i>t</i>")
    page.get_by_text("296 more numbers").click()
    page.get_by_label("Find a number").fill("299")
    expect(page.get_by_role("rowheader", name="metric/299")).to_be_visible()
    params = page.get_by_test_id("params")
    assert params.get_by_role("listitem").count() <= 200
    params.get_by_label("Search params").fill("key77_49")
    expect(params.get_by_role("listitem")).to_have_count(2)
    page.get_by_role("button", name="Copy group77.key77_49").hover()

    lost = {"digest": "a" * 64, "bytes": 7, "filename": "changes.patch"}
    with open_project(project.root) as opened, opened.writing() as connection:
        mine = schema.runs.c.id == project.ids["vanishing"]
        connection.execute(schema.runs.update().where(mine).values(environment={"diff": lost}))
    page.goto(f"{project.url}/runs/{project.ids['vanishing']}?tab=code")
    expect(page.get_by_test_id("patch").get_by_test_id("fault")).to_contain_text("restore it from a backup")
    tab(page, "Overview").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("vanishing")
    with open_project(project.root) as opened:
        opened.delete_run(project.ids["vanishing"])
    expect(page.get_by_test_id("gone")).to_contain_text("deleted a moment ago")
    expect(page.get_by_role("heading", level=1)).to_have_text("vanishing")
    page.reload()
    expect(page.get_by_test_id("lost")).to_contain_text("There is no such run")
    # That is what was asked for: Chromium takes each such answer for an error of the page.
    watched.faults[:] = [fault for fault in watched.faults if "404" not in fault]


def test_every_part_can_be_read_and_used_by_all(watched: Watched, project: Project) -> None:
    def in_both_themes(what: str) -> None:
        for theme in ("light", "dark"):
            page.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)
            assert stumbles(page) == [], (what, theme)

    page = watched.open(f"/runs/{project.ids['third']}")
    page.get_by_test_id("ending").wait_for()
    in_both_themes("a failed run")
    page.goto(f"{project.url}/runs/{project.ids['second']}")
    for name, ready in {
        "Overview": "worst",
        "Machine": "gauge",
        "Artifacts": "artifacts-used",
        "Code": "patch",
    }.items():
        tab(page, name).click()
        page.get_by_test_id(ready).first.wait_for()
        in_both_themes(name)
    page.goto(f"{project.url}/runs/{project.ids['hostile']}?tab=logs&find=needle")
    page.locator(".hit").first.wait_for()
    in_both_themes("Logs")
