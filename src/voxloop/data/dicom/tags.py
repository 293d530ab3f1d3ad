"""Which elements of a header are read at all: names, dates and everything else that a patient could be known by are passed over."""

from __future__ import annotations

PIXEL_KEYWORDS = (
    "Rows",
    "Columns",
    "NumberOfFrames",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "ModalityLUTSequence",
)
PLACE_KEYWORDS = (
    "InstanceNumber",
    "ImageType",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "PixelSpacing",
    "SliceThickness",
    "SpacingBetweenSlices",
    "RescaleSlope",
    "RescaleIntercept",
    "FrameOfReferenceUID",
    "EchoNumbers",
    "EchoTime",
    "TemporalPositionIdentifier",
    "TemporalPositionIndex",
    "DiffusionBValue",
    "DiffusionGradientOrientation",
    "AcquisitionNumber",
    "TriggerTime",
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
)
SERIES_KEYWORDS = (
    "SOPClassUID",
    "SOPInstanceUID",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "PatientID",
    "Modality",
    "SeriesDescription",
    "SeriesNumber",
    "ReferencedSeriesSequence",
    "ReferencedFrameOfReferenceSequence",
)
STRUCTURE_KEYWORDS = ("ROIContourSequence", "StructureSetROISequence")
SEGMENT_KEYWORDS = ("SegmentSequence", "SegmentationType", "MaximumFractionalValue")


def tags(*keywords: str) -> tuple[int, ...]:
    """The numbers of these elements."""
    from pydicom.datadict import tag_for_keyword

    return tuple(tag for keyword in keywords if (tag := tag_for_keyword(keyword)) is not None)
