"""The area of the surface between eight voxels is the published one, and holds where axes do not meet at right angles."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from tests.inference.metrics.masks import SPACINGS, Mask, Matrix, sheared, turned, turns
from voxloop.inference.metrics import elements


def cell(code: int) -> Mask:
    """The eight voxels that a code tells of."""
    return np.array([code >> bit & 1 for bit in range(8)], bool).reshape(2, 2, 2).transpose(2, 1, 0)


def code_of(mask: Mask) -> int:
    return int(elements.codes(mask)[1, 1, 1])


def area(mask: Mask, matrix: Matrix) -> float:
    return float(elements.areas(matrix)[elements.codes(mask)].sum())


def test_a_code_names_the_voxels_around_a_point() -> None:
    assert [code_of(cell(code)) for code in range(256)] == list(range(256))


@pytest.mark.parametrize("spacing", [*SPACINGS, (0.7, 0.8, 5.0), (8.0, 1.0, 1.0)])
def test_every_area_is_that_of_the_published_table(spacing: tuple[float, float, float]) -> None:
    from surface_distance import lookup_tables as published

    theirs = published.create_table_neighbour_code_to_surface_area(spacing)
    kernel = published.ENCODE_NEIGHBOURHOOD_3D_KERNEL
    expected = [theirs[int(kernel[cell(code)].sum())] for code in range(256)]
    assert elements.areas(np.diag(spacing)) == pytest.approx(expected, abs=1e-12)


def test_an_area_is_the_same_however_the_voxels_are_stored() -> None:
    matrix = sheared(1)
    ours = elements.areas(matrix)
    for order, signs in turns():
        other = elements.areas(matrix[:, order] * signs)
        stored = [code_of(turned(cell(code), order, signs)) for code in range(256)]
        np.testing.assert_allclose(other[stored], ours)


@pytest.mark.parametrize("seed", range(5))
def test_flat_faces_and_single_voxels_have_the_area_of_geometry(seed: int) -> None:
    matrix = sheared(seed)
    i, j, k = matrix.T
    half = np.zeros((2, 2, 2), bool)
    half[:, :, 0] = True
    assert elements.areas(matrix)[code_of(half)] == pytest.approx(np.linalg.norm(np.cross(i, j)))
    octahedron = sum(np.linalg.norm(np.cross(a * j - i, b * k - i)) / 8 for a, b, _ in product((1, -1), repeat=3))
    assert area(np.ones((1, 1, 1), bool), matrix) == pytest.approx(octahedron)


def test_a_ball_has_the_same_surface_upright_and_under_a_tilted_gantry() -> None:
    """A surface of voxels is rough, and about a tenth larger than that of what it shows; the tilt adds nothing to that."""
    tilted = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.36], [0.0, 0.0, 1.0]])
    rough = []
    for matrix in (np.eye(3), tilted):
        at = (np.indices((34, 44, 34)).reshape(3, -1).T - (17, 22, 17)) @ matrix.T
        ball = (np.linalg.norm(at, axis=1) < 14).reshape(34, 44, 34)
        rough.append(area(ball, matrix) / (4 * np.pi * 14**2))
    assert 1.05 < rough[0] < 1.15
    assert rough[1] == pytest.approx(rough[0], rel=0.02)


def test_nothing_and_everything_have_no_surface_inside() -> None:
    table = elements.areas(sheared(1))
    assert table[0] == table[elements.FULL] == 0
    assert (table[1 : elements.FULL] > 0).all()
