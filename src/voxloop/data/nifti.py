"""NIfTI files read with suspicion: headers lie, downloads break off, labels lie on another grid."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from voxloop.data.geometry import Geometry
from voxloop.errors import VoxloopError

# 16 giga-voxels are beyond any scanner; a header that claims more is lying.
MOST_VOXELS = 2**34
# gzip packs zeros about a thousand times; a file that is smaller still cannot hold what its header says.
LEAST_BYTES_PER_VOXEL = 1 / 4096


@dataclass(frozen=True, slots=True)
class Scan:
    """A file whose header has been read and believed; its voxels are read when asked for."""

    path: Path
    geometry: Geometry
    channels: int
    dtype: np.dtype[Any]

    def array(self) -> npt.NDArray[Any]:
        """The voxels as the file means them, scaled where the header says so."""
        import nibabel as nib

        try:
            voxels = np.asanyarray(nib.load(self.path).dataobj)
        except (OSError, EOFError, ValueError, zlib.error) as error:
            raise VoxloopError(
                f"{self.path.name} is cut off or damaged ({_reason(error)}); copy or download it again."
            ) from error
        # A trailing axis of one, as some tools write it, holds nothing.
        return voxels[..., 0] if voxels.ndim == 4 and self.channels == 1 else voxels


@dataclass(frozen=True, slots=True)
class Labels:
    """A label file that lies on its scan's grid."""

    scan: Scan

    def array(self) -> npt.NDArray[np.uint8]:
        """Label values; refused where they are no whole numbers of 0..255."""
        values = self.scan.array()
        if values.dtype.kind == "f":
            if not np.isfinite(values).all():
                raise VoxloopError(
                    f"{self.scan.path.name} holds values that are not numbers; labels are whole numbers."
                )
            whole = np.rint(values)
            if np.abs(values - whole).max(initial=0) > 1e-3:
                raise VoxloopError(
                    f"{self.scan.path.name} holds fractions; labels are whole numbers, is this a probability map?"
                )
            values = whole
        if values.size and (values.min() < 0 or values.max() > 255):
            raise VoxloopError(
                f"{self.scan.path.name} holds labels from {values.min()} to {values.max()}; 0 to 255 is possible."
            )
        return values.astype(np.uint8)


def open_scan(path: Path) -> Scan:
    """Reads a header and checks that it can be true of its file."""
    import nibabel as nib
    from nibabel.filebasedimages import ImageFileError
    from nibabel.spatialimages import HeaderDataError

    if not path.is_file():
        raise VoxloopError(f"No scan is at {path}; check the path.")
    try:
        image = nib.load(path)
        shape = tuple(int(side) for side in image.shape)
        affine = np.asarray(image.affine, dtype=np.float64)
    except (ImageFileError, OSError, EOFError, ValueError, zlib.error, KeyError, OverflowError) as error:
        raise VoxloopError(
            f"{path.name} is no readable NIfTI file ({_reason(error)}); copy or download it again."
        ) from error
    except HeaderDataError as error:
        raise VoxloopError(
            f"{path.name} has a broken header ({_reason(error)}); write it anew from its source."
        ) from error
    spatial = (*shape[:3], 1, 1)[:3] if len(shape) >= 2 else ()
    if len(shape) not in (2, 3, 4) or not spatial or min(shape) < 1:
        raise VoxloopError(
            f"{path.name} has the shape {'×'.join(map(str, shape))}; a scan has three axes, or four with channels."
        )
    voxels = float(np.prod([float(side) for side in shape]))
    if voxels > MOST_VOXELS or path.stat().st_size < voxels * LEAST_BYTES_PER_VOXEL:
        raise VoxloopError(
            f"{path.name} claims {voxels:.3g} voxels in a file of {path.stat().st_size:,} bytes, which cannot be; its header is damaged."
        )
    if not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) < 1e-9:
        raise VoxloopError(
            f"{path.name} does not say where its voxels are (its affine is not invertible); write it anew from its source."
        )
    _require_whole(path, int(image.dataobj.offset) + int(voxels) * image.get_data_dtype().itemsize)
    channels = shape[3] if len(shape) == 4 else 1
    return Scan(path, Geometry((spatial[0], spatial[1], spatial[2]), affine), channels, image.get_data_dtype())


def _require_whole(path: Path, expected: int) -> None:
    """Refuses a file that ends before its voxels do, without reading it where its last bytes tell.

    gzip ends with the unpacked size. Only where that disagrees, which a file packed in several members may, is it unpacked.
    """
    with path.open("rb") as file:
        if file.read(2) != b"\x1f\x8b":
            there = path.stat().st_size
        else:
            file.seek(-4, 2)
            if int.from_bytes(file.read(4), "little") == expected % 2**32:
                return
            there = _unpacked_size(path, expected)
    if there < expected:
        raise VoxloopError(
            f"{path.name} is cut off: {there:,} of {expected:,} bytes are there; copy or download it again."
        )


def _unpacked_size(path: Path, enough: int) -> int:
    """How many bytes unpack before the file ends or breaks, in bounded memory."""
    import gzip

    size = 0
    try:
        with gzip.open(path) as file:
            while size < enough and (chunk := file.read(1 << 20)):
                size += len(chunk)
    except (OSError, EOFError, zlib.error):
        pass
    return size


def open_labels(path: Path, like: Geometry, tolerance_mm: float = 0.5) -> Labels:
    """Opens a label file, and refuses one that does not lie on its scan."""
    scan = open_scan(path)
    require_same_grid(path.name, scan.geometry, like, tolerance_mm)
    return Labels(scan)


def require_same_grid(name: str, labels: Geometry, scan: Geometry, tolerance_mm: float = 0.5) -> None:
    """One sentence about how a label's grid differs from its scan's, if it does."""
    if labels.shape != scan.shape:
        raise VoxloopError(
            f"{name}: the label has {_sides(labels.shape)} voxels and the scan {_sides(scan.shape)}; export the label on the scan's own grid."
        )
    apart = labels.distance_mm(scan)
    if apart > tolerance_mm:
        raise VoxloopError(
            f"{name}: the label lies up to {apart:.1f} mm away from the scan (label {labels!r}, scan {scan!r}); "
            "export the label on the scan's own grid."
        )


def _sides(shape: tuple[int, int, int]) -> str:
    return "×".join(map(str, shape))


def _reason(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:120] if lines else type(error).__name__
