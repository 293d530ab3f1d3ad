"""How likely each class or region is at each voxel of a scan: held on the models' grids, on disk, and carried over when asked for."""

from __future__ import annotations

import json
import tempfile
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from voxloop.data.formats import headers
from voxloop.data.geometry import Geometry
from voxloop.data.grid import values_on_grid
from voxloop.data.scans import NIFTI
from voxloop.data.whole import whole
from voxloop.errors import VoxloopError

if TYPE_CHECKING:
    import torch

Progress = Callable[[int, int, str], None]
Values = npt.NDArray[np.float32]
# A probability is written as a whole number of these parts: finer than any network is sure, and half the size of a float.
PARTS = 65535


class Spool:
    """The channels of one grid in a passing file, written slab by slab and read channel by channel."""

    def __init__(self, channels: int, shape: tuple[int, int, int], affine: npt.NDArray[np.float64], axis: int) -> None:
        self.affine = affine
        self._channels, self._shape, self._axis = channels, shape, axis
        self._file = tempfile.TemporaryFile(prefix="voxloop-probabilities-")  # noqa: SIM115  # as long as this lives
        weakref.finalize(self, self._file.close)

    def write(self, start: int, probabilities: torch.Tensor) -> None:
        """A slab [channel, i, j, k] that begins at `start` along the axis."""
        along = self._shape[self._axis]
        plane = 4 * int(np.prod(self._shape)) // along
        try:
            for channel, values in enumerate(probabilities.cpu().numpy()):
                self._file.seek((channel * along + start) * plane)
                self._file.write(np.moveaxis(values, self._axis, 0).astype(np.float32, copy=False).tobytes())
            self._file.flush()
        except OSError as error:
            raise VoxloopError(
                f"Probabilities wait in {tempfile.gettempdir()}, which cannot be written ({error.strerror or error}); "
                "free some space there, or let TMPDIR name another folder."
            ) from error

    def channel(self, number: int) -> Values:
        """One channel of the whole grid, [i, j, k]."""
        others = [side for axis, side in enumerate(self._shape) if axis != self._axis]
        voxels = int(np.prod(self._shape))
        self._file.seek(4 * number * voxels)
        stored = np.fromfile(self._file, np.float32, voxels).reshape(self._shape[self._axis], *others)
        return np.moveaxis(stored, 0, self._axis)


@dataclass(frozen=True, slots=True, eq=False)
class Probabilities:
    """One map a channel on the scan's grid, the mean over all models."""

    names: tuple[str, ...]
    geometry: Geometry
    # What was averaged on one grid, and how many models that were.
    spools: tuple[tuple[Spool, int], ...]
    unseen: tuple[float, ...]

    def slabs(self, number: int) -> Iterator[tuple[slice, Values]]:
        """A channel as slabs along the scan's last axis."""
        count = sum(models for _, models in self.spools)
        carried = [
            values_on_grid(spool.channel(number), spool.affine, self.geometry, self.unseen[number])
            for spool, _ in self.spools
        ]
        for parts in zip(*carried, strict=True):
            if len(parts) == 1:
                yield parts[0]
                continue
            total = sum(
                values * np.float32(models / count) for (_, values), (_, models) in zip(parts, self.spools, strict=True)
            )
            yield parts[0][0], np.asarray(total, dtype=np.float32)

    def channel(self, number: int) -> Values:
        """A channel as a whole."""
        values = np.empty(self.geometry.shape, np.float32)
        for rows, slab in self.slabs(number):
            values[..., rows] = slab
        return values


def write_probabilities(probabilities: Probabilities, scan: Path, path: Path, progress: Progress | None = None) -> Path:
    """Writes a .nii.gz of [i, j, k, channel] with the scan's own header, and the channels' names in an extension of it.

    The file is written as it is computed, one channel after the other, and is never in memory as a whole.
    """
    import gzip

    header = _header(probabilities, scan)
    order = np.dtype(np.uint16).newbyteorder(header.endianness)
    names = probabilities.names
    with whole(path, "free some space or choose another --out") as partial:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Most voxels are sure, and pack well at the quickest level too.
        with partial.open("wb") as file, gzip.GzipFile("", "wb", 1, file, mtime=0) as packed:
            header.write_to(packed)
            packed.write(bytes(int(header["vox_offset"]) - packed.tell()))
            for number, name in enumerate(names):
                for rows, values in probabilities.slabs(number):
                    parts = np.rint(values.clip(0, 1) * np.float32(PARTS)).astype(order)
                    packed.write(parts.tobytes(order="F"))
                    if progress is not None:
                        done = number + rows.stop / probabilities.geometry.shape[2]
                        progress(int(1000 * done / len(names)), 1000, name)
    return path


def _header(probabilities: Probabilities, scan: Path) -> Any:
    import nibabel as nib

    shape = (*probabilities.geometry.shape, len(probabilities.names))
    if scan.name.lower().endswith(NIFTI):
        header = nib.load(scan).header.copy()
    else:
        # As it would be of voxels of this shape, of which there are none yet.
        like = np.broadcast_to(np.uint16(0), shape)
        header = nib.Nifti1Header(headers.nifti(scan, like, probabilities.geometry)[:348])
    header.set_data_dtype(np.uint16)
    header.set_data_shape(shape)
    header["pixdim"][4] = 1
    header.set_slope_inter(1 / PARTS, 0)
    header["cal_min"], header["cal_max"] = 0, 1
    header["descrip"] = b"voxloop probabilities, not a medical device"
    header["vox_offset"] = 0
    meaning = json.dumps({"channels": dict(enumerate(probabilities.names))}, ensure_ascii=False)
    header.extensions.append(nib.nifti1.Nifti1Extension("comment", meaning.encode()))
    return header
