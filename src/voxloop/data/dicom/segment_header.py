"""What a segmentation says before its pixels: whose it is, what made it, what each segment means, and where each frame lies.

highdicom writes the modules that say whose an object is and what a segment means.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from voxloop.data.colours import colour_of
from voxloop.data.dicom.codes import coded
from voxloop.data.dicom.origin import Instance, Origin

SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"
EXPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"
# Added to the number of the scan's series, so that a study's list shows segmentations after its scans and in their order.
SERIES_NUMBER = 9000
# What DICOM allows for names and descriptions.
MOST_LETTERS = 64


@dataclass(frozen=True, slots=True)
class Maker:
    """What made a segmentation: a model, its version, and the version of the software that ran it."""

    model: str
    version: str
    software: str


@dataclass(frozen=True, slots=True)
class Frame:
    """The pixels of one value in one slice of the grid; `segment` counts the classes from 1."""

    segment: int
    value: int
    k: int


def header_of(origin: Origin, names: Mapping[int, str], frames: Sequence[Frame], maker: Maker, moment: datetime) -> Any:
    """A whole segmentation but for its pixels."""
    header = _identified(origin, maker, moment)
    header.ImageType = ["DERIVED", "PRIMARY"]
    header.ContentLabel, header.ContentCreatorName = "SEGMENTATION", ""
    filled = f"; {origin.filled} slices are interpolated" if origin.filled else ""
    header.ContentDescription = f"For research, not for diagnosis{filled}"
    header.Rows, header.Columns = origin.plane.rows, origin.plane.columns
    header.SamplesPerPixel, header.PhotometricInterpretation, header.PixelRepresentation = 1, "MONOCHROME2", 0
    header.BitsAllocated, header.BitsStored, header.HighBit = 1, 1, 0
    header.SegmentationType, header.SegmentsOverlap = "BINARY", "NO"
    header.SegmentSequence = [
        _segment(number, label(names[value], value), maker) for number, value in enumerate(sorted(names), 1)
    ]
    header.ReferencedSeriesSequence = _series(origin)
    header.DimensionOrganizationSequence, header.DimensionIndexSequence = _dimensions()
    header.NumberOfFrames = len(frames)
    header.SharedFunctionalGroupsSequence = [_shared(origin)]
    # What a slice says is the same for every class in it, and made once.
    slices = {k: _slice(k, number, origin) for number, k in enumerate(sorted({frame.k for frame in frames}), 1)}
    header.PerFrameFunctionalGroupsSequence = [_frame(frame, slices[frame.k]) for frame in frames]
    return header


def label(name: str, value: int) -> str:
    """A class's name as a segment can have it: one line of 64 letters, in which a backslash would part two values."""
    plain = "".join(letter if letter.isprintable() else " " for letter in name.replace("\\", "/"))
    return _short(" ".join(plain.split()) or f"class {value}")


def _short(text: str) -> str:
    return text if len(text) <= MOST_LETTERS else f"{text[: MOST_LETTERS - 1]}…"


def _identified(origin: Origin, maker: Maker, moment: datetime) -> Any:
    """The patient and the study of the scan, in its own words, and a series of our own."""
    import highdicom as hd

    who = origin.identity
    header: Any = hd.base.SOPClass(
        study_instance_uid=who["StudyInstanceUID"],
        series_instance_uid=hd.UID(),
        series_number=SERIES_NUMBER + origin.series_number,
        sop_instance_uid=hd.UID(),
        sop_class_uid=SEGMENTATION,
        instance_number=1,
        modality="SEG",
        manufacturer="Voxloop",
        manufacturer_model_name="voxloop",
        software_versions=maker.software,
        device_serial_number="none",
        transfer_syntax_uid=EXPLICIT_LITTLE_ENDIAN,
        patient_id=who["PatientID"],
        patient_birth_date=who["PatientBirthDate"],
        patient_sex=who["PatientSex"],
        study_id=who["StudyID"],
        study_date=who["StudyDate"],
        study_time=who["StudyTime"],
        accession_number=who["AccessionNumber"],
        series_description=_short(f"{maker.model} {maker.version}: research, not a medical device"),
        content_qualification="RESEARCH",
        content_date=moment.date(),
        content_time=moment.time(),
        specific_character_set="ISO_IR 192",
    )
    # Set here, for highdicom logs a name that is not in DICOM's form.
    header.PatientName, header.ReferringPhysicianName = who["PatientName"], who["ReferringPhysicianName"]
    header.InstanceCreationDate, header.InstanceCreationTime = header.ContentDate, header.ContentTime
    for keyword, value in who.items():
        if value and keyword not in header:
            setattr(header, keyword, value.split("\\") if "\\" in value else value)
    header.FrameOfReferenceUID = origin.frame_of_reference
    header.PositionReferenceIndicator = who["PositionReferenceIndicator"]
    header.LossyImageCompression = who["LossyImageCompression"] or "00"
    return header


