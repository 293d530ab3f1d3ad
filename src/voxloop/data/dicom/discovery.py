"""What a folder holds, as a PACS exported it: series, and in a sentence each what was left out of them and why."""

from __future__ import annotations

import os
import stat
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from voxloop.data.dicom.header import Header, Kind, read_header
from voxloop.data.dicom.parts import Part, parts_of
from voxloop.data.dicom.planes import Plane
from voxloop.data.dicom.stack import UPRIGHT_DEGREES, stack_of
from voxloop.data.dicom.stream import NotDicomError
from voxloop.errors import VoxloopError

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class Series:
    """Files that belong together; those of an image in the order of its slices, ready for `open_series`.

    `patient` is the beginning of a SHA-256 of PatientID, never the ID or a name: it tells patients apart, so that a split can
    keep them apart. It hides an ID only from who cannot guess it, so it is no anonymisation. `references` are the
    SeriesInstanceUIDs that structures or segments were drawn on. `slices` counts the places of an image along its normal.
    """

    uid: str
    study: str
    patient: str
    modality: str
    description: str
    number: int | None
    files: tuple[Path, ...]
    rows: int
    columns: int
    kind: Kind
    references: tuple[str, ...] = ()
    slices: int = 0


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that was left out or has to be known, in one sentence; `file` is the first file that it concerns."""

    file: Path
    sentence: str


@dataclass(frozen=True, slots=True)
class Discovery:
    """The series of a folder, what is wrong with them, and how many files were no DICOM."""

    folder: Path
    series: tuple[Series, ...]
    problems: tuple[Problem, ...]
    skipped: int


def discover(folder: Path, progress: Progress | None = None) -> Discovery:
    """Reads the headers of all DICOM files below a folder, and sorts them into series that can be opened.

    Of what identifies a patient only a short digest of PatientID leaves this function (see `Series`), beside the
    files' own paths and the series' description.
    """
    if not folder.is_dir():
        raise VoxloopError(f"No folder is at {folder}; name the folder that the DICOM files are in.")
    problems: list[Problem] = []
    return _sorted(folder, list(_files(folder, problems)), problems, progress)


def discover_files(files: Sequence[Path], progress: Progress | None = None) -> Discovery:
    """The same for files that somebody named one by one, such as all slices of a series."""
    return _sorted(files[0].parent, files, [], progress)


def _sorted(folder: Path, paths: Sequence[Path], problems: list[Problem], progress: Progress | None) -> Discovery:
    groups: dict[tuple[str, Kind], list[Header]] = defaultdict(list)
    skipped = 0
    for done, path in enumerate(paths):
        if progress:
            progress(done, len(paths), path.name)
        try:
            header = read_header(path)
        except NotDicomError:
            skipped += 1
        except VoxloopError as error:
            problems.append(Problem(path, str(error)))
        else:
            if header.kind == "directory":
                skipped += 1
            elif not header.series:
                problems.append(Problem(path, f"{path.name} names no series (SeriesInstanceUID); it is left out."))
            else:
                groups[header.series, header.kind].append(header)
    if progress:
        progress(len(paths), len(paths), "")
    found = [one for headers in groups.values() if (one := _series(headers, problems))]
    found.sort(key=lambda one: (one.patient, one.study, one.number or 0, one.uid))
    frames = {uid: headers[0].frame_of_reference for (uid, kind), headers in groups.items() if kind == "image"}
    series = tuple(_referring(one, groups[one.uid, one.kind], found, frames) for one in found)
    return Discovery(folder, series, tuple(problems), skipped)


def _files(folder: Path, problems: list[Problem]) -> Iterator[Path]:
    """All plain files below a folder, through links, each folder once: links may lead in circles."""

    def refused(error: OSError) -> None:
        problems.append(
            Problem(Path(error.filename), f"{error.filename} cannot be read ({error.strerror}); check its permissions.")
        )

    seen: set[tuple[int, int]] = set()
    for place, folders, names in os.walk(folder, followlinks=True, onerror=refused):
        here = Path(place).stat()
        if (here.st_dev, here.st_ino) in seen:
            folders.clear()
            continue
        seen.add((here.st_dev, here.st_ino))
        folders.sort()
        for name in sorted(names):
            path = Path(place, name)
            try:
                # A pipe would be waited for, a device read without end.
                if stat.S_ISREG(path.stat().st_mode):
                    yield path
            except OSError as error:
                problems.append(Problem(path, f"{path.name} cannot be read ({error.strerror}); it is left out."))


def _series(headers: list[Header], problems: list[Problem]) -> Series | None:
    """One series out of its files, or None where nothing of it is of use."""
    first = headers[0]
    headers = _once(headers, problems)
    plain = Series(
        first.series,
        first.study,
        first.patient,
        first.modality,
        first.description,
        first.number,
        tuple(header.path for header in headers),
        first.rows,
        first.columns,
        first.kind,
        tuple(dict.fromkeys(uid for header in headers for uid in header.references)),
    )
    if first.kind != "image":
        return plain
    placed = _placed(headers, problems)
    if not placed:
        return None
    try:
        parts = parts_of([plane for header in placed for plane in header.planes])
        return _image(plain, parts, problems)
    except VoxloopError as error:
        problems.append(Problem(placed[0].path, str(error)))
        return None


def _once(headers: list[Header], problems: list[Problem]) -> list[Header]:
    """Each instance once: exports repeat files."""
    known: dict[str, Header] = {}
    repeats: list[Path] = []
    for header in headers:
        if header.instance_uid and known.setdefault(header.instance_uid, header) is not header:
            repeats.append(header.path)
    _leave_out(problems, headers[0], repeats, "the same instance as another file (SOPInstanceUID)")
    repeated = set(repeats)
    return [header for header in headers if header.path not in repeated]


def _placed(headers: list[Header], problems: list[Problem]) -> list[Header]:
    """The files of a series that can be slices of a scan; the others are said, by reason."""
    reasons: dict[str, list[Path]] = defaultdict(list)
    kept: list[Header] = []
    few = sum(len(header.planes) for header in headers) < FEW
    for header in headers:
        why = header.unfit or ("a scout, by its description" if few and header.called_scout else "")
        if why:
            reasons[why].append(header.path)
        else:
            kept.append(header)
    for why, files in reasons.items():
        _leave_out(problems, headers[0], files, why)
    return kept


# "Survey" and "scout" in a description also name whole scans; those have more slices than three planes of a localiser.
FEW = 40


def _image(plain: Series, parts: Sequence[Part], problems: list[Problem]) -> Series:
    scan, *rest = parts
    files = tuple(dict.fromkeys(plane.file for plane in stack_of(scan.planes).planes))
    name = _named(plain)
    for part in rest:
        _say_apart(name, part, scan, problems)
    if scan.repeated:
        at = _files_of(scan.repeated)
        problems.append(
            Problem(
                at[0],
                f"{name}: {_count(len(scan.repeated), 'slice')} where another lies already; the one with the lowest number is kept.",
            )
        )
    stack = stack_of(scan.planes)
    if wrong := stack.wrong():
        opened = "is only opened where gaps may be filled" if stack.mendable else "cannot be opened"
        problems.append(Problem(files[0], f"{name}: {wrong}; it {opened}."))
    elif len(stack.planes) > 1 and stack.tilt_degrees > UPRIGHT_DEGREES:
        problems.append(
            Problem(
                files[0],
                f"{name}: the slices are tilted by {stack.tilt_degrees:.1f} degrees against their stack (gantry tilt); "
                "that is kept as it is, in a sheared grid.",
            )
        )
    if len(stack.planes) == 1:
        problems.append(Problem(files[0], f"{name}: there is only one slice; it is no volume to segment."))
    shape = scan.planes[0]
    return replace(plain, files=files, rows=shape.rows, columns=shape.columns, slices=len(stack.planes))


def _say_apart(name: str, part: Part, scan: Part, problems: list[Problem]) -> None:
    files = _files_of(part.planes)
    differs = part.differs_from(scan)
    if {plane.file for plane in scan.planes} & set(files):
        how = (
            "are read as another channel"
            if "size" not in differs and "orientation" not in differs
            else "cannot be read with it"
        )
    else:
        how = "are left out"
    many = (
        "mixed orientations, "
        if "orientation" in differs
        else "4D, "
        if len(part.planes) == len(scan.planes) > 1
        else ""
    )
    problems.append(
        Problem(
            files[0],
            f"{name}: {many}{_count(len(part.planes), 'slice')} with {differs} {how}; the scan has {len(scan.planes)}.",
        )
    )


def _referring(one: Series, headers: Sequence[Header], found: Sequence[Series], frames: dict[str, str]) -> Series:
    """Structures that name no series were drawn on the only one of their study that shares their frame of reference."""
    if one.references or one.kind not in ("rtstruct", "seg"):
        return one
    frame = headers[0].frame_of_reference
    near = [other.uid for other in found if other.kind == "image" and other.study == one.study]
    same = [uid for uid in near if frame and frames.get(uid) == frame]
    return replace(one, references=tuple(same)) if len(same) == 1 else one


def _leave_out(problems: list[Problem], first: Header, files: Sequence[Path], why: str) -> None:
    if files:
        left = f"{files[0].name}" if len(files) == 1 else f"{len(files)} files ({files[0].name} ...)"
        problems.append(Problem(files[0], f"{_named(first)}: {left} left out: {why}."))


def _named(one: Series | Header) -> str:
    return f'Series {"?" if one.number is None else one.number} "{one.description}"'


def _files_of(planes: Sequence[Plane]) -> list[Path]:
    return list(dict.fromkeys(plane.file for plane in planes))


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"
