"""What the viewer shows, held to the arrays: every orientation, oblique grids, channels, windows, layers and what is damaged."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

import voxloop as vx
from tests.browser import planes
from tests.browser.conftest import Watched, on_the_air
from tests.browser.planes import canvas, drawn_at, pixel_at
from tests.browser.test_gallery import stumbles
from voxloop.store import open_project

SHAPE = (7, 6, 5)
SPACING = (1.5, 2.0, 3.0)
# Values whatever the class is called; a table that is dense in the wrong way gives 5 the colour of 2.
CLASSES = {2: "spleen", 5: "lesion"}
COLOURS = {"prediction": {2: (240, 160, 30), 5: (226, 94, 30)}}


@dataclass(frozen=True)
class Made:
    scan: npt.NDArray[Any]
    truth: npt.NDArray[np.uint8]
    prediction: npt.NDArray[np.uint8]
    affine: npt.NDArray[np.float64]

    def mm(self, voxel: tuple[int, int, int]) -> npt.NDArray[np.float64]:
        return np.asarray((self.affine @ [*voxel, 1])[:3])


def orientations() -> list[npt.NDArray[np.float64]]:
    """All 48 ways in which a file's axes can lie."""
    found = []
    for order in itertools.permutations(range(3)):
        for signs in itertools.product((1, -1), repeat=3):
            affine = np.zeros((4, 4))
            for row, (axis, sign) in enumerate(zip(order, signs, strict=True)):
                affine[row, axis] = sign * SPACING[axis]
            affine[:, 3] = (11, -7, 40, 1)
            found.append(affine)
    return found


def oblique(degrees: float) -> npt.NDArray[np.float64]:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    return np.block([[turn @ np.diag(SPACING), np.array([[5.0], [-3.0], [9.0]])], [np.zeros((1, 3)), np.ones((1, 1))]])


def made_of(affine: npt.NDArray[np.float64], seed: int) -> Made:
    rng = np.random.default_rng(seed)
    scan = rng.integers(-150, 230, SHAPE).astype(np.int16)
    truth = rng.choice(np.array([0, 2, 5], np.uint8), SHAPE, p=[0.5, 0.3, 0.2])
    prediction = np.where(rng.random(SHAPE) < 0.3, rng.choice(np.array([0, 2, 5], np.uint8), SHAPE), truth)
    return Made(scan, truth, prediction.astype(np.uint8), affine)


@dataclass(frozen=True)
class World:
    url: str
    cases: dict[str, Made]
    root: Path


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    root = tmp_path_factory.mktemp("volumes") / ".voxloop"
    affines = {f"turn_{n:02d}": affine for n, affine in enumerate(orientations())}
    affines |= {"oblique_10": oblique(10), "oblique_30": oblique(30)}
    cases = {name: made_of(affine, seed) for seed, (name, affine) in enumerate(affines.items())}
    with vx.Run(name="truth", project=root) as run:
        for name, made in cases.items():
            layers = {"truth": made.truth, "prediction": made.prediction}
            volume = vx.Volume(made.scan, layers, CLASSES, made.affine)
            run.log({"val/scan": volume}, step=1, epoch=1, context={"case": name})
    with vx.Run(name="odd", project=root) as run:
        odd(run, root.parent)
    with on_the_air(root) as url:
        yield World(url, cases, root)


def odd(run: vx.Run, folder: Path) -> None:
    """Volumes that are not as most are."""

    def log(case: str, image: Any, **more: Any) -> None:
        run.log({"val/scan": vx.Volume(image, **more)}, step=1, context={"case": case})

    rng = np.random.default_rng(1)
    channels = np.stack([rng.normal(500 * (c + 1), 20, SHAPE) for c in range(3)], axis=-1).astype(np.float32)
    nib.save(nib.Nifti1Image(channels, np.eye(4)), folder / "mri.nii.gz")
    log("channels", folder / "mri.nii.gz")
    log("empty", np.zeros(SHAPE, np.int16), layers={"truth": np.zeros(SHAPE, np.uint8)}, classes={1: "nothing"})
    log("long", np.arange(2100 * 3 * 2, dtype=np.int16).reshape(2100, 3, 2))
    log("<script>alert(1)</script>", np.full(SHAPE, np.nan, np.float32))
    film = np.stack([np.full(SHAPE, 10 * t, np.int16) for t in range(12)], axis=-1)
    nib.save(nib.Nifti1Image(film, np.eye(4)), folder / "film.nii.gz")
    log("film", folder / "film.nii.gz")
    log("twice", np.full(SHAPE, 4, np.int16))
    run.log({"test/scan": vx.Volume(np.full(SHAPE, 7, np.int16))}, step=900, epoch=3, context={"case": "twice"})
    for broken in ("damaged", "missing", "hollow"):
        log(broken, rng.integers(0, 99, SHAPE).astype(np.int16) + ("damaged", "missing", "hollow").index(broken))