def _segment(number: int, name: str, maker: Maker) -> Any:
    import highdicom as hd
    from pydicom.sr.codedict import codes

    what = coded(name)
    made_by = hd.AlgorithmIdentificationSequence(
        _short(maker.model), codes.DCM.ArtificialIntelligence, _short(maker.version)
    )
    segment: Any = hd.seg.SegmentDescription(
        number,
        name,
        what.category,
        what.type,
        hd.seg.SegmentAlgorithmTypeValues.AUTOMATIC,
        made_by,
        anatomic_regions=None if what.organ is None else [what.organ],
        display_color=hd.color.CIELabColor.from_rgb(*colour_of(number - 1)),
    )
    if what.side is not None:
        side = [hd.sr.CodedConcept.from_code(what.side)]
        if what.organ is None:
            segment.SegmentedPropertyTypeCodeSequence[0].SegmentedPropertyTypeModifierCodeSequence = side
        else:
            segment.AnatomicRegionSequence[0].AnatomicRegionModifierSequence = side
    return segment


def _series(origin: Origin) -> list[Any]:
    """Every file that the scan is made of, by series."""
    files: dict[str, list[Any]] = {}
    for one in origin.instances:
        files.setdefault(one.series, []).append(_reference(one))
    return [_item(SeriesInstanceUID=uid, ReferencedInstanceSequence=those) for uid, those in files.items()]


def _dimensions() -> tuple[list[Any], list[Any]]:
    """Frames are told apart by their segment and their place."""
    import highdicom as hd

    organization = hd.UID()
    index = partial(_item, DimensionOrganizationUID=organization)
    return [_item(DimensionOrganizationUID=organization)], [
        index(
            DimensionIndexPointer=0x0062000B,
            FunctionalGroupPointer=0x0062000A,
            DimensionDescriptionLabel="ReferencedSegmentNumber",
        ),
        index(
            DimensionIndexPointer=0x00200032,
            FunctionalGroupPointer=0x00209113,
            DimensionDescriptionLabel="ImagePositionPatient",
        ),
    ]


def _shared(origin: Origin) -> Any:
    import highdicom as hd

    plane = origin.plane
    # From slice to slice along the normal, as DICOM means it: a tilted gantry's own step is longer.
    between = abs(float(origin.step @ plane.normal))
    return _item(
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
    derived = _item(
        DerivationCodeSequence=[hd.sr.CodedConcept("113076", "DCM", "Segmentation")],
        SourceImageSequence=[_shown(one) for one in origin.shown[k]],
    )
    return _Slice(number, position, [derived])


def _frame(frame: Frame, where: _Slice) -> Any:
    return _item(
        FrameContentSequence=[_item(DimensionIndexValues=[frame.segment, where.number])],
        PlanePositionSequence=where.position,
        DerivationImageSequence=where.derivation,
        SegmentIdentificationSequence=[_item(ReferencedSegmentNumber=frame.segment)],
    )


def _shown(one: Instance) -> Any:
    import highdicom as hd
    from pydicom.sr.codedict import codes

    source = _reference(one)
    if one.frame is not None:
        source.ReferencedFrameNumber = one.frame
    source.PurposeOfReferenceCodeSequence = [
        hd.sr.CodedConcept.from_code(codes.DCM.SourceImageForImageProcessingOperation)
    ]
    source.SpatialLocationsPreserved = "YES"
    return source


def _reference(one: Instance) -> Any:
    return _item(ReferencedSOPClassUID=one.sop_class, ReferencedSOPInstanceUID=one.uid)


def _item(**elements: Any) -> Any:
    from pydicom.dataset import Dataset

    item = Dataset()
    for keyword, value in elements.items():
        setattr(item, keyword, value)
    return item
