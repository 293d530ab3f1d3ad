"""What one file says about itself, without a patient's name: which series it belongs to, and whether it can be a slice."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from voxloop.data.dicom.planes import Plane, planes_of
from voxloop.data.dicom.stream import Raw, quiet, read_raw
from voxloop.data.dicom.tags import PIXEL_KEYWORDS, PLACE_KEYWORDS, SERIES_KEYWORDS, tags
from voxloop.data.dicom.values import all_items, number, text, whole

Kind = Literal["image", "rtstruct", "seg", "other", "directory"]

RTSTRUCT = "1.2.840.10008.5.1.4.1.1.481.3"
SEGMENTATIONS = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")
DIRECTORY = "1.2.840.10008.1.3.10"
# Doses and parametric maps have pixels and places, and are no scans.
NO_IMAGES = ("1.2.840.10008.5.1.4.1.1.481.2", "1.2.840.10008.5.1.4.1.1.30")

SCOUT = re.compile(r"\b(scout|locali[sz]er|topogram|surview|survey|scanogram)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Header:
    """A file's place among others; `unfit` says why it can be no slice of a scan, and is empty where it can."""

    path: Path
    kind: Kind
    instance_uid: str
    series: str
    study: str
    patient: str
    modality: str
    description: str
    number: int | None
    rows: int
    columns: int
    frame_of_reference: str
    references: tuple[str, ...]
    planes: tuple[Plane, ...]
    unfit: str

    @property
    def called_scout(self) -> bool:
        return bool(SCOUT.search(self.description))


def read_header(path: Path) -> Header:
    """Reads what `discover` sorts by; nothing after it."""
    raw = read_raw(path, tags(*SERIES_KEYWORDS, *PIXEL_KEYWORDS, *PLACE_KEYWORDS))
    with quiet():
        ds = raw.elements
        kind = _kind(raw)
        study = text(ds, "StudyInstanceUID")
        series_number = number(ds, "SeriesNumber")
        planes, unfit = _planes(path, ds) if kind == "image" else ((), "")
        return Header(
            path,
            kind,
            text(ds, "SOPInstanceUID"),
            text(ds, "SeriesInstanceUID"),
            study,
            digest(text(ds, "PatientID") or study),
            text(ds, "Modality"),
            text(ds, "SeriesDescription"),
            None if series_number is None else int(series_number),
            whole(ds, "Rows"),
            whole(ds, "Columns"),
            frame_of_reference(ds),
            referenced_series(ds),
            planes,
            unfit,
        )


def digest(patient_id: str) -> str:
    """Twelve hexadecimal digits that stand for a patient."""
    return hashlib.sha256(patient_id.encode()).hexdigest()[:12]


def frame_of_reference(elements: Any) -> str:
    """The UID of the coordinate system that positions are in."""
    own = text(elements, "FrameOfReferenceUID")
    return own or next(
        (text(one, "FrameOfReferenceUID") for one in all_items(elements, "ReferencedFrameOfReferenceSequence")), ""
    )


def referenced_series(elements: Any) -> tuple[str, ...]:
    """The series that structures or segments say they were drawn on."""
    frames = all_items(
        elements, "ReferencedFrameOfReferenceSequence", "RTReferencedStudySequence", "RTReferencedSeriesSequence"
    )
    said = [text(one, "SeriesInstanceUID") for one in (*all_items(elements, "ReferencedSeriesSequence"), *frames)]
    return tuple(dict.fromkeys(uid for uid in said if uid))


def _kind(raw: Raw) -> Kind:
    sop_class = text(raw.elements, "SOPClassUID") or raw.stored_class
    if sop_class == RTSTRUCT:
        return "rtstruct"
    if sop_class in SEGMENTATIONS:
        return "seg"
    if sop_class == DIRECTORY:
        return "directory"
    return "image" if whole(raw.elements, "Rows") and sop_class not in NO_IMAGES else "other"


def _planes(path: Path, elements: Any) -> tuple[tuple[Plane, ...], str]:
    kinds = {part.strip().upper() for part in text(elements, "ImageType").split("\\")}
    if "LOCALIZER" in kinds:
        return (), "a scout (ImageType LOCALIZER)"
    if kinds & {"SCREEN SAVE", "SCREENSHOT"}:
        return (), "a screenshot (ImageType)"
    if whole(elements, "SamplesPerPixel", 1) != 1:
        return (), "a picture in colour"
    planes = planes_of(path, elements)
    if isinstance(planes, str):
        captured = text(elements, "SOPClassUID").startswith("1.2.840.10008.5.1.4.1.1.7")
        return (), f"a secondary capture that {planes}" if captured else f"it {planes}"
    return planes, ""