@pytest.fixture
def url(world: World) -> str:
    return world.url


def show(page: Page, url: str, **query: Any) -> Locator:
    return planes.show(page, url, **{"run": "truth", **query})


def place(made: Made, plane: Locator, name: str, voxel: tuple[int, int, int]) -> tuple[float, float]:
    return planes.place(made.affine, SHAPE, plane, name, voxel)


def test_every_orientation_shows_each_voxel_where_it_is(watched: Watched, world: World) -> None:
    page = watched.page
    rng = np.random.default_rng(5)
    names = itertools.cycle(("axial", "coronal", "sagittal"))
    for (case, made), name in zip(world.cases.items(), names, strict=False):
        voxel = (int(rng.integers(SHAPE[0])), int(rng.integers(SHAPE[1])), int(rng.integers(SHAPE[2])))
        at = ",".join(f"{v:g}" for v in made.mm(voxel))
        hidden = {"l.truth": "off.100.rim", "l.prediction": "off.50.fill", "window": "abdomen"}
        viewer = show(page, world.url, case=case, layout=name, at=at, **hidden)
        plane = canvas(page, name)
        x, y = place(made, plane, name, voxel)
        page.mouse.click(x, y)
        expect(page.get_by_test_id("voxel")).to_have_text(", ".join(map(str, voxel)))
        said = np.array([float(part) for part in str(viewer.get_attribute("data-mm")).split(",")])
        assert np.allclose(said, made.mm(voxel), atol=0.02), case
        assert float(str(viewer.get_attribute("data-value"))) == made.scan[voxel], case
        pixel = drawn_at(plane, x, y)
        if voxel[0] == 0:
            assert pixel_at(page, x, y) == pixel, "the screen shows what was drawn"
        grey = (made.scan[voxel] + 160) / 400 * 255
        assert max(pixel) - min(pixel) <= 1, "grey"
        assert abs(pixel[0] - grey) <= 2, (case, name, voxel)


def test_classes_have_the_colour_and_the_name_of_their_value(watched: Watched, world: World) -> None:
    page = watched.page
    for case in ("turn_07", "turn_40", "oblique_30"):
        made = world.cases[case]
        for value, name in CLASSES.items():
            voxel = tuple(int(v[3]) for v in np.nonzero((made.prediction == value) & (made.truth != value)))
            assert len(voxel) == 3
            at = ",".join(f"{v:g}" for v in made.mm(voxel))
            layers = {"l.truth": "off.100.rim", "l.prediction": "on.100.fill"}
            page.goto(f"{world.url}/gallery")
            show(page, world.url, case=case, layout="axial", at=at, **layers)
            expect(page.get_by_test_id("label-prediction")).to_have_text(name)
            expect(page.get_by_test_id("label-truth")).not_to_have_text(name)
            x, y = place(made, canvas(page, "axial"), "axial", voxel)
            assert pixel_at(page, x, y) == COLOURS["prediction"][value]
            page.get_by_test_id("layer-prediction").get_by_role("button", name=name).click()
            page.wait_for_url(re.compile(rf"fill\.{value}"))
            shade = pixel_at(page, x, y)
            assert max(shade) - min(shade) <= 1, "a hidden class leaves the scan as it is"


def test_the_window_is_the_scans_own_units(watched: Watched, world: World) -> None:
    page = watched.page
    made = world.cases["turn_00"]
    voxel = (3, 2, 2)
    at = ",".join(f"{v:g}" for v in made.mm(voxel))
    hidden = {"l.truth": "off.100.rim", "l.prediction": "off.50.fill"}
    show(page, world.url, case="turn_00", layout="axial", at=at, **hidden)
    x, y = place(made, canvas(page, "axial"), "axial", voxel)
    page.get_by_test_id("level").fill("0")
    page.get_by_test_id("level").press("Enter")
    page.get_by_test_id("width").fill("1000")
    page.get_by_test_id("width").press("Enter")
    page.wait_for_url(re.compile("window=-500%2C500"))
    shade = pixel_at(page, x, y)
    assert abs(shade[0] - (made.scan[voxel] + 500) / 1000 * 255) <= 2
    canvas(page, "axial").focus()
    page.keyboard.press("i")
    inverted = pixel_at(page, x, y)
    assert abs(inverted[0] + shade[0] - 255) <= 1
    # Dragged to the right with the right button it becomes wider, upwards brighter.
    box = canvas(page, "axial").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 60, box["y"] + 100)
    page.mouse.down(button="right")
    page.mouse.move(box["x"] + 160, box["y"] + 60)
    page.mouse.up(button="right")
    expect(page.get_by_test_id("width")).to_have_value("1648")
    expect(page.get_by_test_id("level")).to_have_value("-200")


