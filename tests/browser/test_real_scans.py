"""Real scans in the viewer, in Cases and in the report, held to what nibabel and numpy say of the files."""

from __future__ import annotations

import io
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
from playwright.sync_api import Browser, Locator, Page, expect
from typer.testing import CliRunner

import voxloop as vx
from tests.browser.conftest import Watched, on_the_air
from tests.browser.planes import Voxel, canvas, drawn_at, place
from tests.browser.test_gallery import stumbles
from voxloop.cli.main import app

DATA = Path(__file__).parents[3] / "shared" / "data"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the folder of real scans is not beside this repository")

CT = DATA / "totalseg"
MRI = DATA / "tcga-du-7294"
CHANNELS = ("t1", "t1c", "t2", "fla")
SEQUENCES = ("T1", "T1 with contrast", "T2", "FLAIR")
# TotalSegmentator's numbers; the ribs, the vertebrae, the lungs and the bowel are left without a name.
ORGANS = {
    1: "spleen",
    2: "kidney_right",
    3: "kidney_left",
    5: "liver",
    6: "stomach",
    7: "pancreas",
    52: "aorta",
    64: "portal_vein_and_splenic_vein",
    79: "spinal_cord",
    117: "costal_cartilages",
}
# BraTS leaves out 3.
TUMOUR = {1: "necrotic core", 2: "oedema", 4: "enhancing tumour"}
MISSED, EXTRA = (240, 228, 66), (222, 80, 150)
WARM_THIRD = (226, 130, 180)
HIDDEN = "&l.truth=off.100.rim&l.prediction=off.100.fill"


def read(path: Path) -> npt.NDArray[Any]:
    return np.asarray(nib.load(path).dataobj)


@dataclass(frozen=True)
class Pair:
    """A scan with two label maps of it, as nibabel reads them."""

    scan: npt.NDArray[Any]
    truth: npt.NDArray[Any]
    prediction: npt.NDArray[Any]
    affine: npt.NDArray[np.float64]

    def dice(self, value: int) -> float:
        truth, prediction = self.truth == value, self.prediction == value
        return float(2 * (truth & prediction).sum() / max(1, truth.sum() + prediction.sum()))

    def worst_slice(self, value: int | None = None) -> int:
        """The axial slice in which most voxels differ."""
        wrong = self.truth != self.prediction if value is None else (self.truth == value) != (self.prediction == value)
        return int(wrong.sum((0, 1)).argmax())

    def inside(self, marked: npt.NDArray[np.bool_], k: int) -> Voxel:
        """A voxel of slice k that is marked, the one farthest from what is not."""
        i, j = np.nonzero(marked[..., k])
        at = int(np.argmin((i - i.mean()) ** 2 + (j - j.mean()) ** 2))
        return int(i[at]), int(j[at]), k

    def mm(self, voxel: Voxel) -> npt.NDArray[np.float64]:
        return np.asarray((self.affine @ [*voxel, 1])[:3])

    def at(self, voxel: Voxel) -> str:
        return ",".join(f"{part:g}" for part in self.mm(voxel))


@dataclass(frozen=True)
class Real:
    url: str
    root: Path
    ct: Pair
    mri: Pair


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Real]:
    folder = tmp_path_factory.mktemp("real")
    channels = [nib.load(MRI / f"TCGA-DU-7294_{name}_bet.nii.gz") for name in CHANNELS]
    stacked = np.stack([np.asarray(one.dataobj) for one in channels], axis=-1)
    nib.save(nib.Nifti1Image(stacked, channels[0].affine), folder / "channels.nii.gz")
    torso = nib.load(CT / "example_ct_sm.nii.gz")
    ct = Pair(
        read(CT / "example_ct_sm.nii.gz"),
        read(CT / "example_seg.nii.gz"),
        read(CT / "example_seg_fast.nii.gz"),
        torso.affine,
    )
    mri = Pair(stacked, read(MRI / "simple.nii.gz"), read(MRI / "sanet0-20.nii.gz"), channels[0].affine)
    with vx.Run(name="real", project=folder / ".voxloop") as run:
        run.define("val/*", best="max")
        both = {"truth": CT / "example_seg.nii.gz", "prediction": CT / "example_seg_fast.nii.gz"}
        log(run, "torso", vx.Volume(CT / "example_ct_sm.nii.gz", both, ORGANS, channels=["CT"]), ct, ORGANS)
        both = {"truth": MRI / "simple.nii.gz", "prediction": MRI / "sanet0-20.nii.gz"}
        brain = vx.Volume(folder / "channels.nii.gz", both, TUMOUR, channels=SEQUENCES)
        log(run, "brain", brain, mri, TUMOUR)
        log(run, "flair", vx.Volume(MRI / "TCGA-DU-7294_fla_bet.nii.gz", both, TUMOUR), mri, {})
    with on_the_air(folder / ".voxloop") as url:
        yield Real(url, folder / ".voxloop", ct, mri)


