"""A volume as it is logged: a scan, and label maps on its grid, each stored once by its content."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from voxloop.data.geometry import Geometry
from voxloop.data.scans import NIFTI, open_scan, require_same_grid
from voxloop.errors import VoxloopError
from voxloop.store.contents.arrays import packed
from voxloop.store.contents.crops import crop
from voxloop.tracking.media.labels import class_names, label_map
from voxloop.tracking.media.protocol import Known, register
from voxloop.tracking.media.snapshot import File, opened, sides, viewed
from voxloop.tracking.params import text

if TYPE_CHECKING:
    from voxloop.store.blobs import Blobs

Content = File | npt.NDArray[Any]


@register
class Volume:
    """A scan with layers over it.

        vx.Volume("spleen_12.nii.gz", layers={"truth": truth, "prediction": labels}, classes={1: "spleen"})

    A NIfTI file is kept byte for byte; with `reference=True` it stays where it is, and only its path and digest are kept. Of
    another format (NRRD, MetaImage, a `.volume.json`) the voxels are kept. An array (numpy, torch, MetaTensor) needs `affine`,
    the 4×4 matrix from voxel index to RAS millimetres, unless it brings its own; without one, voxels are 1 mm and RAS.
    `channels` says what the channels of an MRI are called; an array of several has them on its first axis, as MONAI's do.
    """

    kind: ClassVar[str] = "volume"

    def __init__(
        self,
        image: str | Path | Any,
        layers: Mapping[str, str | Path | Any] | None = None,
        classes: Mapping[int, str] | None = None,
        affine: npt.ArrayLike | None = None,
        reference: bool = False,
        channels: Sequence[str] | None = None,
    ) -> None:
        if reference and not isinstance(image, str | Path):
            raise VoxloopError("reference=True refers to the scan's file, and this scan is an array; give its path.")
        if reference and not str(image).lower().endswith(NIFTI):
            raise VoxloopError(
                f"{Path(image).name} is no NIfTI file, which is what browsers read; leave reference=True away, and its voxels are kept."
            )
        self.reference = reference
        self.channels = tuple(text(name) for name in channels or ())
        content, self.geometry, self._dtype, count = _content(image, affine, len(self.channels))
        if self.channels and len(self.channels) != count:
            named = f"{len(self.channels)} {'is' if len(self.channels) == 1 else 'are'}"
            raise VoxloopError(
                f"The scan has {count} channel{'s' if count > 1 else ''}, and {named} named ({', '.join(self.channels)}); name each of them once."
            )
        # An array that is the caller's is copied here, and a layer below, where it becomes a label map.
        self.image: Content = content if isinstance(content, File) else content.array(copy=True)
        self.classes = class_names(classes)
        self.layers: dict[str, Content] = {}
        for name, layer in (layers or {}).items():
            # A layer that brings its own affine is held to it; a bare array lies on the scan's grid.
            found, geometry, _, count = _content(layer, None if hasattr(layer, "affine") else self.geometry.affine)
            if count > 1:
                raise VoxloopError(f'The layer "{name}" has {count} channels, and a label map has one; give that.')
            if not isinstance(found, File) and geometry.shape != self.geometry.shape:
                raise VoxloopError(
                    f'The layer "{name}" has {sides(geometry.shape)} voxels, and the scan is {self.geometry!r}; '
                    "bring it onto the scan's grid."
                )
            require_same_grid(f"layer {name}", geometry, self.geometry)
            self.layers[text(name)] = (
                found if isinstance(found, File) else label_map(text(name), found.array(copy=False))
            )

    @property
    def nbytes(self) -> int:
        return self.image.nbytes + sum(layer.nbytes for layer in self.layers.values())

    def __repr__(self) -> str:
        size = self.image.size if isinstance(self.image, File) else self.image.nbytes
        lazy = ", lazy" if isinstance(self.image, File) else ""
        inside = repr(self.geometry).removeprefix("Geometry(").removesuffix(")")
        return f"Volume({inside}, {self._dtype}, {size / 1e6:.0f} MB{lazy})"

    def store(self, blobs: Blobs, known: Known | None = None) -> dict[str, Any]:
        """Puts scan and layers into the blob store and answers with what names them.

        `known` remembers the digests of files between calls, so that the same scan is not read again each epoch.
        """
        known = {} if known is None else known
        return {
            "image": self._stored(self.image, "image", blobs, known),
            "layers": [{"name": name, **self._layer(layer, name, blobs, known)} for name, layer in self.layers.items()],
            "classes": {str(number): name for number, name in self.classes.items()},
            **({"channels": list(self.channels)} if self.channels else {}),
            "geometry": {
                "shape": list(self.geometry.shape),
                "affine": self.geometry.affine.tolist(),
                "spacing_mm": list(self.geometry.spacing_mm),
                "orientation": self.geometry.orientation,
            },
        }

    def _layer(self, content: Content, name: str, blobs: Blobs, known: Known) -> dict[str, Any]:
        """A label map, cropped to what is marked: a scan of its own, in its own place. A file stays as it is."""
        if isinstance(content, File):
            return self._stored(content, name, blobs, known)
        box, start = crop(content)
        affine = self.geometry.affine.copy()
        affine[:3, 3] += affine[:3, :3] @ start
        placed = Geometry((box.shape[0], box.shape[1], box.shape[2]), affine)
        return {**_encoded(box, placed, f"{name}.nii.gz", blobs, known), "start": list(start)}

    def _stored(self, content: Content, name: str, blobs: Blobs, known: Known) -> dict[str, Any]:
        if not isinstance(content, File):
            return _encoded(content, self.geometry, f"{name}.nii.gz", blobs, known)
        if self.reference:
            return _referred(content, known)
        return content.store(blobs, known) if content.path.name.endswith(".gz") else _packed(content, blobs, known)


class _Voxels:
    """The axes of an array that somebody else may still write to: three, and that of the channels where there are several."""

    def __init__(self, voxels: npt.NDArray[Any], fresh: bool) -> None:
        self.voxels = voxels
        self.fresh = fresh

    def array(self, copy: bool) -> npt.NDArray[Any]:
        return self.voxels.copy(order="K") if copy and not self.fresh else self.voxels


def _content(
    given: Any, affine: npt.ArrayLike | None, channels: int = 1
) -> tuple[File | _Voxels, Geometry, np.dtype[Any], int]:
    """What is to be kept, where it lies, of which type it is, and how many channels it has: the last axis of an array."""
    if isinstance(given, str | Path):
        scan = open_scan(Path(given))
        if scan.path.name.lower().endswith(NIFTI):
            return opened(scan.path, "a scan"), scan.geometry, scan.dtype, scan.channels
        voxels = scan.array()
        return _Voxels(voxels, fresh=True), scan.geometry, voxels.dtype, scan.channels
    matrix = affine if affine is not None else getattr(given, "affine", np.eye(4))
    voxels, fresh = viewed(given, "A volume")
    while voxels.ndim > 3 and voxels.shape[0] == 1:
        voxels = voxels[0]
    stacked = voxels.ndim == 4 and channels > 1 and voxels.shape[0] == channels
    if 0 in voxels.shape or not (voxels.ndim == 3 or stacked):
        raise VoxloopError(
            f"A volume has three axes, and this array has the shape {sides(voxels.shape)}; give one channel, "
            "or say with channels=[...] what those on the first axis are called."
        )
    if stacked:
        voxels = np.moveaxis(voxels, 0, -1)
    matrix = np.asarray(matrix.cpu() if hasattr(matrix, "cpu") else matrix, dtype=np.float64)
    if matrix.shape != (4, 4) or not np.isfinite(matrix).all() or abs(np.linalg.det(matrix[:3, :3])) < 1e-9:
        raise VoxloopError(
            "The affine of a volume is an invertible 4×4 matrix from voxel index to RAS millimetres; this one is not."
        )
    geometry = Geometry((voxels.shape[0], voxels.shape[1], voxels.shape[2]), matrix.copy())
    return _Voxels(voxels, fresh), geometry, voxels.dtype, voxels.shape[3] if voxels.ndim == 4 else 1


def _encoded(voxels: npt.NDArray[Any], geometry: Geometry, filename: str, blobs: Blobs, known: Known) -> dict[str, Any]:
    """An array as a file. The same scan comes again each epoch, and is told by its content faster than it is packed."""
    content = hashlib.sha256(np.ascontiguousarray(voxels).data).hexdigest()
    key = ("voxels", content, voxels.dtype.str, voxels.shape, geometry.affine.tobytes())
    length = (*key, "bytes")
    if key not in known or not blobs.renew(known[key]):
        file = _nifti(voxels, geometry)
        known[key], known[length] = blobs.put(file), str(len(file))
    return {"digest": known[key], "bytes": int(known[length]), "filename": filename}


def _packed(file: File, blobs: Blobs, known: Known) -> dict[str, Any]:
    """An unpacked file, gzipped for the browser."""
    key, length = (*file.state, "packed"), (*file.state, "bytes")
    if key not in known or not blobs.renew(known[key]):
        content = gzip.compress(file.read(), 1, mtime=0)
        known[key], known[length] = blobs.put(content), str(len(content))
    return {"digest": known[key], "bytes": int(known[length]), "filename": f"{text(file.path.name)}.gz"}


def _referred(file: File, known: Known) -> dict[str, Any]:
    """A file that stays where it is, known by its digest."""
    key = (*file.state, "reference")
    if key not in known:
        file.require_unchanged()
        with file.path.open("rb") as source:
            known[key] = hashlib.file_digest(source, "sha256").hexdigest()
    return {"digest": known[key], "bytes": file.size, "filename": text(file.path.name), "reference": str(file.path)}


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
    return packed(image.to_bytes()) if voxels.dtype == np.uint8 else gzip.compress(image.to_bytes(), 1, mtime=0)
