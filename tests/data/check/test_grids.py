"""A label that was moved, flipped, transposed, resampled or turned is described as just that, on any grid."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from voxloop.data.check.grids import compare
from voxloop.data.geometry import Geometry

SHAPE = (7, 11, 13)
sides = st.floats(0.5, 5.0)
grids = st.builds(
    lambda spacing, angles, signs, origin: _grid(spacing, angles, signs, origin),
    st.tuples(sides, sides, sides),
    st.tuples(*[st.floats(-25, 25)] * 3),
    st.tuples(*[st.sampled_from([-1.0, 1.0])] * 3),
    st.tuples(*[st.floats(-300, 300)] * 3),
)
checking = settings(deadline=None, max_examples=60)


def _grid(
    spacing: tuple[float, ...], angles: tuple[float, ...], signs: tuple[float, ...], origin: tuple[float, ...]
) -> Geometry:
    affine = np.eye(4)
    turn = Rotation.from_euler("xyz", angles, degrees=True).as_matrix()
    affine[:3, :3] = turn @ np.diag(np.array(signs) * spacing)
    affine[:3, 3] = origin
    return Geometry(SHAPE, affine)


@checking
@given(grid=grids)
def test_the_same_grid_has_no_difference(grid: Geometry) -> None:
    assert compare(grid, grid) is None


@checking
@given(grid=grids, shift=st.tuples(*[st.floats(-80, 80)] * 3))
def test_a_shift_is_a_shift_of_so_many_millimetres(grid: Geometry, shift: tuple[float, float, float]) -> None:
    distance = float(np.linalg.norm(shift))
    assume(distance > 0.01)
    affine = grid.affine.copy()
    affine[:3, 3] += shift
    difference = compare(Geometry(SHAPE, affine), grid)
    assert difference is not None
    assert difference.kind == ("label_shifted" if distance > 0.5 else "grid_rounding")
    assert difference.mm == pytest.approx(distance, rel=1e-6)
    if difference.kind == "label_shifted":
        assert np.allclose(difference.numbers["shift_mm"], shift, atol=1e-3)
        assert f"{distance:.1f} mm" in difference.words


@checking
@given(grid=grids, axes=st.sets(st.integers(0, 2), min_size=1))
def test_a_flip_is_told_by_its_axes_and_by_whether_the_origin_went_along(grid: Geometry, axes: set[int]) -> None:
    signs = [-1 if axis in axes else 1 for axis in range(3)]
    flip = np.diag([*signs, 1.0])
    left_behind = compare(Geometry(SHAPE, grid.affine @ flip), grid)
    assert left_behind is not None
    assert (left_behind.kind, left_behind.numbers["signs"]) == ("label_flipped", tuple(signs))
    flip[:3, 3] = [side - 1 if axis in axes else 0 for axis, side in enumerate(SHAPE)]
    along = compare(Geometry(SHAPE, grid.affine @ flip), grid)
    assert along is not None
    assert (along.kind, along.numbers["signs"]) == ("label_reoriented", tuple(signs))
    for axis in axes:
        assert "ijk"[axis] in along.words.split("along")[1]


@checking
@given(grid=grids, order=st.sampled_from([order for order in permutations(range(3)) if order != (0, 1, 2)]))
def test_exchanged_axes_are_told_in_their_order(grid: Geometry, order: tuple[int, int, int]) -> None:
    exchanged = grid.affine[:, [*order, 3]]
    shape = (SHAPE[order[0]], SHAPE[order[1]], SHAPE[order[2]])
    difference = compare(Geometry(shape, exchanged), grid)
    assert difference is not None
    assert (difference.kind, difference.numbers["axes"]) == ("label_reoriented", order)
    moved = exchanged.copy()
    moved[:3, 3] += 30
    difference = compare(Geometry(shape, moved), grid)
    assert difference is not None
    assert (difference.kind, difference.numbers["axes"]) == ("label_permuted", order)


@checking
@given(grid=grids, factor=st.floats(1.3, 4.0), axis=st.integers(0, 2))
def test_another_spacing_is_told_with_both(grid: Geometry, factor: float, axis: int) -> None:
    scale = np.ones(4)
    scale[axis] = factor
    label = Geometry(SHAPE, grid.affine @ np.diag(scale))
    difference = compare(label, grid)
    assert difference is not None
    assert difference.kind == "label_spacing"
    assert f"{grid.spacing_mm[axis]:.2f}" in difference.words
    assert f"{label.spacing_mm[axis]:.2f}" in difference.words


@checking
@given(grid=grids, degrees=st.floats(5.0, 30.0))
def test_a_turn_is_told_in_degrees(grid: Geometry, degrees: float) -> None:
    # About the first axis of the grid, so that the other two turn by all of it.
    axis = grid.affine[:3, 0] / grid.spacing_mm[0]
    turn = np.eye(4)
    turn[:3, :3] = Rotation.from_rotvec(axis * np.deg2rad(degrees)).as_matrix()
    difference = compare(Geometry(SHAPE, turn @ grid.affine), grid)
    assert difference is not None
    assert difference.kind == "label_rotated"
    assert difference.numbers["degrees"] == pytest.approx(degrees, abs=0.01)


@checking
@given(grid=grids, cut=st.integers(1, 4), axis=st.integers(0, 2))
def test_missing_slices_are_another_shape(grid: Geometry, cut: int, axis: int) -> None:
    shape = [side - cut if number == axis else side for number, side in enumerate(SHAPE)]
    difference = compare(Geometry((shape[0], shape[1], shape[2]), grid.affine), grid)
    assert difference is not None
    assert difference.kind == "label_shape"
