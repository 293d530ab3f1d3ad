"""A run as one file: what it says, what it leaves out, and that nothing in it is loaded or runs."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import voxloop as vx
from voxloop.cli.main import app
from voxloop.reports import Choice, as_html, gather
from voxloop.reports.slices import worst_slice
from voxloop.store import Project, open_project
from voxloop.store.contents import VolumeContents

SHAPE = (20, 16, 12)
# The third axis runs downwards, the first to the patient's left.
AFFINE = np.diag([-2.0, 2.0, -3.0, 1.0])
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("reports") / ".voxloop"
    params = {"optimizer": {"lr": 1e-4}, "note": f"</style>{HOSTILE}"}
    with vx.Run(name=HOSTILE, experiment="spleen", tags=["a&b"], params=params, project=root) as run:
        run.define("val/*", best="max")
        for step in range(5):
            run.log({"train/loss": float("nan") if step == 2 else 1 / (1 + step), "val/mean": step / 5}, step=step)
        for case, score in (("patient_anna", 0.9), ("patient_ben", 0.4), ("patient_eve", 0.7)):
            run.log({"val/dice": score}, step=5, context={"case": case, "class": "spleen"})
        run.log({"val/scan": volume()}, step=5, context={"case": "patient_ben"})
    with vx.Run(name="bare", project=root):
        pass
    return root


def volume() -> vx.Volume:
    scan = np.full(SHAPE, -1000, np.int16)
    scan[2:18, 2:14] = 40
    scan[17, 2:14] = 300
    truth = np.zeros(SHAPE, np.uint8)
    truth[4:10, 4:10, 2:10] = 1
    prediction = truth.copy()
    prediction[:, :, 7] = 0
    prediction[12:14, 4:6, 7] = 1
    return vx.Volume(scan, {"truth": truth, "prediction": prediction}, {1: "spleen"}, AFFINE)


@pytest.fixture
def project(root: Path) -> Iterator[Project]:
    with open_project(root) as opened:
        yield opened


class Parsed(HTMLParser):
    """The elements of a page with their attributes, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += f" {data}"


def test_the_worst_come_first_with_their_worst_slice(project: Project) -> None:
    report = gather(project, HOSTILE, Choice(worst=2))
    assert [(one.case, one.value) for one in report.worst] == [("patient_ben", 0.4), ("patient_eve", 0.7)]
    ben, eve = report.worst
    assert ben.seen is not None
    assert ben.seen.said == "axial slice 8 of 12, abdomen: -160 … 240"
    assert (eve.seen, eve.why_not) == (None, "No volume of this case was logged.")
    assert [(one.name, one.count, one.median, one.worst) for one in report.classes] == [("spleen", 3, 0.7, 0.4)]
    assert {one.name: (one.last, one.best) for one in report.figures}["val/mean"] == (0.8, 0.8)


def test_the_picture_shows_missed_and_extra_as_radiologists_look(project: Project) -> None:
    seen = gather(project, HOSTILE, Choice(worst=1)).worst[0].seen
    assert seen is not None
    pixels = np.asarray(Image.open(io.BytesIO(seen.difference)).convert("RGB")).astype(int)
    height, width = pixels.shape[:2]
    assert height / width == pytest.approx(SHAPE[1] / SHAPE[0], abs=0.02), (
        "pixels are as large as voxels are in millimetres"
    )

    def colour_of(x: int, y: int) -> tuple[int, ...]:
        # The first axis runs to the left, which is the right of the picture; the second to the front, which is its top.
        return tuple(pixels[int((SHAPE[1] - y - 0.5) / SHAPE[1] * height), int((x + 0.5) / SHAPE[0] * width)])

    red, green, blue = colour_of(6, 6)
    assert min(red, green) > blue + 50, "missed is yellow"
    red, green, blue = colour_of(12, 4)
    assert red > green + 60, "extra is magenta"
    red, green, blue = colour_of(16, 10)
    assert red == green == blue, "what is right is left as it is"


def test_the_picture_shows_the_class_that_is_told_of_and_also_one_without_a_name() -> None:
    truth = np.zeros(SHAPE, np.uint8)
    truth[2:8, 4:12, 4:8] = 1
    truth[12:18, 4:12, 4:8] = 9
    prediction = np.zeros(SHAPE, np.uint8)
    contents = VolumeContents(
        np.zeros(SHAPE, np.int16), AFFINE, {"truth": truth, "prediction": prediction}, {1: "spleen"}
    )

    def coloured(picture: bytes) -> tuple[bool, bool]:
        """Whether anything is drawn over the first half of the first axis, and over the second."""
        pixels = np.asarray(Image.open(io.BytesIO(picture)).convert("RGB")).astype(int)
        drawn = np.ptp(pixels, axis=2) > 40
        middle = drawn.shape[1] // 2
        return bool(drawn[:, :middle].any()), bool(drawn[:, middle:].any())

    one = worst_slice(contents, "spleen")
    assert (coloured(one.truth), coloured(one.difference)) == ((True, False), (True, False))
    every = worst_slice(contents, "label 9")
    assert (coloured(every.truth), coloured(every.difference)) == ((True, True), (True, True))


def test_the_file_loads_nothing_and_runs_nothing(project: Project) -> None:
    html = as_html(gather(project, HOSTILE))
    page = Parsed(html)
    assert not {tag for tag, _ in page.elements} & {"script", "link", "iframe", "object", "a", "form"}
    for _, attributes in page.elements:
        assert not any(name.startswith("on") or name in ("href", "srcset", "style") for name in attributes)
        if "src" in attributes:
            assert str(attributes["src"]).startswith("data:image/png;base64,")
    assert "url(" not in html
    assert "@import" not in html
    assert HOSTILE in page.text
    assert "default-src 'none'" in html
    assert base64.b64decode(re.findall(r"base64,([^']+)'", html)[0])[:4] == b"\x89PNG"


