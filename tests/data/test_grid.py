"""A label map carried to another grid lands on the voxels that it belongs to."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import given, settings
from hypothesis import strategies as st

from voxloop.data.geometry import Geometry
from voxloop.data.grid import labels_on_grid

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
