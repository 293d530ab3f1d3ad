"""A label map carried to another grid lands on the voxels that it belongs to."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voxloop.data.geometry import Geometry
from voxloop.data.grid import SLAB_VOXELS, labels_on_grid, values_on_grid

SHAPE = (7, 11, 13)
Affine = npt.NDArray[np.float64]

ORIENTATIONS = [
    (order, flips) for order in itertools.permutations(range(3)) for flips in itertools.product((False, True), repeat=3)
]


def oblique(degrees: float, spacing: tuple[float, float, float] = (0.8, 1.1, 5.0)) -> Affine:
    """A header turned about two axes, with unequal spacing and an origin."""
    angle = np.deg2rad(degrees)
    about_x = np.array([[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]])
    about_z = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    affine = np.eye(4)
    affine[:3, :3] = about_x @ about_z @ np.diag(spacing)
    affine[:3, 3] = (-120.5, 33.25, 810.0)
    return affine


def reordered(
    labels: npt.NDArray[np.uint8], affine: Affine, order: Any, flips: Any
) -> tuple[npt.NDArray[np.uint8], Affine]:
    """The same volume stored along other axes, some of them backwards, with the affine that says so."""
    turn = np.zeros((4, 4))
    turn[3, 3] = 1
    for new_axis, (old_axis, flipped) in enumerate(zip(order, flips, strict=True)):
        turn[old_axis, new_axis] = -1 if flipped else 1
        turn[old_axis, 3] = labels.shape[old_axis] - 1 if flipped else 0
    stored = labels.transpose(order)
    for axis, flipped in enumerate(flips):
        stored = np.flip(stored, axis) if flipped else stored
    return np.ascontiguousarray(stored), affine @ turn


def some_labels(seed: int = 0, shape: tuple[int, int, int] = SHAPE) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 4, shape, dtype=np.uint8)


def test_every_orientation_goes_back_to_the_scan_exactly() -> None:
    labels, affine = some_labels(), oblique(8.0)
    for order, flips in ORIENTATIONS:
        stored, stored_affine = reordered(labels, affine, order, flips)
        assert (labels_on_grid(stored, stored_affine, Geometry(SHAPE, affine)) == labels).all(), (
            order,
            flips,
        )


@settings(deadline=None, max_examples=60)
@given(
    degrees=st.floats(-40, 40),
    which=st.integers(0, 47),
    spacing=st.tuples(*[st.floats(0.4, 8.0)] * 3),
    shape=st.tuples(*[st.integers(1, 9)] * 3),
    seed=st.integers(0, 99),
)
def test_reorienting_loses_nothing(
    degrees: float, which: int, spacing: tuple[float, float, float], shape: tuple[int, int, int], seed: int
) -> None:
    labels, affine = some_labels(seed, shape), oblique(degrees, spacing)
    stored, stored_affine = reordered(labels, affine, *ORIENTATIONS[which])
    assert (labels_on_grid(stored, stored_affine, Geometry(shape, affine)) == labels).all()


def test_a_crop_leaves_background_around_it() -> None:
    labels, affine = some_labels() | np.uint8(1), oblique(5.0)
    corner = np.eye(4)
    corner[:3, 3] = (2, 3, 4)
    back = labels_on_grid(labels[2:5, 3:7, 4:9], affine @ corner, Geometry(SHAPE, affine))
    inside = np.zeros(SHAPE, bool)
    inside[2:5, 3:7, 4:9] = True
    assert (back[inside] == labels[inside]).all()
    assert not back[~inside].any()


def test_a_finer_grid_repeats_each_voxel() -> None:
    labels, affine = some_labels(), oblique(0.0, (2.0, 2.0, 6.0))
    halved = affine @ np.diag([0.5, 0.5, 1 / 3, 1.0])
    halved[:3, 3] = (affine @ [-0.25, -0.25, -1 / 3, 1])[:3]
    fine = Geometry((14, 22, 39), halved)
    assert (labels_on_grid(labels, affine, fine) == labels.repeat(2, 0).repeat(2, 1).repeat(3, 2)).all()


def test_a_rotated_grid_agrees_with_scipy() -> None:
    from scipy.ndimage import affine_transform

    labels, source, target = some_labels(3), oblique(12.0), oblique(-31.0, (1.3, 0.7, 2.0))
    to_source = np.linalg.inv(source) @ target
    ours = labels_on_grid(labels, source, Geometry((9, 8, 10), target))
    theirs = affine_transform(labels, to_source[:3, :3], to_source[:3, 3], (9, 8, 10), order=0, mode="grid-constant")
    # Voxel centres that fall almost between two voxels may go either way.
    assert (ours != theirs).mean() < 0.01
    assert ours.any()


def carried(values: npt.NDArray[np.float32], affine: Affine, target: Geometry, outside: float = 0.0) -> Any:
    return np.concatenate([slab for _, slab in values_on_grid(values, affine, target, outside)], axis=2)


def some_values(seed: int = 0) -> npt.NDArray[np.float32]:
    return np.random.default_rng(seed).random(SHAPE, dtype=np.float32)


def test_values_go_back_exactly_where_axes_are_only_reordered() -> None:
    values, affine = some_values(), oblique(8.0)
    for order, flips in ORIENTATIONS:
        stored, stored_affine = reordered(values, affine, order, flips)  # type: ignore[arg-type]
        assert (carried(stored, stored_affine, Geometry(SHAPE, affine)) == values).all(), (order, flips)  # type: ignore[arg-type]


@pytest.mark.parametrize("degrees", [0.0, 25.0])
def test_values_between_voxels_agree_with_scipy(degrees: float) -> None:
    """On parallel axes and on any others; where the source ends the last centre counts for half a voxel more."""
    from scipy.ndimage import map_coordinates

    values = some_values(1)
    for order, flips in ORIENTATIONS[::7]:
        stored, source = reordered(values, oblique(5.0), order, flips)  # type: ignore[arg-type]
        target = Geometry((15, 9, 17), oblique(5.0 + degrees, (0.5, 1.7, 3.1)))
        to_source = np.linalg.inv(source) @ target.affine
        index = np.stack([*np.meshgrid(*map(np.arange, target.shape), indexing="ij"), np.ones(target.shape)])
        at = np.tensordot(to_source[:3], index, axes=1)
        inside = np.all([(at[n] >= -0.4999) & (at[n] < stored.shape[n] - 0.5001) for n in range(3)], axis=0)
        beyond = np.any([(at[n] < -0.5001) | (at[n] > stored.shape[n] - 0.4999) for n in range(3)], axis=0)
        ours = carried(stored, source, target, outside=-1.0)  # type: ignore[arg-type]
        theirs = map_coordinates(stored.astype(np.float64), at, order=1, mode="nearest")
        assert inside.any()
        assert np.abs(ours - theirs)[inside].max() < 1e-3
        assert (ours[beyond] == -1).all()
        # Labels end where values do.
        reached = labels_on_grid(np.ones(stored.shape, np.uint8), source, target)
        assert ((ours == -1) == (reached == 0)).all()


def test_values_come_in_slabs_whose_size_does_not_grow_with_the_scan() -> None:
    target = Geometry((300, 200, 150), np.diag([0.1, 0.1, 0.1, 1.0]))
    at = 0
    for rows, slab in values_on_grid(some_values(), np.diag([4.0, 2.0, 1.0, 1.0]), target):
        assert rows.start == at
        assert slab.shape == (300, 200, rows.stop - rows.start)
        assert slab.size <= SLAB_VOXELS
        at = rows.stop
    assert at == 150
