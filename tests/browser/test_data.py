"""Datasets as a person looks at them: from a list to a version, from a finding to the voxel, and every state in between."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

import voxloop as vx
from tests.browser.conftest import Watched, on_the_air, watching
from tests.browser.test_gallery import stumbles
from tests.data.check.datasets import change, save
from voxloop.store import open_project
from voxloop.store.artifacts import datasets

SHAPE = (24, 30, 12)
HOSTILE = "<script>alert(1)<_script> ü"
# Far more than fit into the window, so that most are out of sight.
PLAIN = tuple(f"case_{number}" for number in range(44))
CASES = (*PLAIN, HOSTILE, "broken")
THICK = "case_7"
# A voxel of the label that lies alone.
ALONE = (3, 4, 2)


def write(folder: Path) -> None:
    rng = np.random.default_rng(0)
    for number, case in enumerate(CASES):
        voxels = rng.integers(-1000, 100, SHAPE).astype(np.int16)
        labels = np.zeros(SHAPE, np.uint8)
        labels[14:20, 18:26, 6 : 8 + number % 3] = 1
        if case == HOSTILE:
            labels[ALONE] = 2
        elif number % 2:
            labels[4:7, 5:8, 3:5] = 2
        voxels[labels > 0] = 100
        affine = np.diag([-2.0, 2.0, 12.0 if case == THICK else 5.0, 1.0])
        save(folder / "imagesTr" / f"{case}.nii.gz", voxels, affine)
        save(folder / "labelsTr" / f"{case}.nii.gz", labels, affine)
    broken = folder / "imagesTr" / "broken.nii.gz"
    broken.write_bytes(broken.read_bytes()[:6000])
    listed = [
        {"image": f"./imagesTr/{case}.nii.gz", "label": f"./labelsTr/{case}.nii.gz", "patient": f"P{number // 2}"}
        for number, case in enumerate(CASES)
    ]
    labels_named = {"0": "background", "1": "liver", "2": "lesion"}
    content = {"name": "Liver", "modality": {"0": "CT"}, "labels": labels_named, "training": listed, "test": []}
    (folder / "dataset.json").write_text(json.dumps(content))
    splits = {
        "default": {"training": list(PLAIN[:36]), "validation": list(PLAIN[36:])},
        "careless": {"training": ["case_0", "case_2"], "validation": ["case_1"]},
    }
    (folder / "splits.json").write_text(json.dumps(splits))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two versions of a dataset, the first of which a run used, and one whose folder is gone."""
    place = tmp_path_factory.mktemp("datasets")
    folder, root = place / "Liver", place / "study" / ".voxloop"
    write(folder)
    listed = json.loads((folder / "dataset.json").read_text())["training"]
    change(folder, training=listed[:-1])
    with vx.Run(name="unet", project=root) as run, open_project(root) as project:
        datasets.use(project, run.id, folder)
        change(folder, training=listed)
        datasets.record(project, folder)
        change(folder, name="Away")
        datasets.record(project, folder)
        change(folder, name="Liver")
        away = project.artifact("Away")
        # As if its disk had been taken out.
        import sqlalchemy as sa

        from voxloop.store import schema

        with project.writing() as connection:
            connection.execute(
                sa.update(schema.versions)
                .where(schema.versions.c.name == away.name)
                .values(metadata={**away.metadata, "folders": ["/nowhere/Away"]})
            )
    return root


@pytest.fixture(scope="module")
def url(root: Path) -> Iterator[str]:
    with on_the_air(root) as address:
        yield address


def rows(page: Page) -> Locator:
    return page.get_by_test_id("dataset-cases").locator("[data-case]")


def checked(page: Page) -> None:
    """Has the dataset checked, by whichever test comes first."""
    page.locator("[data-testid=unchecked], [data-kind]").first.wait_for()
    begin = page.get_by_role("button", name=re.compile(r"Check \d+ cases"))
    if begin.count():
        begin.click()
    expect(page.locator("[data-kind]").first).to_be_visible(timeout=60_000)


