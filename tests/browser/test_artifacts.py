"""Artifacts as a person uses them: found, looked into, named, followed to where they come from, and thrown away."""

from __future__ import annotations

import json
import re
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

import voxloop as vx
from tests.browser.conftest import Watched, on_the_air, watching
from tests.browser.test_gallery import stumbles
from tests.server.test_artifacts import NASTY, PICTURE
from voxloop.store import open_project, schema

MODELS = 9
README = "# Spleen\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\nSo <script>alert(1)</script> [bad](javascript:alert(1)) [good](https://monai.io)\n"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset, nine models trained on it, what came of the first, and a version whose files are no good."""
    root = tmp_path_factory.mktemp("shelf") / ".voxloop"
    fill(root)
    return root


def fill(root: Path) -> None:
    folder = root.parent
    (folder / "data.json").write_text("{}")
    for number in range(1, MODELS + 1):
        params = {"optimizer": {"lr": 10.0**-number}}
        with vx.Run(name=f"train-{number}", experiment="spleen", params=params, project=root) as run:
            if number == 1:
                with open_project(root) as project:
                    project.save(folder / "data.json", "Spleen", "dataset", None, ["latest"], {"cases": 41})
            run.define("val/*", best="max")
            run.log({"val/dice": number / 10}, step=1)
            run.use("Spleen:v1")
            bundle = folder / "bundle"
            shutil.rmtree(bundle, ignore_errors=True)
            (bundle / "configs").mkdir(parents=True)
            (bundle / "configs" / "train.json").write_text(json.dumps({"epochs": number}))
            (bundle / "model.pt").write_bytes(b"\0" * 1000 * number)
            (bundle / "LICENSE").write_text("Apache")
            if number == MODELS:
                (bundle / "README.md").write_text(README)
                (bundle / "cases.csv").write_text("case,dice\nspleen_2,0.9\n")
                (bundle / "figure.png").write_bytes(PICTURE)
            about = {"dice": number / 10, "epoch": 10 - number}
            run.save(bundle, "spleen-ct", "model", ["latest", *(["best"] if number == 5 else [])], about)
    with vx.Run(name="<script>alert(1)</script>", experiment="spleen", project=root) as run:
        run.use("spleen-ct:v1")
        (folder / NASTY).write_text("<b>harmless</b>")
        odd = run.save(folder / NASTY, "odd", "file")
    lost = {"digest": "0" * 64, "bytes": 20_400_000_000}
    files = {**odd.files, "../../escaped.txt": next(iter(odd.files.values())), "weights/shard.bin": lost}
    with open_project(root) as project:
        project.delete_run("train-2")
        with project.writing() as connection:
            connection.execute(schema.versions.update().where(schema.versions.c.name == "odd").values(files=files))


@pytest.fixture(scope="module")
def url(root: Path) -> Iterator[str]:
    with on_the_air(root) as address:
        yield address


@pytest.fixture
def own(root: Path, tmp_path: Path) -> Path:
    """A project of a test's own, which may be changed."""
    shutil.copytree(root.parent, tmp_path, dirs_exist_ok=True)
    return tmp_path / ".voxloop"


@pytest.fixture
def changing(browser: Browser, own: Path) -> Iterator[Watched]:
    with on_the_air(own) as address, watching(browser, address) as watch:
        yield watch


def names(page: Page) -> Locator:
    return page.get_by_test_id("artifacts").locator("[data-name]")


def versions(page: Page) -> Locator:
    return page.get_by_test_id("versions").get_by_role("option")


def told(page: Page, text: str) -> None:
    expect(page.get_by_test_id("notices")).to_contain_text(text)


