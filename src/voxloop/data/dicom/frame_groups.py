"""Where each frame of a segmentation lies, what it shows, and which slice of the scan it was derived from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from voxloop.data.dicom.origin import Instance, Origin


@dataclass(frozen=True, slots=True)
class Frame:
    """The pixels of one value in one slice of the grid; `segment` counts the classes from 1."""

    segment: int
    value: int
    k: int


def frame_groups(frames: Sequence[Frame], origin: Origin) -> list[Any]:
    """What each frame says of itself."""
    # What a slice says is the same for every class in it, and made once.
    slices = {k: _slice(k, number, origin) for number, k in enumerate(sorted({frame.k for frame in frames}), 1)}
    return [_frame(frame, slices[frame.k]) for frame in frames]


def shared_groups(origin: Origin) -> Any:
    """How the frames of an object lie and how far apart they are, which is the same for all."""
    import highdicom as hd

    plane = origin.plane
    # From slice to slice along the normal, as DICOM means it: a tilted gantry's own step is longer.
    between = abs(float(origin.step @ plane.normal))
    return item(
        PlaneOrientationSequence=hd.PlaneOrientationSequence("PATIENT", (*plane.along_row, *plane.along_column)),
        PixelMeasuresSequence=hd.PixelMeasuresSequence(plane.pixel_mm, plane.thickness_mm or between, between),
    )


@dataclass(frozen=True, slots=True)
class _Slice:
    """A slice's number among those that have frames, where it lies, and what it is derived from."""

    number: int
    position: Any
    derivation: list[Any]


def _slice(k: int, number: int, origin: Origin) -> _Slice:
    import highdicom as hd

    position = hd.PlanePositionSequence("PATIENT", origin.position_of(k))
    if k not in origin.shown:
        # It was interpolated, and is derived from no file that could be named.
        return _Slice(number, position, [])
    derived = item(
        DerivationCodeSequence=[hd.sr.CodedConcept("113076", "DCM", "Segmentation")],
        SourceImageSequence=[_shown(one) for one in origin.shown[k]],
    )
    return _Slice(number, position, [derived])


def _frame(frame: Frame, where: _Slice) -> Any:
    return item(
        FrameContentSequence=[item(DimensionIndexValues=[frame.segment, where.number])],
        PlanePositionSequence=where.position,
        DerivationImageSequence=where.derivation,
        SegmentIdentificationSequence=[item(ReferencedSegmentNumber=frame.segment)],
    )


def _shown(one: Instance) -> Any:
    import highdicom as hd
    from pydicom.sr.codedict import codes

    source = reference(one)
    if one.frame is not None:
        source.ReferencedFrameNumber = one.frame
    source.PurposeOfReferenceCodeSequence = [
        hd.sr.CodedConcept.from_code(codes.DCM.SourceImageForImageProcessingOperation)
    ]
    source.SpatialLocationsPreserved = "YES"
    return source


def reference(one: Instance) -> Any:
    """A file of the source, as DICOM names it."""
    return item(ReferencedSOPClassUID=one.sop_class, ReferencedSOPInstanceUID=one.uid)


def item(**elements: Any) -> Any:
    """An item of a sequence."""
    from pydicom.dataset import Dataset

    made = Dataset()
    for keyword, value in elements.items():
        setattr(made, keyword, value)
    return made
