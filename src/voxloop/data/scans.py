"""Scans and labels on disk, whatever their format: one door, behind which `formats` and `dicom` read them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from voxloop.data.geometry import Geometry
from voxloop.errors import VoxloopError

# The longest first: `.nii.gz` is no `.gz`.
FORMATS = {
    ".volume.json": "voxloop.data.formats.reference",
    ".nii.gz": "voxloop.data.formats.nifti",
    ".nii": "voxloop.data.formats.nifti",
    ".nrrd": "voxloop.data.formats.nrrd",
    ".nhdr": "voxloop.data.formats.nrrd",
    ".mha": "voxloop.data.formats.metaimage",
    ".mhd": "voxloop.data.formats.metaimage",
}
ENDINGS = tuple(FORMATS)
# What other programs, browsers and plain MONAI read as well.
NIFTI = (".nii.gz", ".nii")

# 16 giga-voxels are beyond any scanner; a header that claims more is lying.
MOST_VOXELS = 2**34


@dataclass(frozen=True, slots=True)
class Scan:
    """A file whose header has been read and believed; its voxels are read when asked for."""

    path: Path
    geometry: Geometry
    channels: int
    dtype: np.dtype[Any]
    read: Callable[[], npt.NDArray[Any]] = field(repr=False, compare=False)

    def array(self) -> npt.NDArray[Any]:
        """The voxels as the file means them, scaled where the header says so: [i, j, k], or [i, j, k, channel] of several."""
        return self.read()


@dataclass(frozen=True, slots=True)
class Labels:
    """A label file that lies on its scan's grid."""

    scan: Scan

    def array(self) -> npt.NDArray[np.uint8]:
        """Label values; refused where they are no whole numbers of 0..255."""
        return as_labels(self.scan.array(), self.scan.path.name)


def open_scan(path: Path) -> Scan:
    """Reads the header of a scan of any format and checks that it can be true of its file."""
    if path.is_dir():
        raise VoxloopError(f"{path} is a folder, not a scan; name a file in it.")
    if not path.is_file():
        raise VoxloopError(f"No scan is at {path}; check the path.")
    module = next((module for ending, module in FORMATS.items() if path.name.lower().endswith(ending)), None)
    if module is None:
        raise VoxloopError(
            f"{path.name} is no scan of a format that is known here ({', '.join(ENDINGS)}); convert it first, "
            'or bring DICOM in with "voxloop data import".'
        )
    scan: Scan = import_module(module).open_scan(path)
    return scan


def open_labels(path: Path, like: Geometry, tolerance_mm: float = 0.5) -> Labels:
    """Opens a label file, and refuses one that does not lie on its scan."""
    scan = open_scan(path)
    if scan.channels != 1:
        raise VoxloopError(
            f"{path.name} has {scan.channels} channels, and a label is one value a voxel; export it as one label map."
        )
    require_same_grid(path.name, scan.geometry, like, tolerance_mm)
    return Labels(scan)


def as_labels(values: npt.NDArray[Any], name: str) -> npt.NDArray[np.uint8]:
    """An array as label values; refused where they are no whole numbers of 0..255."""
    if values.dtype.kind == "f":
        if not np.isfinite(values).all():
            raise VoxloopError(f"{name} holds values that are not numbers; labels are whole numbers.")
        whole = np.rint(values)
        if np.abs(values - whole).max(initial=0) > 1e-3:
            raise VoxloopError(f"{name} holds fractions; labels are whole numbers, is this a probability map?")
        values = whole
    if values.size and (values.min() < 0 or values.max() > 255):
        raise VoxloopError(f"{name} holds labels from {values.min()} to {values.max()}; 0 to 255 is possible.")
    return values.astype(np.uint8)


def require_same_grid(
    name: str, labels: Geometry, scan: Geometry, tolerance_mm: float = 0.5, *, what: str = "label", of: str = "scan"
) -> None:
    """One sentence about how the grid of a label (or `what` it is) differs from its scan's, if it does."""
    if labels.shape != scan.shape:
        raise VoxloopError(
            f"{name}: the {what} has {sides(labels.shape)} voxels and the {of} {sides(scan.shape)}; "
            f"export the {what} on the {of}'s own grid."
        )
    apart = labels.distance_mm(scan)
    if apart > tolerance_mm:
        raise VoxloopError(
            f"{name}: the {what} lies up to {apart:.1f} mm away from the {of} ({what} {labels!r}, {of} {scan!r}); "
            f"export the {what} on the {of}'s own grid."
        )


def require_believable(path: Path, shape: tuple[int, ...], affine: npt.NDArray[np.float64]) -> None:
    """Refuses what a header of any format may claim and no scan has: too many or no voxels, an affine that places none."""
    if len(shape) not in (2, 3, 4) or min(shape) < 1:
        raise VoxloopError(f"{path.name} has the shape {sides(shape)}; a scan has three axes, or four with channels.")
    voxels = float(np.prod([float(side) for side in shape]))
    if voxels > MOST_VOXELS:
        raise VoxloopError(
            f"{path.name} claims {voxels:.3g} voxels in a file of {path.stat().st_size:,} bytes, which cannot be; its header is damaged."
        )
    # NaN compares false; and nobody lies a thousand kilometres away.
    if not np.abs(affine).max() < 1e9 or abs(np.linalg.det(affine[:3, :3])) < 1e-9:
        raise VoxloopError(
            f"{path.name} does not say where its voxels are (its affine is not invertible, or far off); write it anew from its source."
        )


def sides(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape))


def reason(error: BaseException) -> str:
    """The first line of what a library said."""
    lines = str(error).strip().splitlines()
    return lines[0][:120] if lines else type(error).__name__
