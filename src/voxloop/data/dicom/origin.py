"""Where a derived object comes from: whose slices they are, which study they belong to, and which of them shows which slice of the grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from voxloop.data.dicom.header import frame_of_reference
from voxloop.data.dicom.identity import IDENTITY_KEYWORDS, identity_of
from voxloop.data.dicom.parts import parts_of
from voxloop.data.dicom.planes import Plane, Triple, Vector, planes_of
from voxloop.data.dicom.stack import EVEN_MM, EVEN_SHARE, LPS_TO_RAS, Stack, stack_of
from voxloop.data.dicom.stream import quiet, read_raw
from voxloop.data.dicom.tags import PIXEL_KEYWORDS, PLACE_KEYWORDS, SERIES_KEYWORDS, tags
from voxloop.data.dicom.values import text, whole
from voxloop.data.geometry import Geometry
from voxloop.errors import VoxloopError


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
    with quiet():
        headers = {path: raw.elements for path, raw in raws.items()}
        instances = {path: _instance(path, header) for path, header in headers.items()}
        _require_one_source(headers)
        planes = {path: _planes(path, header) for path, header in headers.items()}
        stacks = [stack_of(part.planes) for part in parts_of([plane for those in planes.values() for plane in those])]
        lying = [(k, plane) for stack in stacks for k, plane in _on_grid(stack)]
        shown: dict[int, tuple[Instance, ...]] = {}
        for k, plane in lying:
            one = instances[plane.file]
            many = len(planes[plane.file]) > 1
            shown[k] = (*shown.get(k, ()), replace(one, frame=plane.frame + 1) if many else one)
        first = next(iter(headers.values()))
        return Origin(
            identity=identity_of(first),
            frame_of_reference=frame_of_reference(first),
            series_number=whole(first, "SeriesNumber"),
            grid=stacks[0].geometry(),
            plane=stacks[0].planes[0],
            step=stacks[0].step,
            instances=tuple(instances.values()),
            shown=shown,
            # Those of the first volume, where a file holds several.
            positions={k: plane.position for k, plane in reversed(lying)},
        )


def _read(path: Path) -> Any:
    if not path.is_file():
        raise VoxloopError(f"The slice {path} is not there any more; bring it back, or save as .seg.nrrd or .nii.gz.")
    return read_raw(path, tags(*IDENTITY_KEYWORDS, *SERIES_KEYWORDS, *PIXEL_KEYWORDS, *PLACE_KEYWORDS))


def _planes(path: Path, elements: Any) -> tuple[Plane, ...]:
    planes = planes_of(path, elements)
    if isinstance(planes, str):
        raise VoxloopError(f"{path.name} {planes}; it is no slice of a volume, leave it out.")
    return planes


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


def _require_one_source(headers: Mapping[Path, Any]) -> None:
    """Refuses slices of several patients, studies or coordinate systems, and those that do not say theirs."""
    for what, of, needed in (
        ("study (StudyInstanceUID)", lambda header: text(header, "StudyInstanceUID"), True),
        ("frame of reference (FrameOfReferenceUID)", frame_of_reference, True),
        ("patient (PatientID)", lambda header: text(header, "PatientID"), False),
    ):
        said = {of(header): path for path, header in headers.items()}
        if len(said) > 1:
            one, two = list(said.values())[:2]
            raise VoxloopError(
                f"{one.name} and {two.name} name another {what} each, so that one object cannot be derived from both; "
                "save as .seg.nrrd or .nii.gz."
            )
        if needed and "" in said:
            raise VoxloopError(
                f"{said[''].name} names no {what}, without which nothing can be laid on it in DICOM; save as .seg.nrrd or .nii.gz."
            )


def _on_grid(stack: Stack) -> list[tuple[int, Plane]]:
    """The slices that lie where the even grid has one; an uneven series has others, which were interpolated from."""
    near = stack.off_mm <= max(EVEN_MM, EVEN_SHARE * stack.step_mm)
    return [(int(k), plane) for k, plane, lies in zip(stack.index, stack.planes, near, strict=True) if lies]
