"""Truths and predictions to score: an organ in a whole scan, found well, and noise where an organ should be.

`python -m benchmarks.metrics.scenes NAME FOLDER` writes the two masks of one.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.ndimage import zoom

Mask = npt.NDArray[np.bool_]
SPACING = (0.8, 0.8, 1.0)
SCENES = ("organ", "noise")


def scene(name: str) -> tuple[Mask, Mask]:
    """Truth and prediction."""
    if name == "organ":
        return organ((512, 512, 300), semi_axes=(137, 106, 80))
    truth, _ = organ((192, 192, 96), semi_axes=(51, 40, 25))
    return truth, np.random.default_rng(1).random(truth.shape) < 0.5


def organ(shape: tuple[int, int, int], semi_axes: tuple[int, int, int]) -> tuple[Mask, Mask]:
    """A lumpy ellipsoid beside the middle, and a prediction whose edge is off by a few voxels and which has two specks elsewhere."""
    rng = np.random.default_rng(0)
    middle = (0.42 * shape[0], 0.5 * shape[1], 0.5 * shape[2])
    axes = np.ogrid[tuple(slice(side) for side in shape)]
    far = sum(((at - to) / size) ** 2 for at, to, size in zip(axes, middle, semi_axes, strict=True)) ** 0.5
    far = far.astype(np.float32) + 0.1 * lumps(shape, 50, rng)
    truth = far < 1
    predicted = far + 0.03 * lumps(shape, 15, rng) < 1.01
    i, j, k = (side // 10 for side in shape)
    predicted[i : i + 5, j : j + 5, k : k + 3] = True
    predicted[-i - 3 : -i, -j - 4 : -j, -k - 5 : -k] = True
    return truth, predicted


def lumps(shape: tuple[int, int, int], size: int, rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Smooth noise, with lumps of a size in voxels."""
    coarse = rng.standard_normal([-(-side // size) + 1 for side in shape]).astype(np.float32)
    factors = [side / coarse_side for side, coarse_side in zip(shape, coarse.shape, strict=True)]
    found: npt.NDArray[np.float32] = zoom(coarse, factors, order=1)
    return found


if __name__ == "__main__":
    masks = scene(sys.argv[1])
    for what, mask in zip(("truth", "predicted"), masks, strict=True):
        np.save(Path(sys.argv[2]) / f"{what}.npy", mask)