def test_slices_are_walked_zoomed_and_measured(watched: Watched, world: World) -> None:
    page = watched.page
    viewer = show(page, world.url, case="turn_00", layout="axial")
    plane = canvas(page, "axial")
    plane.focus()
    before = int(str(plane.get_attribute("data-slice")))
    page.keyboard.press("ArrowUp")
    expect(plane).to_have_attribute("data-slice", str(before + 1))
    page.keyboard.press("Home")
    expect(plane).to_have_attribute("data-slice", str(SHAPE[2] - 1))
    page.keyboard.press("End")
    expect(plane).to_have_attribute("data-slice", "0")
    plane.hover()
    page.mouse.wheel(0, -60)
    expect(plane).to_have_attribute("data-slice", "1")

    # What is under the pointer stays there while one zooms.
    box = plane.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2 + 40, box["y"] + box["height"] / 2 - 30
    page.mouse.click(x, y)
    seen = viewer.get_attribute("data-mm")
    page.keyboard.down("Control")
    page.mouse.wheel(0, -300)
    page.keyboard.up("Control")
    page.wait_for_url(re.compile("zoom=2.72"))
    page.mouse.click(x, y)
    expect(viewer).to_have_attribute("data-mm", str(seen))
    page.reload()
    expect(viewer).to_have_attribute("data-mm", str(seen))
    page.wait_for_url(re.compile("zoom=2.72"))
    page.keyboard.press("0")
    page.wait_for_url(lambda url: "zoom" not in url)

    page.keyboard.press("m")
    across = float(str(plane.get_attribute("data-frame")).split(",")[2])
    page.mouse.move(box["x"] + 200, box["y"] + 200)
    page.mouse.down()
    page.mouse.move(box["x"] + 200 + 2 * across, box["y"] + 200)
    page.mouse.up()
    page.get_by_role("button", name="Options").click()
    expect(page.get_by_role("button", name="Remove 1 distance")).to_be_visible()
    page.keyboard.press("Escape")

    page.get_by_test_id("convention").click()
    page.wait_for_url(re.compile("convention=neurological"))
    expect(page.get_by_test_id("convention")).to_contain_text("L | R")


def test_panes_move_together_and_show_their_own(watched: Watched, world: World) -> None:
    page = watched.page
    show(page, world.url, case="turn_00", layout="axial", beside="odd:1:~:1:")
    panes = page.get_by_test_id("pane")
    expect(panes).to_have_count(3)
    # The other run has no such case: its pane says so, the others stay.
    expect(panes.nth(1).get_by_test_id("fault")).to_contain_text("turn_00")
    expect(panes.nth(2)).to_have_attribute("data-state", "ready")
    slices = page.locator("[data-testid=plane-axial] canvas")
    expect(slices).to_have_count(2)
    slices.first.focus()
    page.keyboard.press("Home")
    for n in (0, 1):
        expect(slices.nth(n)).to_have_attribute("data-slice", str(SHAPE[2] - 1))
    expect(panes.nth(2).get_by_test_id("reading")).to_be_visible()
    page.get_by_role("button", name="Close pane 2").click()
    expect(panes).to_have_count(2)
    # A saved picture says of each pane what it is.
    for n in (0, 1):
        expect(panes.nth(n)).to_have_attribute("data-said", "truth · step 1")
    frames = [page.get_by_test_id("canvas").nth(n).get_attribute("data-frame") for n in (0, 1)]
    assert frames[0] == frames[1], "one zoom is one size"
    page.get_by_role("button", name="Options").click()
    page.get_by_label("Crosshair").uncheck()
    page.keyboard.press("p")
    page.wait_for_url(re.compile("l.prediction=off"))
    page.keyboard.press("Escape")
    with page.expect_download() as download:
        page.keyboard.press("s")
    picture = Image.open(download.value.path())
    assert picture.width > 600
    assert len(np.unique(np.asarray(picture.convert("L")))) > 20, "it is not blank"
    watched.faults[:] = [fault for fault in watched.faults if "404" not in fault]


