"""A polygon holds the pixels whose centres lie inside, by the even-odd rule."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.path import Path as Outline

from tests.data.dicom.tracing import blob, outlines
from voxloop.data.dicom.polygons import TIE, fill

SQUARE = np.array([(0.5, 0.5), (6.5, 0.5), (6.5, 8.5), (0.5, 8.5)])
WINDOW = np.array([(2.5, 2.5), (4.5, 2.5), (4.5, 6.5), (2.5, 6.5)])


@settings(deadline=None, max_examples=60)
@given(
    corners=st.lists(st.tuples(st.floats(-5, 16), st.floats(-5, 20)), min_size=3, max_size=30),
)
def test_any_polygon_agrees_with_matplotlib(corners: list[tuple[float, float]]) -> None:
    """Also those that cross themselves or reach beyond the grid."""
    polygon = np.array(corners)
    centres = np.stack(np.meshgrid(np.arange(11), np.arange(13), indexing="ij"), -1).reshape(-1, 2)
    closed = np.vstack([polygon - TIE, polygon[:1] - TIE])
    theirs = Outline(closed).contains_points(centres).reshape(11, 13)
    ours = fill([polygon], (11, 13))
    # Centres that lie on an edge to the last digit may go either way.
    on_edge = np.zeros((11, 13), bool)
    for (x0, y0), (x1, y1) in itertools.pairwise(closed):
        length = np.hypot(x1 - x0, y1 - y0)
        along = ((centres[:, 0] - x0) * (x1 - x0) + (centres[:, 1] - y0) * (y1 - y0)) / max(length, 1e-300)
        share = np.clip(along / max(length, 1e-300), 0, 1)
        off = np.hypot(centres[:, 0] - x0 - share * (x1 - x0), centres[:, 1] - y0 - share * (y1 - y0))
        on_edge |= (off < 1e-6).reshape(11, 13)
    assert (ours == theirs)[~on_edge].all()


@pytest.mark.parametrize("seed", range(20))
def test_outlines_of_a_mask_give_the_mask(seed: int) -> None:
    layer = blob(seed, (17, 23, 3))[:, :, 1]
    assert (fill(outlines(layer), layer.shape) == layer).all()


def test_a_circle_has_its_area() -> None:
    turn = np.linspace(0, 2 * np.pi, 720, endpoint=False)
    for radius in (10.3, 57.1, 200.0):
        circle = 256.2 + radius * np.column_stack([np.cos(turn), np.sin(turn)])
        assert fill([circle], (512, 512)).sum() == pytest.approx(np.pi * radius**2, rel=0.002 + 0.1 / radius)


def test_a_contour_in_a_contour_is_a_hole_and_one_in_the_hole_an_island() -> None:
    filled = fill([SQUARE, WINDOW, WINDOW * 0.2 + 2.8], (9, 11))
    assert filled.sum() == 6 * 8 - 2 * 4 + fill([WINDOW * 0.2 + 2.8], (9, 11)).sum()
    assert not filled[3, 5]


def test_a_keyhole_leaves_its_hole_open() -> None:
    """One contour goes along a channel to the hole, around it and back."""
    keyhole = np.vstack([SQUARE, SQUARE[:1], WINDOW[:1], WINDOW[::-1], SQUARE[:1]])
    assert (fill([keyhole], (9, 11)) == fill([SQUARE, WINDOW], (9, 11))).all()


def test_through_pixel_centres_each_pixel_goes_to_one_side_of_a_common_edge() -> None:
    left = np.array([(1.0, 1), (4, 1), (4, 6), (1, 6)])
    right = left + np.array((3, 0))
    one, two = fill([left], (9, 9)), fill([right], (9, 9))
    assert not (one & two).any()
    assert one.sum() == two.sum() == 15
    # Rounding of coordinates does not decide.
    for seed in range(5):
        shaken = left + np.random.default_rng(seed).uniform(-4e-4, 4e-4, left.shape)
        assert (fill([shaken], (9, 9)) == one).all()