def test_artifacts_are_found_by_words_and_kind_and_opened_by_keys(watched: Watched) -> None:
    page = watched.open("/artifacts")
    expect(page.get_by_test_id("artifact-count")).to_have_text("3")
    expect(page.get_by_test_id("artifacts")).to_contain_text("<script>alert(1)</script>")
    expect(page.get_by_test_id("space")).to_contain_text("20.4 GB of artifacts")
    row = page.get_by_role("row").filter(has_text="spleen-ct")
    expect(row).to_contain_text(f"v{MODELS}")
    expect(row).to_contain_text("best v5")
    page.get_by_role("button", name="Size").click()
    expect(names(page)).to_have_text(["odd", "spleen-ct", "Spleen"])
    page.get_by_role("button", name="Size").click()
    expect(names(page).first).to_have_text("Spleen")
    page.wait_for_url(re.compile("sort=bytes"))
    page.keyboard.press("/")
    page.keyboard.type("spleen")
    expect(names(page)).to_have_count(2)
    page.get_by_role("group", name="Kinds").get_by_role("button", name="model").click()
    expect(names(page)).to_have_text(["spleen-ct"])
    page.wait_for_url(re.compile("kind=model"))
    page.get_by_label("Search artifacts").fill("nothing like it")
    expect(page.get_by_test_id("empty")).to_contain_text("among models")
    page.get_by_role("button", name="Clear the filter").click()
    expect(names(page)).to_have_count(3)
    names(page).first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("spleen-ct")
    page.go_back()
    expect(names(page)).to_have_count(3)


def test_a_version_says_what_it_is_and_where_it_is_from(watched: Watched) -> None:
    page = watched.open("/artifacts/spleen-ct")
    expect(page.get_by_test_id("ref")).to_have_text(f"spleen-ct:v{MODELS}")
    expect(versions(page)).to_have_count(MODELS)
    expect(page.get_by_test_id("figure")).to_contain_text(f"v{MODELS} 0.9000")
    page.get_by_test_id("versions").focus()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_test_id("ref")).to_have_text(f"spleen-ct:v{MODELS - 1}")
    page.wait_for_url(re.compile(f"v={MODELS - 1}"))
    page.keyboard.press("End")
    expect(page.get_by_test_id("ref")).to_have_text("spleen-ct:v1")
    made = page.get_by_label("Made by")
    expect(made).to_contain_text("train-1")
    expect(made).to_contain_text("Spleen:v1")
    expect(made).to_contain_text("optimizer.lr")
    expect(page.get_by_label("Used by")).to_contain_text("<script>alert(1)</script>")
    expect(page.get_by_test_id("command").first).to_contain_text("voxloop predict spleen-ct:v1 SCANS --out labels")
    chart = page.get_by_test_id("figure").get_by_role("img")
    chart.click(position={"x": 40, "y": 40})
    expect(page.get_by_test_id("ref")).to_have_text("spleen-ct:v2")
    expect(made).to_contain_text("was deleted; what it made stays")
    page.get_by_label("Figure over the versions").select_option("epoch")
    page.wait_for_url(re.compile("fig=epoch"))
    expect(page.get_by_test_id("figure")).to_contain_text("v2 8")

    page.goto(f"{watched.url}/artifacts/spleen-ct?v=best&tab=changes")
    expect(page.get_by_test_id("ref")).to_have_text("spleen-ct:v5")
    changes = page.get_by_test_id("changes")
    expect(changes).to_contain_text("± changed")
    expect(changes).to_contain_text("2 differ, 1 the same")
    expect(changes.get_by_role("row").filter(has_text="dice")).to_contain_text("0.4")
    page.get_by_label("Compare with").select_option("9")
    expect(changes).to_contain_text("− removed")
    page.wait_for_url(re.compile("with=9"))


