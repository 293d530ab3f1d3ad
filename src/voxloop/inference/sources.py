"""What is to be segmented: every scan that files and folders name, and where each label map goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from voxloop.data.decathlon import case_id
from voxloop.data.scans import ENDINGS, Scan, open_scan
from voxloop.errors import VoxloopError


@dataclass(frozen=True, slots=True)
class Source:
    """One scan to segment: a file, or the slices of a DICOM series and the folder that they lie in."""

    case: str
    path: Path
    slices: tuple[Path, ...] = ()

    def open(self) -> Scan:
        """Reads its header, and refuses what cannot be true of it."""
        return open_scan(self.path)


def sources_in(paths: Sequence[Path]) -> list[Source]:
    """Every scan that the given files and folders name, in a stable order; `._` files of macOS are no scans."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = [
                file
                for file in sorted(path.iterdir())
                if file.name.lower().endswith(ENDINGS) and not file.name.startswith(".")
            ]
            if not inside:
                raise VoxloopError(
                    f"{path} holds no scan ({', '.join(ENDINGS)}); name a scan, or a folder that has some. "
                    'DICOM is brought in with "voxloop data import".'
                )
            found += inside
        elif not path.exists():
            raise VoxloopError(f"No scan is at {path}; check the path.")
        elif not path.name.lower().endswith(ENDINGS):
            raise VoxloopError(
                f"{path.name} is no scan of a format that is known here ({', '.join(ENDINGS)}); convert it first, "
                'or bring DICOM in with "voxloop data import".'
            )
        else:
            found.append(path)
    return [Source(case_id(path), path) for path in found]


def targets_of(sources: Sequence[Source], out: Path, ending: str = ".nii.gz") -> dict[Source, Path]:
    """Where the label map of each scan goes; refused where one would take another's place, a scan's or a truth's."""
    targets = {source: out / f"{source.case}{ending}" for source in sources}
    taken: dict[Path, Source] = {}
    for source, target in targets.items():
        if (other := taken.setdefault(target, source)) != source:
            raise VoxloopError(
                f"{other.path} and {source.path} would both become {target.name}; predict them into folders of their own, "
                "or rename one."
            )
    if clash := {source.path.resolve() for source in sources} & {target.resolve() for target in targets.values()}:
        raise VoxloopError(f"--out {out} would overwrite the scan {min(clash).name} itself; choose another folder.")
    if out.name == "labelsTr" and (out.parent / "dataset.json").is_file():
        raise VoxloopError(f"--out {out} holds the labels that a dataset is trained on; choose another folder.")
    return targets
