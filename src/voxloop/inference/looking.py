"""Looking for scans where a person points: at files, at folders of them, at case folders, and at what a PACS exports."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from voxloop.data.decathlon import DATASET, case_id
from voxloop.data.scans import ENDINGS
from voxloop.errors import VoxloopError
from voxloop.inference.sources import Source

if TYPE_CHECKING:
    from voxloop.data.dicom import Discovery, Series

Progress = Callable[[int, int, str], None]
# Standard and fixed: the table of contents of a DICOM medium.
DIRECTORY = "DICOMDIR"
# A description may be long, and a file's name may not.
MOST_LETTERS = 40
NO_SCANS = {"rtstruct": "a structure set (RTSTRUCT)", "seg": "a segmentation (SEG)", "other": "no image"}


@dataclass(frozen=True, slots=True)
class Found:
    """Scans to segment; `said` are sentences for a person: what is left out and why, and what has to be known of the rest."""

    sources: tuple[Source, ...]
    said: tuple[str, ...]


def look_in(paths: Sequence[Path], allow_gaps: bool = False, progress: Progress | None = None) -> Found:
    """Every scan that files and folders name.

    A folder's own scans are taken; one that has none is searched below, for DICOM series and for case folders that hold one scan
    each. DICOM files that are named one by one are sorted into series as well.
    """
    sources: list[Source] = []
    said: list[str] = []
    slices: list[Path] = []
    for path in paths:
        if path.name.upper() == DIRECTORY and path.is_file():
            path = path.parent
        if path.is_dir():
            found = _in_folder(path, allow_gaps, progress)
            sources += found.sources
            said += found.said
        elif not path.exists():
            raise VoxloopError(f"No scan is at {path}; check the path.")
        elif path.name.lower().endswith(ENDINGS):
            sources.append(Source(case_id(path), path))
        else:
            _require_dicom(path)
            slices.append(path)
    if slices:
        found = _series_among(slices, allow_gaps, progress)
        if not found.sources:
            raise VoxloopError(_nothing(slices[0] if len(slices) == 1 else slices[0].parent, found.said))
        sources += found.sources
        said += found.said
    return Found(tuple(dict.fromkeys(sources)), tuple(said))


def _require_dicom(path: Path) -> None:
    from voxloop.data.dicom.stream import NotDicomError, open_stream

    try:
        with open_stream(path):
            pass
    except NotDicomError as error:
        raise VoxloopError(
            f"{path.name} is no scan of a format that is known here ({', '.join(ENDINGS)}, or DICOM); convert it first."
        ) from error


def _in_folder(folder: Path, allow_gaps: bool, progress: Progress | None) -> Found:
    try:
        inside = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise VoxloopError(f"{folder} cannot be read ({error.strerror}); check its permissions.") from error
    own = [path for path in inside if _is_scan(path.name)]
    if not own and (folder / DATASET).is_file():
        raise VoxloopError(f"{folder} is a dataset; name its folder of scans, such as {folder / 'imagesTs'}.")
    if own:
        files = [path for path in inside if path not in own and path.is_file() and path.name.upper() != DIRECTORY]
        found = _series_among(files, allow_gaps, progress) if files else Found((), ())
        said = found.said
        if deeper := [path.name for path in inside if path.is_dir()]:
            said = (*said, f"{folder} has scans of its own, so its folders are not searched: {_listed(deeper)}.")
        return Found((*(Source(case_id(path), path) for path in own), *found.sources), said)
    cases = _in_case_folders(folder)
    series = _below(folder, allow_gaps, progress)
    found = Found((*cases.sources, *series.sources), (*cases.said, *series.said))
    if not found.sources:
        raise VoxloopError(_nothing(folder, found.said))
    return found


def _in_case_folders(root: Path) -> Found:
    """The one scan of each folder below; where there are several, which is meant is for a person to say."""
    sources, said = [], []
    for folder, names in _folders(root):
        own = sorted(name for name in names if _is_scan(name))
        if len(own) == 1:
            sources.append(Source(_case_in(root, folder / own[0]), folder / own[0]))
        elif own:
            said.append(
                f"{folder} holds several scans ({_listed(own)}), so it is left out; "
                "name it to have each segmented, or name the one."
            )
    return Found(tuple(sources), tuple(said))


def _is_scan(name: str) -> bool:
    """Hidden files are none: macOS leaves `._` files."""
    return name.lower().endswith(ENDINGS) and not name.startswith(".")


def _folders(root: Path) -> Iterator[tuple[Path, list[str]]]:
    """All folders below and what they hold, through links, each once: links may lead in circles."""
    seen: set[tuple[int, int]] = set()
    for place, folders, names in os.walk(root, followlinks=True):
        here = Path(place).stat()
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if (here.st_dev, here.st_ino) in seen:
            folders.clear()
        elif Path(place) != root:
            yield Path(place), names
        seen.add((here.st_dev, here.st_ino))


def _case_in(root: Path, scan: Path) -> str:
    """`P1/ct.nii.gz` is P1_ct, and `P1/P1_ct.nii.gz` too: by its place alone, so that no later scan gets its name."""
    folders = scan.parent.relative_to(root).parts
    case = case_id(scan)
    return "_".join((*(folders[:-1] if case.startswith(folders[-1]) else folders), case))


def _below(folder: Path, allow_gaps: bool, progress: Progress | None) -> Found:
    from voxloop.data.dicom import discover

    return _to_segment(discover(folder, progress), allow_gaps)


def _series_among(files: Sequence[Path], allow_gaps: bool, progress: Progress | None) -> Found:
    from voxloop.data.dicom import discover_files

    return _to_segment(discover_files(files, progress), allow_gaps)


def _to_segment(found: Discovery, allow_gaps: bool) -> Found:
    sources = []
    said = [problem.sentence for problem in found.problems]
    for one in found.series:
        if one.kind != "image":
            said.append(
                f'Series {"?" if one.number is None else one.number} "{one.description}" ({one.modality}) is left out: '
                f"{NO_SCANS[one.kind]}, no scan."
            )
        # Of a lone slice, discovery says that it is no volume.
        elif one.slices > 1:
            sources.append(Source(_case_of(one), _place_of(one.files), one.files, allow_gaps))
    return Found(tuple(sources), tuple(said))


def _case_of(one: Series) -> str:
    """A digest of PatientID (never the ID or a name), the series' description, and a digest of its UID.

    A series has this name whatever lies beside it, so that no label map is taken for that of another exam of the same patient.
    """
    words = re.sub(r"[^A-Za-z0-9]+", "-", one.description)[:MOST_LETTERS].strip("-")
    short = hashlib.sha256(one.uid.encode()).hexdigest()[:6]
    return "_".join(part for part in (one.patient, words, short) if part)


def _place_of(files: Sequence[Path]) -> Path:
    return files[0] if len(files) == 1 else Path(os.path.commonpath([file.parent for file in files]))


def _nothing(path: Path, said: Sequence[str]) -> str:
    why = f" {' '.join(said[:3])}" if said else ""
    return f"{path} holds no scan ({', '.join(ENDINGS)}, or DICOM); name a scan, or a folder that has some.{why}"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more
