"""What cannot be logged is refused in one sentence, where it is logged."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import voxloop as vx

SLICE = np.zeros((4, 6))

REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "an empty image": (lambda: vx.Image(np.zeros((0, 4))), "An image has the shape 0×4"),
    "a row as an image": (lambda: vx.Image(np.zeros(4)), "An image has the shape 4;"),
    "five colours": (lambda: vx.Image(np.zeros((5, 4, 5))), "no axis is one of 1, 3 or 4 colours"),
    "objects as an image": (lambda: vx.Image(np.array([[None]])), "An image holds numbers, and this array holds object"),
    "complex numbers": (lambda: vx.Image(np.zeros((4, 4), complex)), "this array holds complex128"),
    "a number as an image": (lambda: vx.Image(3), "An image has the shape no axes"),
    "an image that is not there": (lambda: vx.Image("no.png"), "Cannot read no.png: No such file or directory"),
    "a text as an image": (lambda: vx.Image(Path(__file__)), "test_media_refusals.py is no readable image"),
    "a folder as an image": (lambda: vx.Image(Path(__file__).parent), "is no file; an image is one"),
    "a layer of another size": (lambda: vx.Image(SLICE, {"truth": SLICE.T}), 'The layer "truth" is 6×4, and the image is 4×6'),
    "a layer of fractions": (lambda: vx.Image(SLICE, {"truth": SLICE + 0.5}), 'The layer "truth" is no label map'),
    "a text as a layer": (lambda: vx.Image(SLICE, {"truth": "no.png"}), "Cannot read no.png"),
    "classes without numbers": (lambda: vx.Image(SLICE, classes=["spleen"]), "Classes map a label to its name"),  # type: ignore[arg-type]
    "a box beyond the image": (lambda: vx.Image(SLICE, boxes=[(0, 0, 7, 4)]), r"Box 0 \(0, 0, 7, 4\) does not lie within"),
    "a box that is inside out": (lambda: vx.Image(SLICE, boxes=[(3, 0, 2, 4)]), "does not lie within the image of 6×4"),
    "a box of NaN": (lambda: vx.Image(SLICE, boxes=[(0, 0, float("nan"), 1)]), "does not lie within"),
    "a box of two": (lambda: vx.Image(SLICE, boxes=[(0, 0)]), "a box is .left, top, right, bottom."),  # type: ignore[list-item]
    "a box of others": (lambda: vx.Image(SLICE, boxes=[{"x": 1}]), "a box is .left, top, right, bottom."),
    "a window that shows nothing": (lambda: vx.Image(SLICE, window=(3, 3)), "The window from 3 to 3 shows nothing"),
    "a window of one": (lambda: vx.Image(SLICE, window=(3,)), r"window=\(3,\) is none"),  # type: ignore[arg-type]
    "a window without width": (lambda: vx.Image(SLICE, window={"level": 3}), "is none; it is .low, high."),
    "a text as a figure": (lambda: vx.Figure("plot"), "A str is no figure"),
    "a dict that is no figure": (lambda: vx.Figure({"a": 1}), "A dict is no figure"),
    "a figure of objects": (lambda: vx.Figure({"data": [object()]}), "This dict is no plotly figure in JSON"),
    "no values": (lambda: vx.Distribution([]), "this array is empty"),
    "texts": (lambda: vx.Distribution(["a"]), "A distribution holds numbers"),
    "no bins": (lambda: vx.Distribution([1.0], bins=0), "bins=0 cannot be"),
    "edges that miss": (lambda: vx.Distribution.from_histogram([1, 2], [0, 1]), "2 counts has 3 edges"),
    "edges that shrink": (lambda: vx.Distribution.from_histogram([1], [1, 0]), "edges are numbers that grow"),
    "counts below 0": (lambda: vx.Distribution.from_histogram([-1], [0, 1]), "whole numbers, and none is below 0"),
    "counts of NaN": (lambda: vx.Distribution.from_histogram([np.nan], [0, 1]), "whole numbers"),
    "no module": (lambda: vx.parameters(3), "A int has no parameters"),
    "a number as a text": (lambda: vx.Text(3), "A int is no text"),  # type: ignore[arg-type]
    "an unknown format": (lambda: vx.Text("a", format="rtf"), 'format="rtf" is unknown; it is one of plain, markdown'),
    "columns of two lengths": (lambda: vx.Table({"a": [1], "b": [1, 2]}), '"a" has 1 cells and "b" has 2'),
    "no columns": (lambda: vx.Table({}), "this one has none"),
    "rows without names": (lambda: vx.Table([[1, 2]]), "Rows need names for their columns"),
    "a row that is short": (lambda: vx.Table([[1, 2], [3]], columns=["a", "b"]), r"Row 1 is \[3\]; a row here is a list of 2"),
    "a column of two axes": (lambda: vx.Table({"a": np.zeros((2, 2))}), 'The column "a" has 2 axes'),
    "a text as a column": (lambda: vx.Table({"a": "abc"}), "The column \"a\" is 'abc'; a column is a list of cells"),
    "a column that is not there": (lambda: vx.Table({"a": [1]}, columns=["b"]), 'has no column "b"; it has a'),
    "a number as a table": (lambda: vx.Table(3), "A int is no table"),
    "no samples": (lambda: vx.Audio([], rate=10), "A sound has the shape 0×1"),
    "no rate": (lambda: vx.Audio([0.0]), "rate=None is none; give the samples per second"),
    "a sound too loud": (lambda: vx.Audio([0.0, 3.5], rate=10), "The loudest sample is 3.5, and 16 bits hold -1 to 1"),
    "a sound of NaN": (lambda: vx.Audio([np.nan], rate=10), "The loudest sample is nan"),
    "a sound of long integers": (lambda: vx.Audio([1, 2], rate=10), "A sound of int64 is none that a WAV holds"),
    "no frames": (lambda: vx.Video([], fps=1), "this list is empty"),
    "no speed": (lambda: vx.Video(np.zeros((2, 4, 4), np.uint8)), "fps=None is none"),
    "frames of two sizes": (lambda: vx.Video([SLICE, SLICE.T], fps=1), "Frame 1 is 6×4 and the first is 4×6"),
    "frames beyond 8 bits": (lambda: vx.Video(np.full((2, 4, 4), 300), fps=1), "these frames are int64 from 300 to 300"),
    "one image as a video": (lambda: vx.Video(np.zeros((4, 4)), fps=1), "A video has the shape 4×4"),
    "a reference to an array": (lambda: vx.Volume(np.zeros((2, 3, 4)), reference=True), "this scan is an array; give its path"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_in_a_sentence(name: str) -> None:
    make, sentence = REFUSED[name]
    with pytest.raises(vx.VoxloopError, match=sentence) as caught:
        make()
    said = str(caught.value)
    assert said.endswith(".")
    assert "\n" not in said


def test_an_image_file_that_is_cut_off_is_refused_as_a_layer(tmp_path: Path) -> None:
    from PIL import Image

    Image.fromarray(np.random.default_rng(0).integers(0, 255, (90, 90), np.uint8)).save(tmp_path / "a.png")
    (tmp_path / "a.png").write_bytes((tmp_path / "a.png").read_bytes()[:2000])
    with pytest.raises(vx.VoxloopError, match=r"a\.png is cut off or damaged"):
        vx.Image(np.zeros((90, 90)), {"truth": tmp_path / "a.png"})
