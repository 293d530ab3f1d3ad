"""Sources to bring in: tiny volumes with unequal sides on an oblique grid, so that a swapped axis fails."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from voxloop.data.formats.writing import write_volume
from voxloop.data.geometry import Geometry

SHAPE = (5, 7, 3)
OBLIQUE = np.array(
    [[-0.8, 0.1, 0.0, 12.5], [0.1, 0.8, -0.2, -3.0], [0.0, 0.3, 2.5, 40.0], [0.0, 0.0, 0.0, 1.0]], dtype=np.float32
).astype(np.float64)
GRID = Geometry(SHAPE, OBLIQUE)


def scan(path: Path, seed: int = 0, channels: int = 1) -> Path:
    """A scan of whole numbers, another for each seed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    size = SHAPE if channels == 1 else (*SHAPE, channels)
    voxels = np.random.default_rng(seed).integers(-1000, 2000, size).astype(np.int16)
    write_volume(path, voxels, GRID)
    return path


def label(path: Path, values: Sequence[int] = (1,), names: Mapping[int, str] | None = None) -> Path:
    """A label map that holds each value in a few voxels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    voxels = np.zeros(SHAPE, np.uint8)
    for number, value in enumerate(values):
        voxels[number % SHAPE[0], number % SHAPE[1] :, 1] = value
    write_volume(path, voxels, GRID, names=names)
    return path


def loose(
    folder: Path, cases: Sequence[str], images: str = "images/{}_ct.nii.gz", labels: str = "labels/{}_seg.nii.gz"
) -> Path:
    """Pairs of loose files, each case with voxels of its own."""
    for case in cases:
        scan(folder / images.format(case), int(hashlib.sha256(case.encode()).hexdigest()[:6], 16))
        label(folder / labels.format(case))
    return folder


def state(folder: Path) -> dict[str, tuple[int, int]]:
    """Every file of a folder with its size and time, to see that nothing was written there."""
    return {
        path.relative_to(folder).as_posix(): (path.lstat().st_size, path.lstat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
    }


def content(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "dataset.json").read_text())
    return found


def write(path: Path, value: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))
    return path


def same(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> bool:
    return one.dtype == other.dtype and one.shape == other.shape and bool((one == other).all())