def test_what_is_not_as_usual_has_a_face(watched: Watched, world: World) -> None:
    page = watched.page
    page.goto(f"{world.url}/viewer?run=odd&case=channels&layout=axial")
    expect(page.get_by_test_id("value")).to_contain_text("|")
    values = [float(v) for v in page.get_by_test_id("value").inner_text().replace(",", "").split("|")]
    assert [round(v / 500) for v in values] == [1, 2, 3]
    page.get_by_label("Channel", exact=True).select_option("2")
    expect(page.get_by_test_id("level")).to_have_value(re.compile(r"^15\d\d|^14\d\d"))
    page.get_by_role("radio", name="Min–max").click()
    page.wait_for_url(re.compile("window.2=full"))

    page.get_by_label("Case", exact=True).select_option("empty")
    expect(page.get_by_test_id("value")).to_have_text("0")
    expect(page.get_by_test_id("label-truth")).to_have_text("background")
    page.get_by_label("Case", exact=True).select_option("long")
    canvas(page, "axial").focus()
    expect(page.get_by_test_id("voxel")).to_have_text("1050, 1, 1")
    # Longer than what a graphics card takes at once.
    page.keyboard.press("5")
    solid = page.get_by_test_id("solid")
    expect(solid).to_have_attribute("data-state", "ready")
    page.keyboard.press("2")
    page.get_by_label("Case", exact=True).select_option("<script>alert(1)</script>")
    expect(page.get_by_test_id("value")).to_have_text("–")
    # What was logged last, by its epoch; what was logged before under another name has steps of its own.
    page.get_by_label("Case", exact=True).select_option("twice")
    expect(page.get_by_test_id("value")).to_have_text("7")
    expect(page.get_by_test_id("step")).to_have_text("3")
    page.get_by_label("Logged as").select_option("val/scan")
    expect(page.get_by_test_id("value")).to_have_text("4")
    expect(page.get_by_test_id("step")).to_have_text("1")


def test_a_time_series_is_read_one_volume_at_a_time(watched: Watched, world: World) -> None:
    page = watched.open("/viewer?run=odd&case=film&layout=axial&channel=9")
    expect(page.get_by_test_id("value")).to_have_text("90")
    canvas(page, "axial").focus()
    page.keyboard.press("c")
    expect(page.get_by_test_id("value")).to_have_text("100")
    expect(page.get_by_label("Channel", exact=True)).to_have_value("10")
    page.get_by_role("button", name="Compare +").click()
    expect(page.get_by_test_id("reading").nth(1)).to_have_text("110")


def test_what_is_damaged_or_missing_is_said(watched: Watched, world: World) -> None:
    with open_project(world.root) as project:
        run = project.run("odd")
        digest = {
            str(one.context["case"]): str(one.data["image"]["digest"]) for one in project.media_of(run.id, "volume")
        }
        broken = project.blobs.path(digest["damaged"])
        broken.chmod(0o644)
        broken.write_bytes(broken.read_bytes()[:200])
        project.blobs.path(digest["missing"]).unlink()
        hollow = project.blobs.path(digest["hollow"])
        hollow.chmod(0o644)
        hollow.write_bytes(b"")
    page = watched.open("/viewer?run=odd&case=damaged&layout=axial")
    expect(page.get_by_test_id("fault")).to_contain_text("damaged")
    # The last one that was kept before is shown instead of an epoch at which none was.
    page.goto(f"{world.url}/viewer?run=odd&case=empty&step=7&layout=axial")
    expect(page.get_by_test_id("pane")).to_have_attribute("data-state", "ready")
    expect(page.get_by_role("status").filter(has_text="7 was not kept")).to_be_visible()
    expect(page.get_by_test_id("voxel")).to_be_visible()
    page.get_by_role("radio", name="3D", exact=True).click()
    page.get_by_label("Case", exact=True).select_option("missing")
    expect(page.get_by_test_id("fault")).to_contain_text("backup")
    expect(page.get_by_test_id("fault")).to_be_visible()
    # Nothing is said of it that was true of the case before.
    expect(page.get_by_test_id("voxel")).to_have_count(0)
    page.get_by_label("Case", exact=True).select_option("hollow")
    expect(page.get_by_test_id("fault")).to_contain_text("no NIfTI file")
    page.get_by_label("Case", exact=True).select_option("empty")
    expect(page.get_by_test_id("pane")).to_have_attribute("data-state", "ready")
    watched.faults[:] = [fault for fault in watched.faults if "404" not in fault]


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_it_can_be_used_by_all(watched: Watched, world: World, theme: str) -> None:
    page = watched.page
    show(page, world.url, case="turn_00", layout="axial", beside=":1:", theme=theme)
    assert stumbles(page) == []
    page.set_viewport_size({"width": 820, "height": 1180})
    page.wait_for_function("() => document.scrollingElement.scrollWidth <= innerWidth")
