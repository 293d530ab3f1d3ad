"""Where a derived object comes from: whose slices they are, which study they belong to, and which of them shows which slice of the grid."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from voxloop.data.dicom.header import frame_of_reference
from voxloop.data.dicom.parts import parts_of
from voxloop.data.dicom.planes import Plane, Triple, Vector, planes_of
from voxloop.data.dicom.stack import EVEN_MM, EVEN_SHARE, LPS_TO_RAS, Stack, stack_of
from voxloop.data.dicom.stream import quiet, read_raw
from voxloop.data.dicom.tags import PIXEL_KEYWORDS, PLACE_KEYWORDS, SERIES_KEYWORDS, tags
from voxloop.data.dicom.values import text
from voxloop.data.geometry import Geometry
from voxloop.errors import VoxloopError

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


@dataclass(frozen=True, slots=True)
class Instance:
    """A file of the source as others refer to it; `frame` counts from 1, and is None where a file is one slice."""

    sop_class: str
    uid: str
    series: str
    frame: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Origin:
    """A scan's slices as what is derived from them has to name them.

    `shown` says which instances show a slice of the grid; where slices are missing or uneven, some of the grid's are shown by none.
    """

    identity: Mapping[str, str]
    frame_of_reference: str
    modality: str
    series_number: int
    grid: Geometry
    plane: Plane
    step: Vector
    instances: tuple[Instance, ...]
    shown: Mapping[int, tuple[Instance, ...]]
    positions: Mapping[int, Triple]

    def position_of(self, k: int) -> Triple:
        """Where the first pixel of a slice lies, in LPS millimetres: as its own header says, else on the even grid."""
        if k in self.positions:
            return self.positions[k]
        x, y, z = (LPS_TO_RAS @ self.grid.affine @ (0, 0, k, 1))[:3].tolist()
        return x, y, z

    @property
    def filled(self) -> int:
        """How many slices of the grid are no slice of the source but interpolated."""
        return self.grid.shape[2] - len(self.shown)


def origin_of(files: Sequence[Path]) -> Origin:
    """Reads whose slices these are; refuses those that nothing can refer to."""
    raws = {path: _read(path) for path in dict.fromkeys(files)}
    if not raws:
        raise VoxloopError("No slices are known that a DICOM object could refer to; name those of the scan.")
    one = next(iter(raws.values())).elements
    with quiet():
        instances = {path: _instance(path, raw.elements) for path, raw in raws.items()}
        _require_one_source(list(raws), [raw.elements for raw in raws.values()])
        planes: list[Plane] = []
        for path, raw in raws.items():
            placed = planes_of(path, raw.elements)
            if isinstance(placed, str):
                raise VoxloopError(f"{path.name} {placed}; it is no slice of a volume, leave it out.")
            planes += placed
        stacks = [stack_of(part.planes) for part in parts_of(planes)]
        many = (
            {path for path in raws if sum(plane.file == path for plane in planes) > 1}
            if len(planes) > len(raws)
            else set()
        )
        shown: dict[int, tuple[Instance, ...]] = {}
        positions: dict[int, Triple] = {}
        for stack in stacks:
            for k, plane in _on_grid(stack):
                found = instances[plane.file]
                if plane.file in many:
                    found = Instance(found.sop_class, found.uid, found.series, plane.frame + 1)
                shown[k] = (*shown.get(k, ()), found)
                positions.setdefault(k, plane.position)
        return Origin(
            {keyword: _said(one, keyword) for keyword in IDENTITY_KEYWORDS},
            frame_of_reference(one),
            text(one, "Modality"),
            _number(text(one, "SeriesNumber")),
            stacks[0].geometry(),
            stacks[0].planes[0],
            stacks[0].step,
            tuple(instances.values()),
            shown,
            positions,
        )


def _read(path: Path) -> Any:
    if not path.is_file():
        raise VoxloopError(f"The slice {path} is not there any more; bring it back, or save as .seg.nrrd or .nii.gz.")
    return read_raw(path, tags(*IDENTITY_KEYWORDS, *SERIES_KEYWORDS, *PIXEL_KEYWORDS, *PLACE_KEYWORDS))


def _instance(path: Path, elements: Any) -> Instance:
    found = Instance(
        text(elements, "SOPClassUID"), text(elements, "SOPInstanceUID"), text(elements, "SeriesInstanceUID")
    )
    if not (found.sop_class and found.uid and found.series):
        raise VoxloopError(
            f"{path.name} has no name of its own in DICOM (SOP class, instance or series UID), so nothing can refer to it; "
            "save as .seg.nrrd or .nii.gz."
        )
    return found


def _require_one_source(files: Sequence[Path], headers: Sequence[Any]) -> None:
    """Refuses slices of several patients, studies or coordinate systems, and those that say nothing of them."""
    for what, of in (
        ("study (StudyInstanceUID)", lambda one: text(one, "StudyInstanceUID")),
        ("frame of reference (FrameOfReferenceUID)", frame_of_reference),
        ("patient (PatientID)", lambda one: text(one, "PatientID")),
    ):
        said = {of(one): file for file, one in zip(files, headers, strict=True)}
        if len(said) > 1:
            one, two = list(said.values())[:2]
            raise VoxloopError(
                f"{one.name} and {two.name} name another {what} each, so that one object cannot be derived from both; "
                "save as .seg.nrrd or .nii.gz."
            )
        if not next(iter(said)) and "PatientID" not in what:
            raise VoxloopError(
                f"{files[0].name} names no {what}, without which nothing can be laid on it in DICOM; save as .seg.nrrd or .nii.gz."
            )


def _on_grid(stack: Stack) -> list[tuple[int, Plane]]:
    """The slices that lie where the even grid has one; an uneven series has others, which were interpolated from."""
    near = stack.off_mm <= max(EVEN_MM, EVEN_SHARE * stack.step_mm)
    return [(int(k), plane) for k, plane, lies in zip(stack.index, stack.planes, near, strict=True) if lies]


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


def _number(said: str) -> int:
    return int(said) if re.fullmatch(r"\d{1,6}", said) else 0
