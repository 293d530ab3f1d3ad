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
from voxloop.data.dicom.frame_groups import Frame, frame_groups, item, reference, shared_groups
from voxloop.data.dicom.origin import Origin

SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"
EXPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"
# Added to the number of the scan's series, so that a study's list shows segmentations after its scans and in their order.
SERIES_NUMBER, MOST_SERIES = 9000, 10**6
# What DICOM allows for names and descriptions.
MOST_LETTERS = 64


@dataclass(frozen=True, slots=True)
class Maker:
    """What made a segmentation: a model, its version, and the version of the software that ran it."""

    model: str
    version: str
    software: str


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
        _segment(number, _label(names[value], value), maker) for number, value in enumerate(sorted(names), 1)
    ]
    header.ReferencedSeriesSequence = _series(origin)
    header.DimensionOrganizationSequence, header.DimensionIndexSequence = _dimensions()
    header.NumberOfFrames = len(frames)
    header.SharedFunctionalGroupsSequence = [shared_groups(origin)]
    header.PerFrameFunctionalGroupsSequence = frame_groups(frames, origin)
    return header


def _label(name: str, value: int) -> str:
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
        series_number=SERIES_NUMBER + min(max(origin.series_number, 0), MOST_SERIES),
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
    )
    header.SpecificCharacterSet = "ISO_IR 192"
    # Set here, for highdicom logs a name that is not in DICOM's form.
    header.PatientName, header.ReferringPhysicianName = who["PatientName"], who["ReferringPhysicianName"]
    header.ContentDate = header.InstanceCreationDate = moment.strftime("%Y%m%d")
    header.ContentTime = header.InstanceCreationTime = moment.strftime("%H%M%S.%f")
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
        files.setdefault(one.series, []).append(reference(one))
    return [item(SeriesInstanceUID=uid, ReferencedInstanceSequence=those) for uid, those in files.items()]


def _dimensions() -> tuple[list[Any], list[Any]]:
    """Frames are told apart by their segment and their place."""
    import highdicom as hd

    organization = hd.UID()
    index = partial(item, DimensionOrganizationUID=organization)
    return [item(DimensionOrganizationUID=organization)], [
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
