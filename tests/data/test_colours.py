"""Classes can be told apart in a file's own colours, with any colour vision."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import numpy.typing as npt
import pytest

from voxloop.data.colours import colour_of

# Machado, Oliveira and Fernandes (2009), for a complete lack of one kind of cones; on linear RGB.
VISIONS = {
    "trichromat": np.eye(3),
    "protanope": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranope": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanope": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
# CIE's steps between colours; one is just seen side by side.
SEEN_APART = 10.0


def lab_of(colour: tuple[int, int, int], vision: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The colour as somebody sees it, in CIELAB under D65."""
    part = np.array(colour) / 255
    linear = np.clip(vision @ np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4), 0, 1)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    f = [
        float(np.cbrt(one)) if one > 0.008856 else 7.787 * one + 16 / 116
        for one in to_xyz @ linear / (0.9505, 1.0, 1.089)
    ]
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("vision", VISIONS)
def test_the_first_seven_are_apart_for_everybody(vision: str) -> None:
    seen = [lab_of(colour_of(number), VISIONS[vision]) for number in range(7)]
    assert min(float(np.linalg.norm(one - two)) for one, two in combinations(seen, 2)) > SEEN_APART


def test_there_are_21_and_then_they_come_again() -> None:
    first = [colour_of(number) for number in range(21)]
    assert len(set(first)) == 21
    assert [colour_of(number + 21) for number in range(21)] == first
    assert all(0 <= part <= 255 for colour in first for part in colour)
    # Scans are dark; what is darker than this is not seen on them.
    assert min(max(colour) for colour in first) > 85
