"""A label map as a file; the ending of its name says which format."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from voxloop import __version__
from voxloop.data.formats.writing import write_volume
from voxloop.data.whole import make_folder
from voxloop.errors import VoxloopError
from voxloop.inference.saving import nifti
from voxloop.inference.saving.slices import slices_of

if TYPE_CHECKING:
    from voxloop.inference.predict import Prediction

# The longest first: `.seg.nrrd` is no `.nrrd`.
ENDINGS = (".nii.gz", ".nii", ".seg.nrrd", ".nrrd", ".mha", ".dcm")
Progress = Callable[[int, int, str], None]


def save(
    prediction: Prediction,
    path: Path,
    *,
    slices: Sequence[Path] = (),
    model: str = "",
    progress: Progress | None = None,
) -> Path:
    """Writes uint8 labels and their names.

    A scan in NIfTI gives its own header to a NIfTI file: both matrices, their codes and the units. A `.dcm` file is a DICOM
    segmentation that refers to the scan's `slices` (of one in DICOM they are found beside it) and says which `model` made it.
    MetaImage has no place for names.
    """
    ending = next((ending for ending in ENDINGS if path.name.lower().endswith(ending)), None)
    if ending is None:
        raise VoxloopError(f"{path.name} has no ending that can be written; let it end in {', '.join(ENDINGS)}.")
    labels, geometry = prediction.labels, prediction.geometry
    if labels.ndim == 4 and ending in (".dcm", ".seg.nrrd"):
        what = "a DICOM segmentation" if ending == ".dcm" else "a segmentation of 3D Slicer"
        raise VoxloopError(
            f"{path.name}: {what} holds one label map, and this scan has {labels.shape[3]} volumes; save as .nii.gz or .nrrd."
        )
    if ending == ".dcm":
        slices = slices or slices_of(prediction.scan)
    make_folder(path.parent)
    names = {value: name for value, name in enumerate(prediction.classes) if value}
    if ending in (".nii.gz", ".nii"):
        nifti.write(path, labels, prediction.scan, geometry, {"labels": dict(enumerate(prediction.classes))})
    elif ending == ".dcm":
        from voxloop.data.dicom import Maker, write_segmentation

        # A bundle folder has no version that is known here.
        name, _, version = model.partition(":")
        maker = Maker(name or "unnamed model", version or "unknown", __version__)
        write_segmentation(path, labels, geometry, names, slices, maker, progress=progress)
    elif ending == ".mha":
        write_volume(path, labels, geometry, progress=progress)
    else:
        write_volume(path, labels, geometry, names=names, progress=progress)
    return path
