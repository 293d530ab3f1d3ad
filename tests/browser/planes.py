"""The viewer's planes as a test looks at them: where a voxel is on the screen, and what colour it has."""

from __future__ import annotations

import io
import re
from typing import Any
from urllib.parse import urlencode

import nibabel as nib
import numpy as np
import numpy.typing as npt
from PIL import Image
from playwright.sync_api import Locator, Page, expect

Voxel = tuple[int, int, int]


def show(page: Page, url: str, **query: Any) -> Locator:
    """Opens a case without loading the program anew."""
    address = "/viewer?" + urlencode(query)
    if not page.url.startswith(f"{url}/viewer"):
        page.goto(url + address)
    else:
        page.evaluate("u => { history.pushState(null, '', u); dispatchEvent(new PopStateEvent('popstate')); }", address)
    viewer = page.locator(f"[data-testid=viewer][data-state=ready][data-case='{query['case']}']")
    viewer.wait_for()
    return viewer


def place(
    affine: npt.NDArray[np.float64], shape: tuple[int, ...], plane: Locator, name: str, voxel: Voxel
) -> tuple[float, float]:
    """Where a voxel is on the screen, worked out by nibabel: as radiologists look, on an array turned to RAS."""
    expect(plane).to_have_attribute("data-drawn", re.compile(name))
    codes = nib.orientations.io_orientation(affine)
    index = np.zeros(3, int)
    sides = np.zeros(3, int)
    for axis, (ras, flip) in enumerate(codes):
        index[int(ras)] = voxel[axis] if flip > 0 else shape[axis] - 1 - voxel[axis]
        sides[int(ras)] = shape[axis]
    right, front, head = sides - 1 - index
    u, v = {"axial": (right, front), "coronal": (right, head), "sagittal": (front, head)}[name]
    x, y, across, down = (float(part) for part in str(plane.get_attribute("data-frame")).split(","))
    box = plane.bounding_box()
    assert box is not None
    return box["x"] + x + (u + 0.5) * across, box["y"] + y + (v + 0.5) * down


def canvas(page: Page, name: str) -> Locator:
    return page.get_by_test_id(f"plane-{name}").get_by_test_id("canvas")


def pixel_at(page: Page, x: float, y: float) -> tuple[int, int, int]:
    """A pixel of the screen, when what was asked for last is on it."""
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    picture = page.screenshot(clip={"x": int(x), "y": int(y), "width": 1, "height": 1})
    red, green, blue = np.asarray(Image.open(io.BytesIO(picture)).convert("RGB"))[0, 0].tolist()
    return red, green, blue


def drawn_at(plane: Locator, x: float, y: float) -> tuple[int, int, int]:
    """A pixel of the canvas itself, which takes a hundredth of the time of a screenshot."""
    red, green, blue = plane.evaluate(
        """(canvas, [x, y]) => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => {
            const box = canvas.getBoundingClientRect(), scale = canvas.width / box.width;
            const at = [(x - box.left) * scale, (y - box.top) * scale].map(Math.floor);
            done([...canvas.getContext('2d').getImageData(...at, 1, 1).data].slice(0, 3));
        })))""",
        [x, y],
    )
    return red, green, blue
