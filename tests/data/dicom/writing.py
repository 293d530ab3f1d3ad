"""Writes DICOM from small arrays, as scanners, planning systems and segmentation tools would."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import UID, ExplicitVRLittleEndian, generate_uid
from pydicom.valuerep import format_number_as_ds

from tests.data.test_grid import SHAPE

Affine = npt.NDArray[np.float64]
Change = Callable[[Dataset, int], None]

CT = "1.2.840.10008.5.1.4.1.1.2"
MR = "1.2.840.10008.5.1.4.1.1.4"
ENHANCED_CT = "1.2.840.10008.5.1.4.1.1.2.1"
RTSTRUCT = "1.2.840.10008.5.1.4.1.1.481.3"
LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
FRAME = "1.2.826.0.1.3680043.8.498.77"
STUDY = "1.2.826.0.1.3680043.8.498.78"


def some_hu(seed: int = 0, shape: tuple[int, int, int] = SHAPE) -> npt.NDArray[np.int16]:
    """Values of which no two are alike, so that each voxel is known by its own."""
    values = np.random.default_rng(seed).permutation(np.prod(shape)) - 500
    return values.reshape(shape).astype(np.int16)


def ds(*values: float) -> list[str]:
    return [format_number_as_ds(float(value)) for value in values]


def shown(affine: Affine) -> tuple[npt.NDArray[np.float64], list[str], list[str]]:
    """The same affine in LPS, and how DICOM writes its in-plane part: orientation and pixel spacing."""
    lps = LPS @ affine
    across, down = np.linalg.norm(lps[:3, 0]), np.linalg.norm(lps[:3, 1])
    return lps, ds(*(lps[:3, 0] / across), *(lps[:3, 1] / down)), ds(float(down), float(across))


def header(modality: str = "CT", sop_class: str = CT, series: str = "") -> Dataset:
    """What every object says of its patient, study and series."""
    one = Dataset()
    one.SOPClassUID = sop_class
    one.SOPInstanceUID = generate_uid()
    one.StudyInstanceUID = STUDY
    one.SeriesInstanceUID = series or generate_uid()
    one.PatientName = "Doe^Jane"
    one.PatientID = "secret-7"
    one.PatientBirthDate = "19700101"
    one.Modality = modality
    one.SeriesDescription = "abdomen"
    one.SeriesNumber = "3"
    one.FrameOfReferenceUID = FRAME
    one.StudyID = one.StudyDate = one.StudyTime = one.AccessionNumber = one.PatientSex = ""
    return one


def pixels_of(one: Dataset, frames: npt.NDArray[Any], stored: int | None = None) -> None:
    """Puts [frame, row, column] or [row, column] into an object, with everything that describes it."""
    one.Rows, one.Columns = frames.shape[-2:]
    one.SamplesPerPixel = 1
    one.PhotometricInterpretation = "MONOCHROME2"
    one.BitsAllocated = frames.dtype.itemsize * 8
    one.BitsStored = stored or one.BitsAllocated
    one.HighBit = one.BitsStored - 1
    one.PixelRepresentation = int(frames.dtype.kind == "i")
    data = frames.tobytes()
    one.add_new("PixelData", "OW", data + b"\0" * (len(data) % 2))


def save(one: Dataset, path: Path, syntax: str = ExplicitVRLittleEndian) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    one.file_meta = FileMetaDataset()
    one.file_meta.MediaStorageSOPClassUID = one.SOPClassUID
    one.file_meta.MediaStorageSOPInstanceUID = one.SOPInstanceUID
    one.file_meta.TransferSyntaxUID = UID(syntax)
    one.save_as(path, enforce_file_format=True)
    return path


def write_series(
    folder: Path,
    stored: npt.NDArray[Any],
    affine: Affine,
    change: Change | None = None,
    name: Callable[[int], str] = "slice_{:03d}".format,
    series: str = "",
    syntax: str = ExplicitVRLittleEndian,
    bits: int | None = None,
    **values: Any,
) -> list[Path]:
    """One file per k of the stored values [i, j, k]; `change` may alter each before it is written."""
    lps, orientation, spacing = shown(affine)
    series = series or generate_uid()
    files = []
    for k in range(stored.shape[2]):
        one = header(series=series)
        one.InstanceNumber = k + 1
        one.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        one.ImageOrientationPatient = orientation
        one.PixelSpacing = spacing
        one.ImagePositionPatient = ds(*(lps @ (0, 0, k, 1))[:3])
        # Lies, as it often does: neither may decide on the geometry.
        one.SliceThickness = "1.25"
        one.RescaleSlope, one.RescaleIntercept = "1", "0"
        pixels_of(one, np.ascontiguousarray(stored[:, :, k].T), bits)
        for keyword, value in values.items():
            setattr(one, keyword, value)
        if change:
            change(one, k)
        files.append(save(one, folder / name(k), syntax))
    return files


def write_enhanced(
    path: Path,
    stored: npt.NDArray[Any],
    affine: Affine,
    times: int = 1,
    series: str = "",
    change: Callable[[Dataset], None] | None = None,
    syntax: str = ExplicitVRLittleEndian,
    **values: Any,
) -> Path:
    """One file of many frames from [i, j, k] or [i, j, k, time], the last slice first."""
    volumes = stored.reshape(*stored.shape[:3], times)
    lps, orientation, spacing = shown(affine)
    one = header(sop_class=ENHANCED_CT, series=series)
    one.InstanceNumber = 1
    shared = Dataset()
    turn, measures = Dataset(), Dataset()
    turn.ImageOrientationPatient = orientation
    measures.PixelSpacing, measures.SliceThickness = spacing, "1.25"
    shared.PlaneOrientationSequence, shared.PixelMeasuresSequence = Items([turn]), Items([measures])
    one.SharedFunctionalGroupsSequence = Items([shared])
    frames, groups = [], []
    for time in range(times):
        for k in reversed(range(stored.shape[2])):
            place, scale, content, group = Dataset(), Dataset(), Dataset(), Dataset()
            place.ImagePositionPatient = ds(*(lps @ (0, 0, k, 1))[:3])
            scale.RescaleSlope, scale.RescaleIntercept = "2", str(k)
            content.TemporalPositionIndex, content.InStackPositionNumber = time + 1, k + 1
            group.PlanePositionSequence = Items([place])
            group.PixelValueTransformationSequence = Items([scale])
            group.FrameContentSequence = Items([content])
            groups.append(group)
            frames.append(volumes[:, :, k, time].T)
    one.PerFrameFunctionalGroupsSequence = Items(groups)
    one.NumberOfFrames = len(frames)
    pixels_of(one, np.stack(frames))
    for keyword, value in values.items():
        setattr(one, keyword, value)
    one.file_meta = FileMetaDataset()
    one.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    if change:
        change(one)
    return save(one, path, syntax)


def write_structures(
    path: Path,
    contours: Mapping[str, Sequence[npt.NDArray[np.float64]]],
    series: str = "",
    frame: str = FRAME,
    kind: str = "CLOSED_PLANAR",
) -> Path:
    """A structure set from contours as corners in RAS millimetres."""
    one = header("RTSTRUCT", RTSTRUCT)
    referenced, study, space = Dataset(), Dataset(), Dataset()
    referenced.SeriesInstanceUID = series
    study.RTReferencedSeriesSequence = Items([referenced] if series else [])
    space.FrameOfReferenceUID = frame
    space.RTReferencedStudySequence = Items([study])
    one.ReferencedFrameOfReferenceSequence = Items([space])
    said, drawn = [], []
    for number, (name, corners) in enumerate(contours.items(), 1):
        roi, shape = Dataset(), Dataset()
        roi.ROINumber, roi.ROIName, roi.ReferencedFrameOfReferenceUID = number, name, frame
        shape.ReferencedROINumber = number
        shape.ContourSequence = Items()
        for points in corners:
            contour = Dataset()
            contour.ContourGeometricType = kind
            contour.NumberOfContourPoints = len(points)
            contour.ContourData = ds(*(points * (-1, -1, 1)).ravel())
            shape.ContourSequence.append(contour)
        said.append(roi)
        drawn.append(shape)
    one.StructureSetROISequence, one.ROIContourSequence = Items(said), Items(drawn)
    return save(one, path)