def test_files_are_read_here_and_saved_under_their_names(watched: Watched) -> None:
    page = watched.open("/artifacts/spleen-ct?tab=files")
    files, preview = page.get_by_test_id("files"), page.get_by_test_id("preview")
    files.get_by_role("button", name="README.md", exact=True).click()
    expect(preview.get_by_role("heading", name="Spleen")).to_be_visible()
    expect(preview).to_contain_text("<script>alert(1)</script>")
    expect(preview.get_by_role("link", name="good")).to_have_attribute("href", "https://monai.io/")
    expect(preview.get_by_role("link", name="bad")).to_have_count(0)
    page.wait_for_url(re.compile("file=README"))
    files.get_by_role("button", name="cases.csv", exact=True).click()
    expect(preview.get_by_role("columnheader", name="dice")).to_be_visible()
    expect(preview.get_by_role("cell", name="spleen_2")).to_be_visible()
    files.get_by_role("button", name="figure.png", exact=True).click()
    expect(preview.get_by_role("img")).to_be_visible()
    assert preview.get_by_role("img").evaluate("async e => { await e.decode(); return e.naturalWidth; }") == 1
    files.get_by_role("button", name="model.pt", exact=True).click()
    expect(preview).to_contain_text("no text and no image")
    files.get_by_role("button", name="train.json", exact=True).click()
    expect(preview).to_contain_text('"epochs": 9')
    with page.expect_download() as one:
        files.get_by_role("link", name="Download train.json").click()
    assert one.value.suggested_filename == "train.json"
    with page.expect_download() as whole:
        page.get_by_role("link", name=re.compile("Download .* kB")).click()
    assert whole.value.suggested_filename == f"spleen-ct-v{MODELS}.zip"
    with zipfile.ZipFile(whole.value.path()) as archive:
        assert archive.testzip() is None
        assert len(archive.namelist()) == 6
    files.get_by_role("button", name="configs/").click()
    expect(files.get_by_role("button", name="train.json", exact=True)).to_have_count(0)

    page.goto(f"{watched.url}/artifacts/odd?tab=files")
    expect(page.get_by_test_id("missing")).to_contain_text("voxloop doctor")
    expect(files).to_contain_text("missing: voxloop doctor")
    expect(files).to_contain_text("20.4 GB")
    expect(files).to_contain_text("path leaves its folder")
    expect(page.get_by_role("link", name=re.compile("Download .* GB"))).to_have_count(0)
    files.get_by_role("button", name=NASTY, exact=True).click()
    expect(preview).to_contain_text("<b>harmless</b>")
    with page.expect_download() as nasty:
        preview.get_by_role("link", name="Download").click()
    assert "<" not in nasty.value.suggested_filename


def test_a_lineage_is_walked_opened_zoomed_and_saved(watched: Watched) -> None:
    page = watched.open("/artifacts/Spleen?tab=lineage")
    graph = page.get_by_test_id("lineage")
    nodes = graph.locator("[data-node]")
    expect(page.get_by_test_id("lineage-count")).to_contain_text(f"{2 * MODELS} before and after it")
    more = graph.get_by_role("button", name="Show more of the 3")
    expect(more).to_be_visible()
    few = nodes.count()
    graph.locator("[data-node='Spleen:v1']").focus()
    page.keyboard.press("ArrowRight")
    expect(graph.locator("[data-node]:focus")).to_have_accessible_name(re.compile("^Run train-"))
    assert graph.locator(".node.dim").count() > 0, "what has nothing to do with it steps back"
    page.keyboard.press("ArrowRight")
    expect(graph.locator("[data-node]:focus")).to_have_accessible_name(re.compile("^model spleen-ct:v"))
    page.keyboard.press("Home")
    more.click()
    expect(more).to_have_count(0)
    assert nodes.count() > few

    scene = graph.locator("svg > g")
    before = scene.get_attribute("transform") or ""
    graph.get_by_role("button", name="Zoom in").click()
    expect(scene).not_to_have_attribute("transform", before)
    box = graph.bounding_box()
    assert box is not None
    place = scene.get_attribute("transform") or ""
    page.mouse.move(box["x"] + 12, box["y"] + 12)
    page.mouse.down()
    page.mouse.move(box["x"] + 72, box["y"] + 52, steps=3)
    page.mouse.up()
    expect(scene).not_to_have_attribute("transform", place)
    place = scene.get_attribute("transform") or ""
    page.mouse.wheel(0, -200)
    expect(scene).not_to_have_attribute("transform", place)
    graph.get_by_role("button", name="Fit").click()
    for node in (nodes.first, nodes.last):
        expect(node).to_be_in_viewport()
    with page.expect_download() as picture:
        page.get_by_role("button", name="Save as SVG").click()
    text = picture.value.path().read_text()
    assert picture.value.suggested_filename == "Spleen-v1-lineage.svg"
    assert "<script" not in text
    assert "&lt;script&gt;" in text

    page.get_by_label("Steps each way").select_option("1")
    expect(page.get_by_test_id("lineage-count")).to_contain_text(f"{MODELS - 1} before and after it")
    page.get_by_role("button", name="List").click()
    page.wait_for_url(re.compile("depth=1.*as=list"))
    said = page.get_by_test_id("lineage-list")
    expect(said).to_contain_text("Spleen:v1 was used by run train-1")
    page.goto(f"{watched.url}/artifacts/spleen-ct?v=2&tab=lineage")
    expect(graph.locator(".gone")).to_have_accessible_name(re.compile("deleted"))
    page.goto(f"{watched.url}/artifacts/spleen-ct?v=1&tab=lineage")
    graph.locator("[data-node='spleen-ct:v1']").focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("train-1")


