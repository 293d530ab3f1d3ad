"""An image keeps its values; how it is shown is said beside it."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import voxloop as vx
from voxloop.store.blobs import Blobs
from voxloop.store.contents.arrays import unpack_image

HU = np.linspace(-1000, 1000, 20).reshape(4, 5).astype(np.int16)


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs(tmp_path / "blobs")


def preview(blobs: Blobs, data: dict[str, Any]) -> npt.NDArray[Any]:
    return unpack_image(blobs.get(data["preview"]["digest"]))


@pytest.mark.parametrize("window", [(-160, 240), {"level": 40, "width": 400}])
def test_a_window_is_said_and_seen_and_changes_no_value(blobs: Blobs, window: Any) -> None:
    data = vx.Image(HU, window=window).store(blobs)
    assert data["window"] == [-160, 240]
    assert data["dtype"] == "int16"
    seen = preview(blobs, data)
    assert (seen[HU <= -160] == 0).all()
    assert (seen[HU >= 240] == 255).all()
    inside = (HU > -160) & (HU < 240)
    np.testing.assert_allclose(seen[inside], (HU[inside] + 160) / 400 * 255, atol=0.51)


def test_bytes_are_their_own_preview(blobs: Blobs) -> None:
    data = vx.Image(np.arange(20, dtype=np.uint8).reshape(4, 5), caption="a ramp").store(blobs)
    assert data["preview"] == data["image"]
    assert data["window"] is None
    assert data["caption"] == "a ramp"
    assert (data["width"], data["height"], data["channels"]) == (5, 4, 1)
    assert blobs.get(data["image"]["digest"]).startswith(b"\x89PNG")


def test_normalised_values_are_seen_whole(blobs: Blobs) -> None:
    """Below 0 and beyond 1, as a network sees them; what is no number is black or white."""
    values = np.random.default_rng(0).normal(size=(50, 50)).astype(np.float32)
    values[0, :3] = np.nan, np.inf, -np.inf
    seen = preview(blobs, vx.Image(values).store(blobs))
    assert seen[0, :3].tolist() == [0, 255, 0]
    assert len(np.unique(seen)) > 200


@pytest.mark.parametrize(
    "values",
    [
        np.full((3, 4), 7.0),
        np.full((3, 4), np.nan),
        np.array([[-1e308, 1e308]]),
        np.zeros((3, 4, 4)),
        np.ones((2, 2), "u8"),
    ],
)
def test_any_numbers_have_a_preview(blobs: Blobs, values: npt.NDArray[Any]) -> None:
    seen = preview(blobs, vx.Image(values).store(blobs))
    assert seen.shape == values.shape
    assert seen.dtype == np.uint8


def test_boxes_are_pixels_with_a_label_and_a_score(blobs: Blobs) -> None:
    boxes: list[Any] = [
        (0, 0, 5, 4),
        {"left": 1, "top": 1, "right": 2.5, "bottom": 3, "label": "lesion"},
        vx.Box(0, 0, 1, 1, "x", 0.9),
    ]
    found = vx.Image(HU, boxes=boxes).store(blobs)["boxes"]
    assert [list(box.values()) for box in found] == [
        [0, 0, 5, 4, "", None],
        [1, 1, 2.5, 3, "lesion", None],
        [0, 0, 1, 1, "x", 0.9],
    ]


def test_an_image_of_pil_is_taken_in_every_mode(blobs: Blobs) -> None:
    from PIL import Image

    ramp = Image.fromarray(np.arange(0, 240, 4, dtype=np.uint8).reshape(6, 10))
    shapes = {"1": (6, 10), "L": (6, 10), "LA": (6, 10, 4), "P": (6, 10, 3), "RGB": (6, 10, 3), "RGBA": (6, 10, 4)}
    shapes |= {"CMYK": (6, 10, 3), "I": (6, 10), "F": (6, 10), "I;16": (6, 10)}
    for mode, shape in shapes.items():
        pixels = vx.Image(ramp.convert(mode)).pixels
        assert pixels is not None
        assert pixels.shape == shape, mode
    labels = ramp.convert("P")
    assert np.array_equal(
        vx.Image(HU[:, :4], {"truth": labels.crop((0, 0, 4, 4))}).layers["truth"], np.asarray(labels)[:4, :4]
    )


def test_a_label_map_in_a_file_with_a_palette_is_read_by_its_numbers(tmp_path: Path) -> None:
    from PIL import Image

    labels = np.arange(20, dtype=np.uint8).reshape(4, 5)
    image = Image.fromarray(labels)
    image.putpalette([value for label in range(256) for value in (255 - label, 0, label)])
    image.save(tmp_path / "labels.png")
    assert np.array_equal(vx.Image(HU, {"truth": tmp_path / "labels.png"}).layers["truth"], labels)


def test_equal_images_are_one_blob(blobs: Blobs) -> None:
    assert vx.Image(HU).store(blobs) == vx.Image(HU.copy()).store(blobs)
    assert repr(vx.Image(HU, {"truth": HU > 0})) == "Image(5×4, int16, truth)"


def test_a_file_is_windowed_beside_itself(tmp_path: Path, blobs: Blobs) -> None:
    from PIL import Image

    Image.fromarray(np.arange(20, dtype=np.uint8).reshape(4, 5)).save(tmp_path / "a.png")
    data = vx.Image(tmp_path / "a.png", window=(0, 19)).store(blobs)
    assert data["image"] != data["preview"]
    assert preview(blobs, data).max() == 255
    with Image.open(io.BytesIO(blobs.get(data["image"]["digest"]))) as kept:
        assert np.asarray(kept).max() == 19
