"""A voxel, its millimetres and back are the same place under every header."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.data.test_grid import ORIENTATIONS, SHAPE, oblique, reordered, some_labels
from voxloop.data.geometry import Geometry


@given(
    degrees=st.floats(-40, 40),
    which=st.integers(0, 47),
    spacing=st.tuples(*[st.floats(0.3, 8.0)] * 3),
    index=st.tuples(*[st.integers(-20, 600)] * 3),
)
def test_a_click_lands_on_its_voxel_in_every_orientation(
    degrees: float, which: int, spacing: tuple[float, float, float], index: tuple[int, int, int]
) -> None:
    _, affine = reordered(some_labels(), oblique(degrees, spacing), *ORIENTATIONS[which])
    geometry = Geometry(SHAPE, affine)
    assert geometry.voxel_of(geometry.point_of(index)) == index


def test_it_says_what_anyone_asks_first() -> None:
    geometry = Geometry((512, 512, 90), np.diag([-0.8, 0.8, 5.0, 1.0]))
    assert repr(geometry) == "Geometry(512×512×90, 0.80×0.80×5.00 mm, LAS)"
    assert geometry.voxel_ml == pytest.approx(0.0032)


def test_two_grids_are_compared_in_millimetres_at_their_far_corner() -> None:
    one = Geometry((100, 100, 100), np.eye(4))
    stretched = Geometry((100, 100, 100), np.diag([1.002, 1.0, 1.0, 1.0]))
    assert one.distance_mm(stretched) == pytest.approx(0.2)
    assert one.same_as(stretched, tolerance_mm=0.3)
    assert not one.same_as(stretched, tolerance_mm=0.1)
    assert not one.same_as(Geometry((100, 100, 99), np.eye(4)), tolerance_mm=1000)
