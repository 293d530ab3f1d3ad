"""What is to be segmented: every scan that files and folders name, and where each label map goes."""

from __future__ import annotations

from pathlib import Path

from voxloop.data.decathlon import case_id
from voxloop.data.scans import ENDINGS
from voxloop.errors import VoxloopError


def targets_of(scans: list[Path], out: Path) -> dict[Path, Path]:
    """Where the label map of each scan goes; refused where one would take another's place, a scan's or a truth's."""
    targets = {scan: out / f"{case_id(scan)}.nii.gz" for scan in scans}
    taken: dict[Path, Path] = {}
    for scan, target in targets.items():
        if (other := taken.setdefault(target, scan)) != scan:
            raise VoxloopError(
                f"{other} and {scan} would both become {target.name}; predict them into folders of their own, "
                "or rename one."
            )
    if clash := {scan.resolve() for scan in scans} & {target.resolve() for target in targets.values()}:
        raise VoxloopError(f"--out {out} would overwrite the scan {min(clash).name} itself; choose another folder.")
    if out.name == "labelsTr" and (out.parent / "dataset.json").is_file():
        raise VoxloopError(f"--out {out} holds the labels that a dataset is trained on; choose another folder.")
    return targets


def scans_in(paths: list[Path]) -> list[Path]:
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
    return found