def test_a_dataset_is_found_and_says_what_it_is_made_of(watched: Watched) -> None:
    page = watched.open("/data")
    table = page.get_by_test_id("datasets")
    expect(table.locator("[data-dataset=Liver]")).to_contain_text("liver, lesion")
    expect(table.locator("[data-dataset=Away]")).to_contain_text("is not there now")
    page.get_by_label("Filter datasets").fill("liver")
    page.get_by_role("link", name="Liver", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Liver")
    expect(page.get_by_text("46 cases of 23 patients")).to_be_visible()
    versions = page.get_by_test_id("versions")
    expect(versions.get_by_test_id("difference")).to_contain_text("1 added")
    expect(page.get_by_test_id("users").get_by_role("link", name="unet")).to_be_visible()
    expect(page.get_by_test_id("leaks")).to_have_count(0)
    page.get_by_label("Show the split careless").check()
    expect(page.get_by_test_id("leaks")).to_contain_text("P0")
    expect(page.get_by_test_id("splits")).to_contain_text("43 cases in no part")
    page.get_by_label("Version", exact=True).select_option("1")
    expect(page.get_by_text("45 cases of 23 patients")).to_be_visible()
    page.wait_for_url(re.compile("v=1"))


def test_a_check_shows_how_far_it_is_and_leads_to_the_voxel(watched: Watched) -> None:
    page = watched.open("/data/Liver?tab=check")
    checked(page)
    page.get_by_role("button", name=re.compile("errors?$")).click()
    expect(page.locator("[data-kind=truncated]")).to_contain_text("broken.nii.gz is cut off")
    page.locator("[data-kind=truncated]").get_by_role("button", name="broken").click()
    expect(page.get_by_test_id("slice")).to_contain_text("cut off")
    page.get_by_role("group", name="How bad").get_by_role("button", name=re.compile("^All")).click()
    alone = page.locator("[data-kind=one_voxel]")
    expect(alone).to_contain_text("What to do")
    alone.get_by_role("button", name=HOSTILE).click()
    picture = page.get_by_test_id("picture")
    # The first picture waits for the process that draws it.
    expect(picture.locator("img")).to_be_visible(timeout=20_000)
    expect(page.get_by_test_id("slice-number")).to_contain_text(f"{ALONE[2]} of 0–11")
    expect(page.get_by_test_id("mark")).to_be_visible()
    box = picture.bounding_box()
    assert box is not None
    assert box["width"] / box["height"] == pytest.approx(48 / 60, rel=0.02)
    for letter in "RLAP":
        expect(picture.get_by_text(letter, exact=True)).to_be_visible()
    # By keys: on, another plane, filled, the next finding.
    page.keyboard.press(".")
    expect(picture).to_have_attribute("data-shown", "3")
    page.keyboard.press("2")
    expect(page.get_by_test_id("slice-number")).to_contain_text(f"{ALONE[1]} of 0–29")
    page.keyboard.press("l")
    page.wait_for_url(re.compile("look=fill"))
    page.reload()
    expect(picture).to_have_attribute("data-shown", str(ALONE[1]))
    expect(page.get_by_label("Label", exact=True)).to_have_value("fill")
    current = page.get_by_test_id("slice").locator("li.current")
    expect(current).to_contain_text("single voxel")
    page.keyboard.press("n")
    expect(current).not_to_contain_text("single voxel")
    page.keyboard.press("p")
    expect(current).to_contain_text("single voxel")
    page.keyboard.press("?")
    expect(page.get_by_test_id("keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("keys")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("slice")).to_have_count(0)


def test_cases_are_sorted_and_filtered_and_far_ones_are_seen(watched: Watched) -> None:
    page = watched.open("/data/Liver?tab=check")
    checked(page)
    page.get_by_role("link", name="Cases", exact=True).nth(1).click()
    expect(rows(page).first).to_contain_text(HOSTILE)
    assert rows(page).count() < 42
    page.get_by_role("columnheader", name="Spacing").get_by_role("button").click()
    expect(rows(page).first).to_contain_text("2 × 2 × 12")
    page.get_by_test_id("dataset-cases").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("slice").get_by_role("heading")).to_have_text(THICK)
    page.keyboard.press("ArrowDown")
    expect(page.get_by_test_id("slice").get_by_role("heading")).not_to_have_text(THICK)
    page.get_by_label("Find a case").fill("case_1 p5")
    expect(page.get_by_test_id("case-count")).to_have_text("2 of 46 cases")

    page.goto(f"{watched.url}/data/Liver?tab=fingerprint")
    panel = page.locator("[data-group=Spacing]")
    panel.get_by_role("button", name=THICK).click()
    expect(page.get_by_test_id("slice").get_by_role("heading")).to_have_text(THICK)
    page.keyboard.press("Escape")
    plot = panel.get_by_role("application")
    plot.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("End")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("End")
    expect(panel.get_by_test_id("readout")).to_contain_text(f"{THICK} S–I 12 mm")
    box = plot.bounding_box()
    assert box is not None
    # Along the strip of S–I, from the right end over the one that is apart.
    page.mouse.move(box["x"] + box["width"] - 2, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + 100, steps=4)
    page.mouse.up()
    expect(page.get_by_test_id("case-count")).to_have_text("1 of 46 cases")
    page.get_by_role("link", name="Cases", exact=True).nth(1).click()
    expect(rows(page)).to_have_count(1)
    page.get_by_role("button", name="Show all").click()
    expect(page.get_by_test_id("case-count")).to_have_text("46 cases")


def test_pictures_come_as_they_are_looked_at(watched: Watched) -> None:
    page = watched.open("/data/Liver?tab=pictures")
    tiles = page.locator("[data-tile]")
    expect(tiles.first).to_have_attribute("data-state", "shown", timeout=20_000)
    assert tiles.count() < 42
    expect(page.locator("[data-tile=broken]")).to_have_attribute("data-state", "fault")
    expect(page.locator("[data-tile=broken]")).to_contain_text("cut off")
    page.get_by_label("Slice with the most").select_option("2")
    page.get_by_label("Sort by").select_option("bytes")
    expect(page.locator("[data-state=shown]").first).to_be_visible()
    page.get_by_test_id("mosaic").focus()
    page.keyboard.press("End")
    expect(page.locator("[data-tile=broken]")).to_be_visible()
    page.locator("[data-tile=broken]").click()
    expect(page.get_by_test_id("slice")).to_have_attribute("data-state", "fault")

    page.goto(f"{watched.url}/data/Away?tab=pictures")
    expect(page.get_by_test_id("gone")).to_contain_text("/nowhere/Away")
    expect(page.get_by_test_id("empty")).to_contain_text("nothing to draw from")
    page.goto(f"{watched.url}/data/Away?tab=check")
    expect(page.get_by_test_id("unchecked")).to_contain_text("bring it back first")


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_all_of_it_can_be_read_and_used_by_all(watched: Watched, theme: str) -> None:
    page = watched.page
    places = {
        "/data": "[data-dataset=Liver]",
        "/data/Liver?split=careless": "[data-testid=leaks]",
        "/data/Liver?tab=check&case=case_1": "[data-testid=picture] img",
        "/data/Liver?tab=cases": "[data-case]",
        "/data/Liver?tab=pictures": "[data-tile][data-state=shown]",
        "/data/Liver?tab=fingerprint": "[data-testid=unchecked], [data-group=Spacing]",
    }
    for place, ready in places.items():
        watched.open(f"{place}{'&' if '?' in place else '?'}theme={theme}")
        page.locator(ready).first.wait_for()
        assert stumbles(page) == [], place
    page.set_viewport_size({"width": 820, "height": 1180})
    watched.open("/data/Liver?tab=cases&case=case_1")
    expect(page.get_by_test_id("picture").locator("img")).to_be_visible(timeout=20_000)
    assert page.evaluate("document.documentElement.scrollWidth") <= 820


def test_where_there_is_no_dataset_the_page_says_how_to_get_one(browser: Browser, tmp_path: Path) -> None:
    with open_project(tmp_path / ".voxloop", create=True):
        pass
    with on_the_air(tmp_path / ".voxloop") as address, watching(browser, address) as watch:
        page = watch.open("/data")
        expect(page.get_by_test_id("empty")).to_contain_text("No dataset is recorded yet")
        expect(page.get_by_text("voxloop train spleen_ct --data Task09_Spleen")).to_be_visible()