def test_it_can_leave_without_patients(project: Project) -> None:
    choice = Choice(pictures=False, anonymous=True)
    html = as_html(gather(project, HOSTILE, choice), choice)
    assert "patient_" not in html
    assert "data:image" not in html
    assert "Case 1" in html
    assert "0.400" in html
    assert str(project.root) not in html


def test_what_there_is_no_room_for_is_counted(tmp_path: Path) -> None:
    with vx.Run(name="much", params={f"p{n:03d}": n for n in range(203)}, project=tmp_path) as run:
        run.log({f"train/loss_{n:02d}": 1.0 for n in range(14)}, step=1)
    with open_project(tmp_path) as project:
        html = as_html(gather(project, "much"))
    assert "3 more params are in the project, and not in this report." in html
    assert "2 more series are in the project, and not in this report." in html


def test_a_run_without_anything_is_a_report_too(project: Project) -> None:
    html = as_html(gather(project, "bare"))
    assert "has logged no numbers" in html
    assert "Cases by" not in html


def test_a_metric_that_it_has_not_is_told_with_those_it_has(project: Project) -> None:
    with pytest.raises(vx.VoxloopError, match=r"val/hd95; it has: val/dice"):
        gather(project, HOSTILE, Choice(metric="val/hd95"))


def test_the_command_writes_the_file_and_says_what_is_in_it(root: Path, tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    command = ["runs", "report", "bare", "--project", str(root), "-o", str(target)]
    said = CliRunner().invoke(app, command)
    assert said.exit_code == 0, said.output
    assert target.read_text(encoding="utf-8").startswith("<!doctype html>")
    said = CliRunner().invoke(app, [*command[:2], HOSTILE, *command[3:]])
    assert "names cases and shows scans" in " ".join(said.output.split())
    said = CliRunner().invoke(app, [*command[:-1], str(tmp_path / "nowhere" / "r.html")])
    assert said.exit_code == 1


@pytest.fixture(scope="module")
def hard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes that go wrong in different places, a class that was never found, a hole in the scan, and names in texts."""
    root = tmp_path_factory.mktemp("hard") / ".voxloop"
    params = {"val_cases": ["patient_ben"], "data": "/scans/Patient_Ben.nii.gz", "seed": 7}
    with vx.Run(name="hard", params=params, notes="patient_ben fails", project=root) as run:
        scan = np.full(SHAPE, 50, np.float32)
        scan[0:3] = np.nan
        truth = np.zeros(SHAPE, np.uint8)
        truth[4:8, 4:8, 2:10], truth[12:16, 4:8, 2:10] = 1, 2
        prediction = truth.copy()
        prediction[4:8, 4:8, 5] = 2
        prediction[12:16, 4:8, 5] = 0
        layers = {"truth": truth, "prediction": prediction}
        run.log(
            {"val/scan": vx.Volume(scan, layers, {1: "one", 2: "two"}, AFFINE)}, step=4, context={"case": "patient_ben"}
        )
        for name, distance in (("one", 3.0), ("two", float("inf"))):
            run.log({"val/hd95": distance}, step=6, context={"case": "patient_ben", "class": name})
        run.log({"val/hd95": float("nan")}, step=6, context={"case": "patient_eve", "class": "one"})
    return root


@pytest.fixture
def seen_hard(hard: Path) -> Iterator[Project]:
    with open_project(hard) as opened:
        yield opened


def test_what_was_never_found_is_the_worst_and_what_has_no_number_is_counted(seen_hard: Project) -> None:
    report = gather(seen_hard, "hard")
    assert [(one.class_name, one.value, one.step) for one in report.worst] == [
        ("two", float("inf"), 6),
        ("one", 3.0, 6),
    ]
    text = Parsed(as_html(report)).text
    assert "∞" in text
    assert "1, 1 without a number" in text
    assert "the picture is of step 4, the number of step 6" in text


def test_a_picture_shows_the_class_that_it_is_named_after(seen_hard: Project) -> None:
    two, one = gather(seen_hard, "hard").worst
    assert two.seen is not None
    assert one.seen is not None

    def colour_at(picture: bytes, x: int) -> list[int]:
        pixels = np.asarray(Image.open(io.BytesIO(picture)).convert("RGB")).astype(int)
        row = int((SHAPE[1] - 6) / SHAPE[1] * pixels.shape[0])
        return list(map(int, pixels[row, int((x + 0.5) / SHAPE[0] * pixels.shape[1])]))

    red, green, blue = colour_at(one.seen.difference, 6)
    assert min(red, green) > blue + 50, "what of the first class became the second is missed"
    red, green, blue = colour_at(two.seen.difference, 6)
    assert red > green + 60, "and of the second it is too much"
    assert len(set(colour_at(one.seen.difference, 14))) == 1, "the second class is not the first one's fault"
    assert colour_at(one.seen.difference, 1) == [0, 0, 0], "what is no number has not the colour of too much"


def test_no_text_of_an_anonymous_report_names_a_case(seen_hard: Project) -> None:
    choice = Choice(pictures=False, anonymous=True)
    html = as_html(gather(seen_hard, "hard", choice), choice)
    assert "patient_ben" not in html.lower()
    assert "…/….nii.gz" in html
    assert "/scans" not in html, "folders are called after people and projects"
    assert "seed" in html
