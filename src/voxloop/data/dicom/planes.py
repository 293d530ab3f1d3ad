"""Planes: where each slice of a file lies in the patient, for files of one slice and of many."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from voxloop.data.dicom.values import first, items, number, numbers, text, whole
from voxloop.errors import VoxloopError

Vector = npt.NDArray[np.float64]
Triple = tuple[float, float, float]

# Direction cosines are written with six digits or more; what is further from a right angle or a length of one is no rotation.
CROOKED = 1e-2
FURTHEST_MM = 1e6


@dataclass(frozen=True, slots=True)
class Plane:
    """One slice as its header places it, in DICOM's LPS millimetres.

    `along_row` is where the column index grows, `along_column` where the row index grows; `pixel_mm` holds the distances between
    rows and between columns, in that order, as DICOM does. `between_mm` and `thickness_mm` are what the header
    says of its neighbours (0 where it says nothing), for a lone slice. `contrast` is what may tell slices at one position apart.
    """

    file: Path
    frame: int
    instance: int
    rows: int
    columns: int
    position: Triple
    along_row: Triple
    along_column: Triple
    pixel_mm: tuple[float, float]
    between_mm: float
    thickness_mm: float
    slope: float
    intercept: float
    contrast: tuple[str, ...]
    segment: int = 0

    @property
    def normal(self) -> Vector:
        """Across the slice: rows × columns, as DICOM counts slices."""
        return np.cross(self.along_row, self.along_column)


# What `Plane.contrast` holds, in this order. The first two are never mixed in one scan; the others only matter where
# slices lie at the same position, for a trigger time may also just grow from slice to slice.
CONTRASTS = ("echo", "b-value", "image type", "temporal position", "acquisition", "diffusion direction", "trigger time")
NEVER_MIXED = 2


def planes_of(path: Path, elements: Any) -> tuple[Plane, ...] | str:
    """The slices of a file in the order of its frames, or why it has no place in the patient."""
    rows, columns = whole(elements, "Rows"), whole(elements, "Columns")
    frames = max(whole(elements, "NumberOfFrames", 1), 1)
    per_frame = items(elements, "PerFrameFunctionalGroupsSequence")
    shared = first(elements, "SharedFunctionalGroupsSequence")
    if not per_frame and shared is None:
        if frames > 1:
            return "holds many frames and does not say where each lies"
        return _plane(path, 0, rows, columns, elements, (elements,) * len(GROUPS))
    if len(per_frame) != frames:
        raise VoxloopError(
            f"{path.name} claims {frames:,} frames and describes {len(per_frame):,}; its header is damaged, get it again."
        )
    planes: list[Plane] = []
    for index, groups in enumerate(per_frame):
        read = _plane(path, index, rows, columns, elements, tuple(_group(groups, shared, *names) for names in GROUPS))
        if isinstance(read, str):
            return read
        planes += read
    return tuple(planes)


GROUPS = (
    ("PlanePositionSequence",),
    ("PlaneOrientationSequence",),
    ("PixelMeasuresSequence",),
    ("PixelValueTransformationSequence",),
    ("FrameContentSequence",),
    ("MREchoSequence",),
    ("MRDiffusionSequence",),
    ("MRImageFrameTypeSequence", "CTImageFrameTypeSequence", "PETFrameTypeSequence"),
    ("SegmentIdentificationSequence",),
)


def _group(groups: Any, shared: Any, *names: str) -> Any:
    """A functional group: the frame's own, or the one that all frames share."""
    for where in (groups, shared):
        for name in names:
            if (found := first(where, name)) is not None:
                return found
    return None


def _plane(
    path: Path, frame: int, rows: int, columns: int, top: Any, groups: tuple[Any, ...]
) -> tuple[Plane, ...] | str:
    place, turn, measures, values, content, echo, diffusion, kind, segment = groups
    position = numbers(place, "ImagePositionPatient", 3)
    cosines = numbers(turn, "ImageOrientationPatient", 6)
    pixel = numbers(measures, "PixelSpacing", 2)
    if position is None or cosines is None:
        return "does not say where it lies in the patient"
    if max(map(abs, position)) > FURTHEST_MM:
        return "claims to lie a kilometre away"
    if pixel is None or not 0 < min(pixel) <= max(pixel) < FURTHEST_MM:
        return "does not say how large its pixels are"
    row, column = np.array(cosines[:3]), np.array(cosines[3:])
    lengths = np.linalg.norm(row), np.linalg.norm(column)
    if max(abs(lengths[0] - 1), abs(lengths[1] - 1), abs(row @ column)) > CROOKED:
        return "has rows and columns at no right angle"
    slope, intercept = number(values, "RescaleSlope"), number(values, "RescaleIntercept")
    direction = first(diffusion, "DiffusionGradientDirectionSequence")
    return (
        Plane(
            path,
            frame,
            whole(top, "InstanceNumber") if top is content else whole(content, "InStackPositionNumber", frame),
            rows,
            columns,
            (position[0], position[1], position[2]),
            _triple(row / lengths[0]),
            _triple(column / lengths[1]),
            (pixel[0], pixel[1]),
            abs(number(measures, "SpacingBetweenSlices") or 0.0),
            abs(number(measures, "SliceThickness") or 0.0),
            1.0 if slope is None else slope,
            0.0 if intercept is None else intercept,
            (
                _joined(text(top, "EchoNumbers"), text(echo, "EchoTime") or text(echo, "EffectiveEchoTime")),
                text(diffusion, "DiffusionBValue"),
                text(top, "ImageType") if top is content else text(kind, "FrameType"),
                _joined(text(content, "TemporalPositionIdentifier"), text(content, "TemporalPositionIndex")),
                _joined(text(top, "AcquisitionNumber"), text(content, "FrameAcquisitionNumber")),
                text(top, "DiffusionGradientOrientation") or text(direction, "DiffusionGradientOrientation"),
                text(top, "TriggerTime"),
            ),
            whole(segment, "ReferencedSegmentNumber"),
        ),
    )


def _joined(*parts: str) -> str:
    return " ".join(part for part in parts if part)


def _triple(vector: Vector) -> Triple:
    x, y, z = vector.tolist()
    return x, y, z
