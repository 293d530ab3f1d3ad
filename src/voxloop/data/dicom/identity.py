"""Whose an object is: the patient and the study, as a header says them."""

from __future__ import annotations

import re
from typing import Any

# Of the patient and the study, what has to be the same in all that is derived from a scan, or a PACS files it elsewhere.
IDENTITY_KEYWORDS = (
    "PatientName",
    "PatientID",
    "IssuerOfPatientID",
    "PatientBirthDate",
    "PatientSex",
    "PatientAge",
    "PatientIdentityRemoved",
    "DeidentificationMethod",
    "LongitudinalTemporalInformationModified",
    "ClinicalTrialSponsorName",
    "ClinicalTrialProtocolID",
    "ClinicalTrialProtocolName",
    "ClinicalTrialSiteID",
    "ClinicalTrialSiteName",
    "ClinicalTrialSubjectID",
    "StudyInstanceUID",
    "StudyDate",
    "StudyTime",
    "StudyID",
    "StudyDescription",
    "AccessionNumber",
    "ReferringPhysicianName",
    "PositionReferenceIndicator",
    "LossyImageCompression",
    "LossyImageCompressionRatio",
    "LossyImageCompressionMethod",
)
# Values of these forms or none: others are refused by whoever reads what is derived.
FORMS = {
    "PatientBirthDate": r"\d{8}",
    "PatientSex": "[MFO]",
    "StudyDate": r"\d{8}",
    "StudyTime": r"\d{2}(\d{2}(\d{2}(\.\d{1,6})?)?)?",
}


def identity_of(elements: Any) -> dict[str, str]:
    """What a header says of patient and study, as text; empty where it says nothing, or nothing that can be said again."""
    return {keyword: _said(elements, keyword) for keyword in IDENTITY_KEYWORDS}


def _said(elements: Any, keyword: str) -> str:
    """A value as text, letter for letter: what a patient is known by is not tidied."""
    try:
        value = elements.get(keyword)
    # pydicom converts lazily, and a conversion may fail in any way.
    except Exception:
        return ""
    many = isinstance(value, (list, tuple)) or type(value).__name__ == "MultiValue"
    said = "" if value is None else "\\".join(map(str, value)) if many else str(value)
    form = FORMS.get(keyword)
    return said if form is None or re.fullmatch(form, said) else ""
