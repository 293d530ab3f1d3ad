"""The page as a person uses it, from the runs to a voxel, by mouse and by keyboard."""

from __future__ import annotations

import io
import re

import numpy as np
import numpy.typing as npt
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.conftest import AFFINE, CASES, CLASSES, EPOCHS, SHAPE, Served, Watched


def _ready(page: Page, case: str, step: int) -> None:
    """Waits until the viewer has drawn this case at this epoch."""
    page.wait_for_selector(f'[data-testid=viewer][data-state=ready][data-case="{case}"][data-step="{step}"]')


def _pixels(page: Page) -> npt.NDArray[np.int16]:
    picture = page.get_by_test_id("canvas").screenshot()
    return np.asarray(Image.open(io.BytesIO(picture)).convert("RGB"), dtype=np.int16)


def _settled(page: Page, before: npt.NDArray[np.int16]) -> int:
    """How many pixels come to differ from a former picture, waiting a little until some do."""
    changed = 0
    for _ in range(40):
        changed = int((np.abs(_pixels(page) - before).max(axis=-1) > 24).sum())
        if changed:
            break
        page.wait_for_timeout(100)
    return changed


def _crosshair(page: Page) -> tuple[float, float, float]:
    x, y, z = (page.get_by_test_id("viewer").get_attribute("data-mm") or "").split(",")
    return float(x), float(y), float(z)


def test_a_person_goes_from_the_runs_to_the_worst_case(watched: Watched, served: Served) -> None:
    page = watched.open("/runs")
    rows = page.get_by_test_id("runs").locator("[data-run]")
    expect(rows).to_have_count(2)
    expect(rows.filter(has_text="unet-a").locator("[data-status=finished]")).to_be_visible()
    expect(rows.filter(has_text="unet-old").locator("[data-status=failed]")).to_be_visible()

    page.get_by_label("Filter runs").fill("baseline")
    expect(rows).to_have_count(1)
    page.wait_for_url("**/runs?q=baseline")
    rows.first.click()

    expect(page.get_by_role("heading", level=1)).to_have_text("unet-a")
    page.wait_for_url(f"**/runs/{served.run_id}")
    page.get_by_role("tab", name="Curves").click()
    charts = page.get_by_test_id("chart")
    expect(charts).to_have_count(3)
    final = np.mean([scores[-1] for scores in served.dice.values()])
    expect(page.locator("[data-name='val/mean_dice']").get_by_test_id("readout")).to_contain_text(f"{final:.4f}")
    expect(page.locator("[data-name='val/dice']").get_by_test_id("readout")).to_contain_text("mean · spleen")
    page.locator("[data-name='train/loss']").get_by_test_id("surface").hover()
    expect(page.locator("[data-name='train/loss'] figcaption")).to_contain_text(re.compile(r"step (19|20)"))

    page.get_by_role("tab", name="Cases").click()
    page.get_by_role("link", name="Review its cases").click()
    cases = page.get_by_test_id("cases").locator("[data-case]")
    expect(cases).to_have_count(len(CASES) * len(CLASSES))
    worst = min(served.dice, key=lambda key: served.dice[key][-1])
    expect(cases.first).to_have_attribute("data-case", worst[0])
    expect(cases.first).to_contain_text(f"{served.dice[worst][-1]:.3f}")


def test_layers_and_epochs_change_the_picture(watched: Watched, served: Served) -> None:
    page = watched.open(f"/viewer?run={served.run_id}&case=spleen_2&step=1&layout=axial&at=19,9,-5")
    _ready(page, "spleen_2", 1)
    shown = _pixels(page)
    page.keyboard.press("p")
    assert _settled(page, shown) > 200, "the prediction did not go"
    page.keyboard.press("p")
    page.wait_for_url(lambda url: "l.prediction" not in url)

    where = _crosshair(page)
    before = _pixels(page)
    page.keyboard.press("ArrowRight")
    _ready(page, "spleen_2", 2)
    assert _settled(page, before) > 50, "the next epoch looks like this one"
    assert _crosshair(page) == where, "the crosshair moved with the epoch"

    page.get_by_test_id("epoch").focus()
    page.keyboard.press("End")
    _ready(page, "spleen_2", EPOCHS[-1])
    page.keyboard.press("j")
    _ready(page, "spleen_9", EPOCHS[-1])


