"""Which millimetres the voxels of a case sample: size, spacing, direction, origin, and headers that disagree with themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from voxloop.data.geometry import Affine, Geometry

Size = Literal["small", "medium", "full"]
# Directions of the voxel axes, as scanners and converters write them; the last two are the first two, tilted.
DIRECTIONS = ("LAS", "RAS", "LPS", "LAS", "LAS", "RAS")
TILTED = (4, 5)


@dataclass(frozen=True, slots=True)
class Header:
    """A grid in the patient, and what the file says about it. `sform` is the truth; `qform` may be a little off."""

    geometry: Geometry
    qform: Affine

    def image(self, voxels: npt.NDArray[Any]) -> Any:
        import nibabel as nib

        image = nib.Nifti1Image(voxels, None)
        image.header.set_sform(self.geometry.affine, 1)
        image.header.set_qform(self.qform, 1)
        image.header.set_xyzt_units("mm", "sec" if voxels.ndim == 4 else None)
        # Zooms follow the qform in NIfTI; those of the axes beyond the third are one.
        return image


def header(
    rng: np.random.Generator,
    index: int,
    shape: tuple[int, int, int],
    spacing_mm: tuple[float, float, float],
    centre_mm: npt.NDArray[np.float64],
) -> Header:
    """A header whose volume is centred on a point of the patient, turned as the case's number says."""
    kind = index % len(DIRECTIONS)
    signs = [1.0 if letter in "RAS" else -1.0 for letter in DIRECTIONS[kind]]
    direction = np.diag(signs)
    if kind in TILTED:
        angle = np.deg2rad(rng.uniform(5, 10) * rng.choice([-1, 1]))
        tilt = np.array([[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]])
        direction = tilt @ direction
    affine = np.eye(4)
    affine[:3, :3] = direction @ np.diag(spacing_mm)
    affine[:3, 3] = centre_mm - affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    # Headers hold 32 bits; the anatomy is sampled where the file will say it was.
    affine = affine.astype(np.float32).astype(np.float64)
    qform = affine.copy()
    if index % 4 == 2:
        qform[:3, 3] += rng.uniform(-0.8, 0.8, 3)
    return Header(Geometry(shape, affine), qform)