def test_aliases_come_move_and_go_and_can_be_taken_back(changing: Watched, own: Path) -> None:
    def places() -> dict[str, int]:
        with open_project(own) as project:
            return {alias: one.version for one in project.artifacts("spleen-ct") for alias in one.aliases}

    page = changing.open("/artifacts/spleen-ct?v=3")
    aliases = page.get_by_test_id("aliases")
    undo = page.get_by_test_id("notices").get_by_role("button", name="Undo")
    aliases.get_by_role("button", name="+ Alias").click()
    box = page.get_by_label("Alias", exact=True)
    box.fill("v9")
    expect(aliases).to_contain_text("are the versions themselves")
    expect(aliases.get_by_role("button", name="Add")).to_be_disabled()
    box.fill("best")
    expect(aliases).to_contain_text("moves by itself when a training beats every earlier version")
    aliases.get_by_role("button", name="Move from v5").click()
    told(page, "“best” moved from v5 to v3.")
    expect(aliases).to_contain_text("best")
    assert places()["best"] == 3
    undo.click()
    expect(aliases).not_to_contain_text("best")
    assert places()["best"] == 5

    aliases.get_by_role("button", name="+ Alias").click()
    page.keyboard.type("shipped")
    page.keyboard.press("Enter")
    expect(versions(page).filter(has_text="shipped")).to_contain_text("v3")
    aliases.get_by_role("button", name="Take the alias shipped away").click()
    told(page, "Took “shipped” from spleen-ct:v3.")
    expect(aliases).not_to_contain_text("shipped")
    undo.last.click()
    expect(aliases).to_contain_text("shipped")
    assert places()["shipped"] == 3

    # A version that is made meanwhile is there without asking, and moves nobody away from what is looked at.
    with vx.Run(name="late", project=own) as run:
        run.save(own.parent / "data.json", "spleen-ct", "model", ["latest"], {"dice": 0.99})
    expect(versions(page).first).to_contain_text(f"v{MODELS + 1}")
    expect(page.get_by_test_id("ref")).to_have_text("spleen-ct:v3")


