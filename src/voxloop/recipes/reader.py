"""The door for MONAI's LoadImage to every format that voxloop opens: `"reader": "voxloop.recipes.reader.VolumeReader"`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from monai.config import PathLike
from monai.data.image_reader import ImageReader, NibabelReader
from monai.data.utils import is_no_channel
from monai.utils import MetaKeys, SpaceKeys, ensure_tuple

from voxloop.data.scans import ENDINGS, Scan, open_scan, require_same_grid
from voxloop.errors import VoxloopError

NIFTI = (".nii", ".nii.gz")
Loaded = tuple[npt.NDArray[Any], dict[str, Any]]


class VolumeReader(ImageReader):  # type: ignore[misc]  # MONAI has no types
    """Opens volumes through `open_scan`; channels are last, and several files are stacked as MONAI's readers do.

    A NIfTI file, once it is believed, is read by NibabelReader itself: where a header disagrees with itself MONAI mends it in a
    way of its own, and a bundle that predicts without voxloop has to see what it was trained on.
    """

    def verify_suffix(self, filename: Sequence[PathLike] | PathLike) -> bool:
        return all(str(name).lower().endswith(ENDINGS) for name in ensure_tuple(filename))

    def read(self, data: Sequence[PathLike] | PathLike, **kwargs: Any) -> tuple[Path, ...]:
        """The paths alone. Where `read` fails, LoadImage tries its other readers, and one of them may take what we refuse."""
        return tuple(Path(str(name)) for name in ensure_tuple(data))

    def get_data(self, img: Sequence[Path]) -> Loaded:
        """The voxels and where they lie, under MONAI's names."""
        scans = [open_scan(path) for path in img]
        for scan in scans[1:]:
            require_same_grid(scan.path.name, scan.geometry, scans[0].geometry, what="channel", of="first one")
        loaded = [_nifti(scan) if scan.path.name.lower().endswith(NIFTI) else _other(scan) for scan in scans]
        voxels, meta = loaded[0]
        if len(loaded) == 1:
            return voxels, meta
        arrays = [voxels for voxels, _ in loaded]
        if len({array.ndim for array in arrays}) > 1:
            raise VoxloopError(f"{scans[0].path.name} and the files beside it differ in their channels; name one kind.")
        if is_no_channel(meta[MetaKeys.ORIGINAL_CHANNEL_DIM]):
            return np.stack(arrays), {**meta, MetaKeys.ORIGINAL_CHANNEL_DIM: 0}
        return np.concatenate(arrays, axis=-1), meta


def _nifti(scan: Scan) -> Loaded:
    reader = NibabelReader()
    voxels, meta = reader.get_data(reader.read(scan.path))
    # torch takes no other byte order.
    return voxels.astype(voxels.dtype.newbyteorder("="), copy=False), meta


def _other(scan: Scan) -> Loaded:
    # As NIfTI holds it: MONAI's Spacing may place its grid elsewhere for a last digit that differs between a scan and its label.
    affine = scan.geometry.affine.astype(np.float32).astype(np.float64)
    return scan.array(), {
        MetaKeys.AFFINE: affine,
        MetaKeys.ORIGINAL_AFFINE: affine.copy(),
        MetaKeys.SPATIAL_SHAPE: np.asarray(scan.geometry.shape),
        MetaKeys.SPACE: SpaceKeys.RAS,
        MetaKeys.ORIGINAL_CHANNEL_DIM: float("nan") if scan.channels == 1 else -1,
    }