def test_a_click_in_the_axial_plane_reads_the_arrays_own_value(watched: Watched, served: Served) -> None:
    page = watched.open(f"/viewer?run={served.run_id}&case=spleen_12&step=2&layout=axial")
    _ready(page, "spleen_12", 2)
    box = page.get_by_test_id("canvas").bounding_box()
    assert box is not None
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    seen = [_crosshair(page)]
    for dx, dy in ((-90, -60), (70, 40), (-40, 90)):
        page.mouse.click(middle[0] + dx, middle[1] + dy)
        page.wait_for_function(
            "was => document.querySelector('[data-testid=viewer]').dataset.mm !== was",
            arg=",".join(f"{v:g}" for v in seen[-1]),
        )
        mm = _crosshair(page)
        voxel = np.linalg.inv(AFFINE) @ [*mm, 1]
        i, j, k = np.rint(voxel[:3]).astype(int)
        assert np.allclose(voxel[:3], (i, j, k), atol=0.02), "the crosshair snaps to the middle of a voxel"
        assert all(0 <= index < side for index, side in zip((i, j, k), SHAPE, strict=True))
        value = page.get_by_test_id("viewer").get_attribute("data-value")
        assert float(value or "nan") == served.scans["spleen_12"][i, j, k]
        seen.append(mm)
    assert len({mm[2] for mm in seen}) == 1, "a click in the axial plane stays in its slice"
    # As radiologists look: a click left of the middle is on the patient's right, which is +x in RAS.
    assert seen[1][0] > seen[2][0]
    assert seen[1][1] > seen[3][1], "up in the picture is towards the front"


def test_the_read_out_names_the_class_under_the_crosshair(watched: Watched, served: Served) -> None:
    voxel = (14, 24, 13)
    mm = (AFFINE @ [*voxel, 1])[:3]
    page = watched.open(f"/viewer?run={served.run_id}&case=spleen_2&step=4&at={','.join(f'{v:g}' for v in mm)}")
    _ready(page, "spleen_2", 4)
    expect(page.get_by_test_id("label-truth")).to_have_text("lesion")
    expect(page.get_by_test_id("value")).to_have_text(str(served.scans["spleen_2"][voxel]))


def test_what_is_seen_survives_a_reload(watched: Watched, served: Served) -> None:
    page = watched.open(f"/viewer?run={served.run_id}&case=spleen_9&step=3")
    _ready(page, "spleen_9", 3)
    page.keyboard.press("3")
    page.keyboard.press("w")
    page.get_by_label("Show truth").click()
    page.get_by_label("prediction: opacity").fill("80")
    page.wait_for_url(re.compile(r"layout=coronal.*"))
    page.wait_for_url(re.compile(r"l\.prediction=on\.80"))
    page.reload()
    _ready(page, "spleen_9", 3)
    expect(page.get_by_role("radio", name="Coronal")).to_be_checked()
    expect(page.get_by_role("radio", name="Lung")).to_be_checked()
    expect(page.get_by_test_id("level")).to_have_value("-600")
    expect(page.get_by_label("Show truth")).to_have_attribute("aria-pressed", "false")
    expect(page.get_by_label("prediction: opacity")).to_have_value("80")


def test_keys_are_listed_and_the_theme_is_remembered(watched: Watched, served: Served) -> None:
    page = watched.open(f"/viewer?run={served.run_id}&case=spleen_2&step=1")
    _ready(page, "spleen_2", 1)
    page.keyboard.press("?")
    expect(page.get_by_test_id("keys")).to_contain_text("Show or hide the prediction")
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("keys")).to_have_count(0)
    page.get_by_role("button", name="Theme and keys").click()
    page.get_by_label("Light", exact=True).check()
    page.goto(watched.url + "/runs")
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    page.goto(watched.url + "/runs?theme=dark")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_what_is_not_there_is_said(watched: Watched, served: Served) -> None:
    page = watched.open("/runs/nosuchrun")
    expect(page.get_by_role("heading", name="There is no such run")).to_be_visible()
    page.goto(f"{watched.url}/viewer?run={served.run_id}&case=nosuchcase")
    expect(page.get_by_test_id("fault")).to_be_visible()
    page.goto(f"{watched.url}/nowhere")
    expect(page.get_by_test_id("empty")).to_contain_text("no such page")
    # The browser itself notes each 404 in the console; those two were asked for.
    watched.faults[:] = [fault for fault in watched.faults if "404" not in fault]