def test_what_goes_is_named_before_and_gone_after(changing: Watched, own: Path) -> None:
    def refs() -> set[str]:
        with open_project(own) as project:
            return {one.ref for one in project.artifacts()}

    page = changing.open("/artifacts/spleen-ct?v=5")
    page.get_by_role("button", name="Delete …").click()
    dialog = page.get_by_test_id("confirm")
    expect(dialog).to_contain_text("spleen-ct:v5 is spleen-ct:best, so it is kept; move the alias first")
    expect(dialog.get_by_role("button", name="Delete")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    page.goto(f"{changing.url}/artifacts/spleen-ct?v=1")
    page.get_by_role("button", name="Delete …").click()
    expect(dialog).to_contain_text("cannot be undone")
    expect(dialog).to_contain_text("One run used it: <script>alert(1)</script>")
    dialog.get_by_role("button", name="Delete spleen-ct:v1").click()
    told(page, "Deleted spleen-ct:v1.")
    expect(versions(page)).to_have_count(MODELS - 1)
    assert "spleen-ct:v1" not in refs()

    page.goto(f"{changing.url}/artifacts")
    page.get_by_role("button", name="Free space").click()
    pruning = page.get_by_test_id("pruning")
    plan = pruning.get_by_test_id("plan")
    expect(plan).to_contain_text("6 of 10 versions go")
    expect(pruning).to_contain_text("voxloop models prune")
    pruning.get_by_label("Keep the newest so many of each name").fill("3")
    expect(plan).to_contain_text("4 of 10 versions go")
    expect(pruning.get_by_test_id("command")).to_contain_text("voxloop models prune --last 3")
    expect(pruning.get_by_label("Versions that go")).to_contain_text("spleen-ct:v6")
    doom = pruning.get_by_role("button", name="Delete 4 versions for good")
    expect(doom).to_be_disabled()
    pruning.get_by_label("I know that this cannot be undone.").check()
    doom.click()
    told(page, "Deleted 4 versions and freed")
    expect(pruning).to_have_count(0)
    assert refs() == {"Spleen:v1", "odd:v1", *(f"spleen-ct:v{n}" for n in (5, 7, 8, 9))}
    expect(page.get_by_role("row").filter(has_text="spleen-ct")).to_contain_text("v9")


def test_what_is_not_there_says_what_to_do(browser: Browser, tmp_path: Path, watched: Watched) -> None:
    page = watched.open("/artifacts/spleen-tc")
    expect(page.get_by_test_id("fault")).to_contain_text('did you mean "spleen-ct"')
    page.goto(f"{watched.url}/artifacts/spleen-ct?v=77")
    expect(page.get_by_test_id("fault")).to_contain_text('no version or alias "v77"')
    page.get_by_role("link", name="The newest version").click()
    expect(page.get_by_test_id("ref")).to_have_text(f"spleen-ct:v{MODELS}")
    # Chromium takes an answer that something is not there for an error of the page.
    watched.faults[:] = [fault for fault in watched.faults if "404" not in fault]

    with vx.Run(name="first", project=tmp_path / ".voxloop"):
        pass
    with on_the_air(tmp_path / ".voxloop") as address, watching(browser, address) as watch:
        empty = watch.open("/artifacts")
        expect(empty.get_by_test_id("empty")).to_contain_text("run.save(")


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_artifacts_can_be_read_and_used_by_all(watched: Watched, theme: str) -> None:
    places = {
        "/artifacts": "[data-testid=artifacts]",
        "/artifacts/spleen-ct": "[data-testid=command]",
        "/artifacts/odd?tab=files": "[data-testid=files]",
        "/artifacts/spleen-ct?tab=files&file=cases.csv": "[data-testid=preview] table",
        "/artifacts/spleen-ct?tab=changes": "[data-testid=changes]",
        "/artifacts/Spleen?tab=lineage": "[data-testid=lineage] [data-node]",
    }
    for place, ready in places.items():
        page = watched.open(f"{place}{'&' if '?' in place else '?'}theme={theme}")
        page.locator(ready).first.wait_for()
        assert stumbles(page) == [], place
    page = watched.open(f"/artifacts?theme={theme}")
    page.get_by_role("button", name="Free space").click()
    page.get_by_test_id("plan").wait_for()
    assert stumbles(page) == [], "the dialog"
