"""A volume as it is logged: a scan, and label maps on its grid, each stored once by its content."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from voxloop.data.geometry import Geometry
from voxloop.data.nifti import open_scan, require_same_grid
from voxloop.errors import VoxloopError

if TYPE_CHECKING:
    from voxloop.store.blobs import Blobs

Content = Path | npt.NDArray[Any]


class Volume:
    """A scan with layers over it.

        vx.Volume("spleen_12.nii.gz", layers={"truth": truth, "prediction": labels}, classes={1: "spleen"})

    A file is kept byte for byte. An array (numpy, torch, MetaTensor; a channel axis of one is fine) needs `affine`, the 4×4
    matrix from voxel index to RAS millimetres, unless it brings its own; without one, voxels are 1 mm and RAS.
    """

    kind = "volume"

    def __init__(
        self,
        image: str | Path | Any,
        layers: Mapping[str, str | Path | Any] | None = None,
        classes: Mapping[int, str] | None = None,
        affine: npt.ArrayLike | None = None,
    ) -> None:
        self.image, self.geometry, self._dtype = _content(image, affine)
        self.classes = {int(number): str(name) for number, name in (classes or {}).items()}
        self.layers: dict[str, Content] = {}
        for name, layer in (layers or {}).items():
            # A layer that brings its own affine is held to it; a bare array lies on the scan's grid.
            content, geometry, _ = _content(layer, None if hasattr(layer, "affine") else self.geometry.affine)
            if isinstance(content, Path):
                require_same_grid(f"layer {name}", geometry, self.geometry)
            elif geometry.shape != self.geometry.shape:
                sides = "×".join(map(str, geometry.shape))
                raise VoxloopError(
                    f'The layer "{name}" has {sides} voxels, and the scan is {self.geometry!r}; bring it onto the scan\'s grid.'
                )
            else:
                require_same_grid(f"layer {name}", geometry, self.geometry)
                content = _labels(name, content)
            self.layers[name] = content

    def __repr__(self) -> str:
        size = self.image.stat().st_size if isinstance(self.image, Path) else self.image.nbytes
        lazy = ", lazy" if isinstance(self.image, Path) else ""
        inside = repr(self.geometry).removeprefix("Geometry(").removesuffix(")")
        return f"Volume({inside}, {self._dtype}, {size / 1e6:.0f} MB{lazy})"

    @property
    def nbytes(self) -> int:
        return sum(content.nbytes for content in (self.image, *self.layers.values()) if not isinstance(content, Path))

    def store(self, blobs: Blobs, known: dict[tuple[Any, ...], str] | None = None) -> dict[str, Any]:
        """Puts scan and layers into the blob store and answers with what names them.

        `known` remembers the digests of files between calls, so that the same scan is not read again each epoch.
        """
        known = {} if known is None else known
        return {
            "image": _stored(self.image, self.geometry, "image", blobs, known),
            "layers": [
                {"name": name, **_stored(layer, self.geometry, name, blobs, known)}
                for name, layer in self.layers.items()
            ],
            "classes": {str(number): name for number, name in self.classes.items()},
            "geometry": {
                "shape": list(self.geometry.shape),
                "affine": self.geometry.affine.tolist(),
                "spacing_mm": list(self.geometry.spacing_mm),
                "orientation": self.geometry.orientation,
            },
        }


def _content(given: Any, affine: npt.ArrayLike | None) -> tuple[Content, Geometry, np.dtype[Any]]:
    if isinstance(given, str | Path):
        scan = open_scan(Path(given))
        return scan.path, scan.geometry, scan.dtype
    matrix = affine if affine is not None else getattr(given, "affine", np.eye(4))
    voxels = np.asarray(given.detach().cpu() if hasattr(given, "detach") else given)
    while voxels.ndim > 3 and voxels.shape[0] == 1:
        voxels = voxels[0]
    if voxels.dtype.kind not in "biuf":
        raise VoxloopError(f"A volume holds numbers, and this array holds {voxels.dtype}; convert it.")
    if voxels.ndim != 3 or 0 in voxels.shape:
        raise VoxloopError(
            f"A volume has three axes, and this array has the shape {'×'.join(map(str, voxels.shape))}; give one channel."
        )
    matrix = np.asarray(matrix.cpu() if hasattr(matrix, "cpu") else matrix, dtype=np.float64)
    if matrix.shape != (4, 4) or not np.isfinite(matrix).all() or abs(np.linalg.det(matrix[:3, :3])) < 1e-9:
        raise VoxloopError(
            "The affine of a volume is an invertible 4×4 matrix from voxel index to RAS millimetres; this one is not."
        )
    return voxels, Geometry((voxels.shape[0], voxels.shape[1], voxels.shape[2]), matrix), voxels.dtype


def _labels(name: str, values: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    whole = values if values.dtype.kind in "biu" else np.rint(values)
    with np.errstate(invalid="ignore"):
        fits = whole.size == 0 or (float(whole.min()) >= 0 and float(whole.max()) <= 255)
    if not fits or (values.dtype.kind == "f" and not np.array_equal(whole, values)):
        raise VoxloopError(
            f'The layer "{name}" is no label map: it holds other values than whole numbers from 0 to 255.'
        )
    return whole.astype(np.uint8)


def _stored(
    content: Content, geometry: Geometry, name: str, blobs: Blobs, known: dict[tuple[Any, ...], str]
) -> dict[str, Any]:
    if isinstance(content, Path):
        stat = content.stat()
        key = (str(content.resolve()), stat.st_size, stat.st_mtime_ns)
        if key not in known or known[key] not in blobs:
            packed = content.name.endswith(".gz")
            known[key] = (
                blobs.put_file(content) if packed else blobs.put(gzip.compress(content.read_bytes(), 1, mtime=0))
            )
        digest = known[key]
        filename = content.name if content.name.endswith(".gz") else f"{content.name}.gz"
    else:
        digest = blobs.put(_nifti(content, geometry))
        filename = f"{name}.nii.gz"
    return {"digest": digest, "filename": filename, "bytes": blobs.path(digest).stat().st_size}


def _nifti(voxels: npt.NDArray[Any], geometry: Geometry) -> bytes:
    import nibabel as nib

    if voxels.dtype == np.bool_:
        voxels = voxels.astype(np.uint8)
    elif voxels.dtype == np.float16:
        voxels = voxels.astype(np.float32)
    elif voxels.dtype.kind in "iu" and voxels.dtype.itemsize == 8:
        # Readers in browsers know no 64-bit integers.
        fits = int(voxels.min()) >= -(2**31) and int(voxels.max()) < 2**31
        voxels = voxels.astype(np.int32 if fits else np.float64)
    elif voxels.dtype.kind == "f" and voxels.dtype.itemsize > 8:
        voxels = voxels.astype(np.float64)
    image = nib.Nifti1Image(voxels, geometry.affine)
    image.header.set_xyzt_units("mm")
    # No time stamp in the archive: equal content is one blob.
    return gzip.compress(image.to_bytes(), 4 if voxels.dtype == np.uint8 else 1, mtime=0)
