"""What is to be segmented: every scan that files and folders name, and where each label map goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from voxloop.data.formats.reference import ENDING as REFERENCE
from voxloop.data.scans import Scan, open_scan
from voxloop.errors import VoxloopError
from voxloop.inference.saving import ENDINGS


@dataclass(frozen=True, slots=True)
class Source:
    """One scan to segment: a file, or the slices of a DICOM series and the folder that they lie in."""

    case: str
    path: Path
    slices: tuple[Path, ...] = ()
    allow_gaps: bool = False

    def open(self, channels: int | None = None) -> Scan:
        """Reads its header, and refuses what cannot be true of it, or what a model of so many channels cannot take."""
        if not self.slices:
            return open_scan(self.path)
        from voxloop.data.dicom import open_series

        try:
            scan = open_series(self.slices, self.allow_gaps, "--allow-gaps")
        except VoxloopError as error:
            # Slices have the same names in every export.
            raise VoxloopError(f"{self.case} in {self.path}: {error}") from error
        if scan.channels == 1 and channels is not None and channels > 1:
            raise VoxloopError(
                f"{self.case} in {self.path} is one DICOM series, and the model takes {channels} channels; make a scan of the series "
                'that it needs with "voxloop data import", and predict from that.'
            )
        return scan

    @property
    def is_dicom(self) -> bool:
        """Whether a DICOM segmentation may refer to it; what a reference refers to is only known when it is read."""
        return bool(self.slices) or self.path.name.lower().endswith(REFERENCE)


def sources_in(paths: Sequence[Path], allow_gaps: bool = False) -> list[Source]:
    """Every scan that the given files and folders name, in a stable order."""
    from voxloop.inference.looking import look_in

    return list(look_in(paths, allow_gaps).sources)


def targets_of(sources: Sequence[Source], out: Path, ending: str = ".nii.gz") -> dict[Source, Path]:
    """Where the label map of each scan goes; refused where one would take another's place, a scan's or a truth's."""
    if ending not in ENDINGS:
        raise VoxloopError(f'A label map cannot be written as "{ending}"; choose one of {", ".join(ENDINGS)}.')
    if ending == ".dcm" and (strange := next((source for source in sources if not source.is_dicom), None)):
        raise VoxloopError(
            f"{strange.path.name} is no DICOM, and a DICOM segmentation refers to the slices of its scan; name the DICOM series, "
            "or save as .seg.nrrd or .nii.gz."
        )
    targets = {source: out / f"{source.case}{ending}" for source in sources}
    taken: dict[Path, Source] = {}
    for source, target in targets.items():
        if (other := taken.setdefault(target, source)) != source:
            raise VoxloopError(
                f"{other.path} and {source.path} would both become {target.name}; predict them into folders of their own, "
                "or rename one."
            )
    scans = {path.resolve() for source in sources for path in source.slices or (source.path,)}
    if clash := scans & {target.resolve() for target in targets.values()}:
        raise VoxloopError(f"--out {out} would overwrite the scan {min(clash).name} itself; choose another folder.")
    if out.name == "labelsTr" and (out.parent / "dataset.json").is_file():
        raise VoxloopError(f"--out {out} holds the labels that a dataset is trained on; choose another folder.")
    return targets