def log(run: vx.Run, case: str, volume: vx.Volume, pair: Pair, classes: dict[int, str]) -> None:
    run.log({"val/scan": volume}, step=1, epoch=1, context={"case": case})
    for value, name in classes.items():
        run.log({"val/dice": pair.dice(value)}, step=1, epoch=1, context={"case": case, "class": name})


@pytest.fixture
def url(real: Real) -> str:
    return real.url


def look(page: Page, pair: Pair, plane: Locator, name: str, voxel: Voxel) -> None:
    """Clicks a voxel, and holds what is said of its place to nibabel."""
    page.mouse.click(*place(pair.affine, pair.truth.shape, plane, name, voxel))
    expect(page.get_by_test_id("voxel")).to_have_text(", ".join(map(str, voxel)))
    said = str(page.get_by_test_id("viewer").get_attribute("data-mm")).split(",")
    assert np.allclose([float(part) for part in said], pair.mm(voxel), atol=0.02)
    shown = page.get_by_test_id("mm").inner_text().replace("−", "-").split(", ")
    assert np.allclose([float(part) for part in shown], pair.mm(voxel), atol=0.06)


def warmth(page: Page) -> float:
    """How much more red than blue there is in what 3D shows."""
    pixels = np.asarray(Image.open(io.BytesIO(page.get_by_test_id("solid").screenshot())).convert("RGB")).astype(float)
    middle = pixels[pixels.shape[0] // 4 : -pixels.shape[0] // 4, pixels.shape[1] // 4 : -pixels.shape[1] // 4]
    return float((middle[..., 0] - middle[..., 2]).mean())


def called(value: int, classes: dict[int, str]) -> str:
    return classes.get(value, f"label {value}") if value else "background"


def test_a_real_ct_opens_at_its_worst_slice_and_names_its_organs(watched: Watched, real: Real) -> None:
    page, ct = watched.open(f"/viewer?run=real&case=torso&layout=axial&at=worst{HIDDEN}"), real.ct
    plane = canvas(page, "axial")
    size = plane.bounding_box()
    worst = ct.worst_slice()
    expect(plane).to_have_attribute("data-drawn", f"axial {worst}")
    opened = tuple(int(part) for part in page.get_by_test_id("voxel").inner_text().split(", "))
    assert ct.truth[opened] != ct.prediction[opened], "the crosshair is on an error, not between errors"

    truth, prediction = ct.truth[..., worst], ct.prediction[..., worst]
    agreed = np.where(ct.truth == ct.prediction, ct.truth, 0)
    organs = [value for value in (5, 2, 3, 52, 79, 18, 20, 86) if (agreed[..., worst] == value).sum() > 8]
    assert len(organs) >= 6
    assert any(value not in ORGANS for value in organs), "a class without a name is among them"
    looked_at = [ct.inside(agreed == value, worst) for value in organs]
    looked_at += [
        ct.inside((ct.truth != 0) & (ct.prediction == 0), worst),
        ct.inside((ct.truth == 0) & (ct.prediction != 0), worst),
    ]
    other = (truth != 0) & (prediction != 0) & (truth != prediction)
    looked_at += [(int(i), int(j), worst) for i, j in np.argwhere(other)[:1]]
    for voxel in looked_at:
        look(page, ct, plane, "axial", voxel)
        expect(page.get_by_test_id("value")).to_have_text(str(ct.scan[voxel]).replace("-", "−"))
        expect(page.get_by_test_id("label-truth")).to_have_text(called(int(ct.truth[voxel]), ORGANS))
        expect(page.get_by_test_id("label-prediction")).to_have_text(called(int(ct.prediction[voxel]), ORGANS))
        assert plane.bounding_box() == size, "long names do not move what one looks at"

    # Forty classes are a list of those that are there, to search, and to see one by itself.
    layer = page.get_by_test_id("layer-prediction")
    voxel = looked_at[0]
    x, y = place(ct.affine, ct.truth.shape, plane, "axial", voxel)
    page.keyboard.press("p")
    page.keyboard.press("x")
    coloured = drawn_at(plane, x, y)
    assert max(coloured) - min(coloured) > 40
    assert layer.locator(".row").count() == len((set(np.unique(ct.prediction).tolist()) | set(ORGANS)) - {0})
    layer.get_by_label("find a class").fill("label 18")
    expect(layer.locator(".row")).to_have_count(1)
    layer.get_by_role("button", name="Only label 18").click()
    page.wait_for_url(re.compile(r"l\.prediction=on"))
    bare = drawn_at(plane, x, y)
    assert max(bare) - min(bare) <= 1, "the liver is hidden"
    bowel = ct.inside(ct.prediction == 18, worst)
    seen = drawn_at(plane, *place(ct.affine, ct.truth.shape, plane, "axial", bowel))
    assert max(seen) - min(seen) > 40, "a class without a name has a colour"
    layer.get_by_role("button", name="All").click()
    assert drawn_at(plane, x, y) == coloured
    layer.get_by_role("button", name="Only label 18").click(modifiers=["Shift"])
    page.wait_for_url(re.compile(r"l\.truth=off"))
    other = page.get_by_test_id("layer-truth")
    for each in (layer, other):
        expect(each.locator(".class[aria-pressed=true]")).to_have_count(1)
    expect(other.get_by_role("button", name="Show truth")).to_have_attribute("aria-pressed", "false")
    layer.get_by_role("button", name="All").click(modifiers=["Shift"])
    for each in (layer, other):
        expect(each.locator(".class[aria-pressed=false]")).to_have_count(0)
    assert drawn_at(plane, x, y) == coloured
    assert stumbles(page) == []

    # In 3D one map at a time: warm is the prediction, cool the truth.
    page.keyboard.press("t")
    page.keyboard.press("5")
    expect(page.get_by_test_id("solid")).to_have_attribute("data-state", "ready")
    assert warmth(page) > 0
    page.get_by_role("radiogroup", name="Layer in 3D").get_by_role("radio", name="truth").click()
    expect(page.get_by_test_id("solid")).to_have_attribute("data-layer", "truth")
    assert warmth(page) < 0


def test_a_real_cts_pixels_are_its_hounsfield_units_and_its_differences(watched: Watched, real: Real) -> None:
    page, ct = (
        watched.open(f"/viewer?run=real&case=torso&layout=axial&at=worst{HIDDEN}&l.difference=on.100.fill"),
        real.ct,
    )
    plane, k = canvas(page, "axial"), ct.worst_slice()
    expect(plane).to_have_attribute("data-drawn", f"axial {k}")
    page.keyboard.press("x")
    colours = set()
    rng = np.random.default_rng(3)
    of = {
        "missed": (ct.truth != 0) & (ct.prediction == 0),
        "extra": (ct.truth == 0) & (ct.prediction != 0),
        "other": (ct.truth != 0) & (ct.prediction != 0) & (ct.truth != ct.prediction),
    }
    for name, marked in of.items():
        for i, j in rng.permutation(np.argwhere(marked[..., k]))[:4]:
            x, y = place(ct.affine, ct.truth.shape, plane, "axial", (int(i), int(j), k))
            pixel = drawn_at(plane, x, y)
            assert pixel == {"missed": MISSED, "extra": EXTRA}.get(name, pixel), (name, i, j)
            colours.add((name, pixel))
    assert len({pixel for _, pixel in colours}) == len(colours) == 3
    assert all(max(pixel) - min(pixel) > 100 for _, pixel in colours), "none is taken for bone"

    page.keyboard.press("d")
    for name, key, through in (("axial", "2", 2), ("coronal", "3", 1), ("sagittal", "4", 0)):
        page.keyboard.press(key)
        plane = canvas(page, name)
        expect(plane).to_have_attribute("data-drawn", re.compile(name))
        voxel = [int(part) for part in page.get_by_test_id("voxel").inner_text().split(", ")]
        # Air, fat, organs and bone: below, in and above the window.
        section = np.take(ct.scan, voxel[through], axis=through)
        for low, high in ((-1100, -200), (-120, -60), (20, 80), (120, 230), (300, 1300)):
            places = np.argwhere((section >= low) & (section < high))
            at = places[rng.integers(len(places))].tolist()
            at.insert(through, voxel[through])
            seen = (int(at[0]), int(at[1]), int(at[2]))
            pixel = drawn_at(plane, *place(ct.affine, ct.scan.shape, plane, name, seen))
            grey = np.clip((int(ct.scan[seen]) + 160) / 400 * 255, 0, 255)
            assert max(pixel) - min(pixel) <= 1, "grey"
            assert abs(pixel[0] - grey) <= 2, (name, seen, ct.scan[seen])


def test_a_real_mri_shows_each_channel_through_its_own_window(watched: Watched, real: Real) -> None:
    mri = real.mri
    depth = int((mri.prediction == 4).sum((0, 1)).argmax())
    voxel = mri.inside(mri.prediction == 4, depth)
    shape = mri.truth.shape
    page = watched.open(
        f"/viewer?run=real&case=brain&layout=axial&at={mri.at(voxel)}&l.truth=off.100.rim&l.prediction=on.100.fill"
    )
    plane = canvas(page, "axial")
    expect(plane).to_have_attribute("data-drawn", f"axial {depth}")
    look(page, mri, plane, "axial", voxel)
    told = page.get_by_test_id("values")
    assert told.locator("dt").all_inner_texts() == list(SEQUENCES)
    values = [text.replace("−", "-") for text in told.locator("dd").all_inner_texts()]
    assert values == [f"{value:,}" for value in mri.scan[voxel].tolist()]
    expect(page.get_by_test_id("label-prediction")).to_have_text("enhancing tumour")
    expect(page.get_by_test_id("label-truth")).to_have_text(called(int(mri.truth[voxel]), TUMOUR))
    assert drawn_at(plane, *place(mri.affine, shape, plane, "axial", voxel)) == WARM_THIRD
    lesion = mri.inside(mri.truth > 0, depth)
    page.keyboard.press("p")
    page.get_by_label("Channel", exact=True).select_option("T1 with contrast")
    page.get_by_role("radio", name="Min–max").click()
    page.wait_for_url(re.compile(r"window\.1=full"))
    assert "window=" not in page.url, "the other channels keep theirs"
    low, high = float(mri.scan[..., 1].min()), float(mri.scan[..., 1].max())
    assert low < 0
    for seen in (voxel, lesion):
        pixel = drawn_at(plane, *place(mri.affine, shape, plane, "axial", seen))
        assert abs(pixel[0] - (mri.scan[seen][1] - low) / (high - low) * 255) <= 2

    page.get_by_label("Channel", exact=True).select_option("all")
    panes = page.get_by_test_id("pane")
    expect(panes).to_have_count(4)
    boxes = [pane.get_by_test_id("canvas").bounding_box() for pane in panes.all()]
    assert len({(box["width"], box["height"]) for box in boxes if box}) == 1, "all are drawn at one scale"
    for pane, channel in zip(panes.all(), (1, 2, 3, 0), strict=True):
        expect(pane.get_by_test_id("reading")).to_contain_text(f"{mri.scan[voxel][channel]:,}")
        assert str(pane.get_attribute("data-said")).endswith(SEQUENCES[channel])
    selected = page.get_by_label("Channel of pane 2").evaluate("one => one.selectedOptions[0].textContent")
    assert selected == SEQUENCES[2]

    # The same channel as a file of its own.
    page = watched.open(f"/viewer?run=real&case=flair&layout=axial&at={mri.at(voxel)}")
    look(page, mri, canvas(page, "axial"), "axial", voxel)
    expect(page.get_by_test_id("value")).to_have_text(f"{mri.scan[voxel][CHANNELS.index('fla')]:,}")
    expect(page.get_by_label("Channel", exact=True)).to_have_count(0)


def test_cases_lead_to_the_worst_slice_of_a_class(watched: Watched, real: Real) -> None:
    page = watched.open("/cases?run=real&class=pancreas~portal_vein_and_splenic_vein")
    rows = page.get_by_test_id("cases").locator("[data-case]")
    expect(rows).to_have_count(2)
    worst = min((7, 64), key=real.ct.dice)
    expect(rows.first).to_contain_text(ORGANS[worst])
    expect(rows.first).to_contain_text(f"{real.ct.dice(worst):.3f}")
    page.get_by_test_id("cases").focus()
    page.keyboard.press("Enter")
    viewer = page.get_by_test_id("viewer")
    expect(viewer).to_have_attribute("data-state", "ready")
    expect(page.get_by_test_id("plane-axial").locator("canvas")).to_have_attribute(
        "data-slice", str(real.ct.worst_slice(worst))
    )


def test_the_report_of_real_scans_opens_offline(real: Real, browser: Browser, tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    done = CliRunner().invoke(app, ["runs", "report", "real", "-o", str(target), "--project", str(real.root)])
    assert done.exit_code == 0, done.output
    alone = browser.new_context(viewport={"width": 1280, "height": 800})
    alone.set_offline(True)
    asked: list[str] = []
    try:
        page = alone.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.goto(target.as_uri())
        expect(page.get_by_role("heading", name="real", exact=True)).to_be_visible()
        pictures = page.locator("img")
        assert pictures.count() == 12, "two of each of the six worst"
        for picture in pictures.all():
            assert picture.evaluate("async image => { await image.decode(); return image.naturalWidth }") > 200
        scores = {
            (case, name): pair.dice(value)
            for case, pair, classes in (("torso", real.ct, ORGANS), ("brain", real.mri, TUMOUR))
            for value, name in classes.items()
        }
        (case, name), worst = min(scores.items(), key=lambda one: one[1])
        expect(page.locator("body")).to_contain_text(name)
        expect(page.locator("body")).to_contain_text(
            f"axial slice {(real.mri if case == 'brain' else real.ct).worst_slice(4) + 1} of"
        )
        assert worst < 0.1
    finally:
        alone.close()
    assert all(url.startswith(("file:", "data:")) for url in asked)
