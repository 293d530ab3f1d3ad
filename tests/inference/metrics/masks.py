"""Masks that try a metric: what organs look like, and what no organ looks like."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st
from scipy import ndimage

from voxloop.data.geometry import Geometry
from voxloop.inference.metrics import Scoring, score_masks

Mask = npt.NDArray[np.bool_]
Matrix = npt.NDArray[np.float64]

# Sums of squares of these are exact in binary, so that a distance which lies on the tolerance does so for everybody.
SPACINGS = [(1.0, 1.0, 1.0), (0.5, 0.5, 4.0), (0.75, 0.75, 2.5), (3.0, 0.25, 1.5)]
SHAPES = [(7, 11, 13), (9, 8, 1), (1, 1, 12), (6, 6, 6), (3, 10, 5)]
KINDS = ["blob", "noise", "specks", "checkerboard", "shell", "full", "one voxel", "border", "slice"]
SWAPPABLE = ("dice", "iou", "nsd", "hd95_mm", "hd_mm", "assd_mm")


def mask_of(kind: str, shape: tuple[int, int, int], seed: int) -> Mask:
    """A mask of a kind, never empty."""
    rng = np.random.default_rng(seed)
    noise = rng.random(shape)
    found = np.zeros(shape, bool)
    if kind == "blob":
        smooth = ndimage.gaussian_filter(noise, 1.5)
        found = smooth > np.quantile(smooth, 0.8)
    elif kind == "noise":
        found = noise < 0.5
    elif kind == "specks":
        found = noise < 0.03
    elif kind == "checkerboard":
        found = np.indices(shape).sum(axis=0) % 2 == seed % 2
    elif kind == "shell":
        found[tuple(slice(0, max(1, side - seed % 2)) for side in shape)] = True
        found[tuple(slice(1, max(1, side - 1 - seed % 2)) for side in shape)] = False
    elif kind == "full":
        found[:] = True
    elif kind == "border":
        found[:, :, -1 if seed % 2 else 0] = noise[:, :, 0] < 0.7
    elif kind == "slice":
        found[rng.integers(shape[0])] = noise[0] < 0.8
    if not found.any():
        found[tuple(rng.integers(shape))] = True
    return found


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Mask, Mask]:
    """Truth and prediction of one shape: two masks of any kind, or one that has been moved a little."""
    shape = draw(st.sampled_from(SHAPES))
    kinds, seeds = st.sampled_from(KINDS), st.integers(0, 99)
    truth = mask_of(draw(kinds), shape, draw(seeds))
    if draw(st.booleans()):
        return truth, np.roll(truth, draw(st.integers(-2, 2)), axis=draw(st.integers(0, 2)))
    return truth, mask_of(draw(kinds), shape, draw(seeds))


spacings = st.sampled_from(SPACINGS)
seeds = st.integers(0, 999)


def straight(shape: tuple[int, ...], spacing: tuple[float, ...]) -> Geometry:
    return geometry_of(shape, np.diag(spacing))


def geometry_of(shape: tuple[int, ...], matrix: Matrix) -> Geometry:
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = matrix, (-31.0, 17.5, 5.0)
    i, j, k = shape
    return Geometry((i, j, k), affine)


def sheared(seed: int) -> Matrix:
    """Voxels of any size and up to 1:8, turned in the room, with axes up to 20° from a right angle: a tilted gantry, and worse."""
    rng = np.random.default_rng(seed)
    turn, _ = np.linalg.qr(rng.standard_normal((3, 3)))
    tilt = np.eye(3)
    tilt[np.triu_indices(3, 1)] = rng.uniform(-0.36, 0.36, 3)
    found: Matrix = turn @ tilt @ np.diag(rng.uniform(0.5, 4.0, 3))
    return found


def figures(truth: Mask, predicted: Mask, geometry: Geometry, how: Scoring | None = None) -> dict[str, float]:
    return dict(score_masks("liver", truth, predicted, geometry, how or Scoring()).values)


def turns() -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """All 48 ways to store the same scan: each order of the axes, each of them either way round."""
    return list(product(permutations(range(3)), product((1, -1), repeat=3)))


def turned(mask: Mask, order: tuple[int, ...], signs: tuple[int, ...]) -> Mask:
    i, j, k = (slice(None, None, sign) for sign in signs)
    return mask.transpose(order)[i, j, k]
