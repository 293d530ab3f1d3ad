"""Making a dataset of a source, or adding to one: all of it or nothing, and again without doing anything twice."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from voxloop.data import splits
from voxloop.data.decathlon import DATASET, case_id, split_cases
from voxloop.data.importing import layouts
from voxloop.data.importing.found import Drawing, Found, Progress, Source, Survey, Wanted, counted, left_out, listed
from voxloop.data.importing.names import require_apart, with_names
from voxloop.data.importing.nnunet import read_object
from voxloop.data.importing.pieces import Piece, label_piece, scan_piece
from voxloop.data.importing.record import (
    JOURNAL,
    Entry,
    Record,
    ids_for,
    in_order,
    note,
    read_journal,
    read_record,
    write_json,
    write_record,
)
from voxloop.data.scans import open_scan, require_same_grid
from voxloop.errors import VoxloopError

FOLDERS = ("imagesTr", "labelsTr", "imagesTs")


@dataclass(frozen=True, slots=True)
class Row:
    """A case of the dataset: what it is made from, and whether that is new."""

    id: str
    image: str
    label: str | None
    patient: str | None
    what: str


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of bringing data in, or would, of a dry run; `said` are sentences that a person has to read."""

    folder: Path
    name: str
    layout: str
    labels: dict[int, str]
    modality: list[str]
    rows: tuple[Row, ...]
    cases: int
    tests: int
    said: tuple[str, ...]
    dry_run: bool

    @property
    def added(self) -> int:
        return sum(row.what == "new" for row in self.rows)

    @property
    def changed(self) -> int:
        return sum(row.what == "changed" for row in self.rows)


@dataclass(frozen=True, slots=True)
class Planned:
    """A case with its id and its files; `test` where it has no label."""

    id: str
    found: Found
    pieces: tuple[Piece, ...]
    what: str
    test: bool


@dataclass(slots=True)
class _Existing:
    """The dataset that is brought into, as it is: an empty one before the first time."""

    content: dict[str, Any] = field(default_factory=dict)
    record: Record = field(default_factory=Record)

    @property
    def labels(self) -> dict[int, str]:
        return {int(value): str(name) for value, name in self.content.get("labels", {}).items()}

    @property
    def modality(self) -> list[str]:
        named = self.content.get("modality", {})
        return [str(named[key]) for key in sorted(named, key=int)]

    def listed(self) -> dict[str, dict[str, str]]:
        """The training entries by case, as they stand in dataset.json."""
        return {case_id(Path(entry["image"])): dict(entry) for entry in self.content.get("training", [])}

    def tests(self) -> dict[str, str]:
        return {case_id(Path(path)): path for path in self.content.get("test", [])}


def bring_in(
    source: Path,
    folder: Path,
    name: str | None = None,
    *,
    layout: str = layouts.AUTO,
    wanted: Wanted | None = None,
    copy: bool = False,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> Imported:
    """Makes `folder` a dataset in Decathlon layout that refers to a source, or adds what is new there.

    Cases that are there keep their ids, splits stay as they are, and nothing is written into the source. An import that was
    interrupted goes on where it was.
    """
    wanted = wanted or Wanted()
    source, folder = Path(os.path.normpath(source.absolute())), Path(os.path.normpath(folder.absolute()))
    _require_outside(source, folder)
    existing = _existing(folder)
    name = name or str(existing.content.get("name") or folder.name)
    if existing.content and existing.content.get("name") != name:
        raise VoxloopError(
            f'{folder} is the dataset "{existing.content.get("name")}"; give that --name, or another place with --out.'
        )
    wanted = replace(wanted, known=existing.labels)
    survey = with_names(layouts.survey(source, layout, wanted, progress), wanted, progress)
    survey, channels = _looked_at(survey, progress)
    labels, modality = _labels(survey, existing, folder), _modality(survey, wanted, existing, channels)
    planned, off = _plan(survey, existing, folder, copy)
    said = (*survey.said, *off)
    if not dry_run:
        with _work(folder, existing) as work:
            planned, problems = _make(planned, existing, work, progress)
            said += problems
            content = _content(existing, planned, name, labels, modality, survey)
            _commit(work, folder, existing, planned, content)
        said += _splits(folder, survey, planned)
    kept = existing.listed().keys() - {one.id for one in planned if not one.test}
    gone = [one for one in in_order(kept) if one in existing.record.cases]
    if gone:
        said += (
            f"{counted(len(gone), 'case')} of earlier imports are not in {source} now, and stay as they are: {listed(gone)}.",
        )
    rows = tuple(_row(one) for one in planned)
    tests = sum(one.test for one in planned)
    return Imported(
        folder, name, survey.layout, labels, modality, rows, len(rows) - tests + len(kept), tests, said, dry_run
    )


def _require_outside(source: Path, folder: Path) -> None:
    inner, outer = folder.resolve(), source.resolve()
    if inner.is_relative_to(outer):
        raise VoxloopError(
            f"{folder} lies in {source}, which is not written into; choose a place outside of it with --out."
        )
    if outer.is_relative_to(inner):
        raise VoxloopError(f"{source} lies in {folder}, where the dataset is to be; choose another place with --out.")


def _existing(folder: Path) -> _Existing:
    record = read_record(folder)
    return _Existing() if record is None else _Existing(read_object(folder / DATASET), record)


def _looked_at(survey: Survey, progress: Progress | None) -> tuple[Survey, int]:
    """Leaves out scans that cannot be opened, and counts the channels, which are the same in all."""
    there: dict[int, list[str]] = {}
    unreadable: list[str] = []
    total = len(survey.cases) + len(survey.tests)
    seen = 0

    def kept(found: Found) -> bool:
        nonlocal seen
        seen += 1
        if progress is not None:
            progress(seen, total, found.name)
        try:
            there.setdefault(_channels(found), []).append(found.name)
        except VoxloopError as error:
            unreadable.append(f"{found.name} ({error})")
            return False
        return True

    cases = tuple(one for one in survey.cases if kept(one))
    tests = tuple(one for one in survey.tests if kept(one))
    if not cases:
        raise VoxloopError(f"Not one case can be brought in: {unreadable[0] if unreadable else 'there is none'}")
    if len(there) > 1:
        (many, names), (few, others) = sorted(there.items(), key=lambda item: -len(item[1]))[:2]
        raise VoxloopError(
            f"{others[0]} has {counted(few, 'channel')} and {names[0]} has {many}; bring scans of one kind into one dataset."
        )
    said = left_out("case", unreadable, "their scans not being readable")
    return replace(survey, cases=cases, tests=tests, said=(*survey.said, *said)), next(iter(there))


def _channels(found: Found) -> int:
    scans = [open_scan(source) for source in found.image if isinstance(source, Path)]
    for scan in scans[1:]:
        require_same_grid(scan.path.name, scan.geometry, scans[0].geometry, what="channel", of="first one")
    if len(found.image) == 1:
        return scans[0].channels if scans else 1
    if wide := [scan.path.name for scan in scans if scan.channels > 1]:
        raise VoxloopError(f"{wide[0]} has several channels of its own; name a file for each channel.")
    return len(found.image)


def _labels(survey: Survey, existing: _Existing, folder: Path) -> dict[int, str]:
    labels = {**(survey.labels or {}), **existing.labels}
    for value, name in (survey.labels or {}).items():
        if labels[value].casefold() != name.casefold():
            raise VoxloopError(
                f'{folder} calls the label {value} "{labels[value]}", and it is "{name}" here; bring it into a dataset of its own.'
            )
    require_apart(labels)
    return dict(sorted(labels.items()))


def _modality(survey: Survey, wanted: Wanted, existing: _Existing, channels: int) -> list[str]:
    named = list(wanted.modality or survey.modality or existing.modality or ["unknown"] * channels)
    if len(named) != channels:
        raise VoxloopError(
            f"The scans have {counted(channels, 'channel')}, and {counted(len(named), 'name')} is given for them "
            f"({', '.join(named)}); name each, such as --modality {','.join(['FLAIR', 'T1w', 'T1gd', 'T2w', 'more'][:channels])}."
        )
    before = existing.modality
    if (
        before
        and set(before) != {"unknown"}
        and [one.casefold() for one in before] != [one.casefold() for one in named]
    ):
        raise VoxloopError(
            f"The dataset's scans are {', '.join(before)}, and these are {', '.join(named)}; bring them into a dataset of their own."
        )
    return named


def _plan(survey: Survey, existing: _Existing, folder: Path, copy: bool) -> tuple[list[Planned], tuple[str, ...]]:
    """Every case with its id and its files, and what is the same as before."""
    found = [(one, False) for one in survey.cases] + [(one, True) for one in survey.tests]
    names: dict[str, str] = {}
    for one, _ in found:
        if one.known_by in names:
            raise VoxloopError(f'Two cases are called "{one.name}"; give one another name.')
        names[one.known_by] = one.name
    ids = ids_for(names, existing.record.ids)
    on_list = existing.listed().keys() | existing.tests().keys()
    planned, off = [], []
    for one, test in found:
        case = ids[one.known_by]
        entry = existing.record.cases.get(case)
        if entry is not None and case not in on_list:
            off.append(case)
            continue
        _require_same_source(case, one, entry)
        pieces = [scan_piece("imagesTs" if test else "imagesTr", case, one.image, copy)]
        if one.label is not None and not test:
            pieces.append(label_piece("labelsTr", case, one.label, copy))
        same = entry is not None and all(
            entry.pieces.get(piece.path) == piece.state and os.path.lexists(folder / piece.path) for piece in pieces
        )
        what = "new" if entry is None else "same" if same else "changed"
        planned.append(Planned(case, one, tuple(pieces), what, test))
    order = {case: number for number, case in enumerate(in_order([one.id for one in planned]))}
    said = left_out("case", in_order(off), f"having been taken off the list in {DATASET}")
    return sorted(planned, key=lambda one: (one.test, order[one.id])), said


def _require_same_source(case: str, found: Found, entry: Entry | None) -> None:
    """A case may move with its files; a second scan of its name is another case."""
    now = _files(found.image)
    if entry is None or entry.image == now or set(entry.image) & set(now):
        return
    if entry.image and Path(entry.image[0]).exists():
        raise VoxloopError(
            f'The case "{case}" is made from {entry.image[0]}, and {now[0]} has the same name; '
            "rename one, or bring this source into a dataset of its own."
        )


def _files(image: tuple[Source, ...]) -> tuple[str, ...]:
    return tuple(str(file) for source in image for file in (source if isinstance(source, tuple) else (source,)))


@contextmanager
def _work(folder: Path, existing: _Existing) -> Iterator[Path]:
    """Where files are made: in the dataset, or, the first time, in a folder that gets its name when all is there."""
    work = folder if existing.content else folder.with_name(f".partial-{folder.name}")
    try:
        for one in FOLDERS:
            (work / one).mkdir(parents=True, exist_ok=True)
        handle = os.open(work, os.O_RDONLY)
    except OSError as error:
        raise VoxloopError(f"{work} cannot be made ({error.strerror}); choose another place with --out.") from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise VoxloopError(f"Another process is bringing data into {folder}; wait until it has ended.") from error
        yield work
    finally:
        os.close(handle)


def _make(
    planned: list[Planned], existing: _Existing, work: Path, progress: Progress | None
) -> tuple[list[Planned], tuple[str, ...]]:
    """Makes the files that are not there in their state; a case whose files cannot be made is left out, in a sentence."""
    states = {path: state for entry in existing.record.cases.values() for path, state in entry.pieces.items()}
    states |= read_journal(work)
    whole, failed, problems = [], [], []
    for done, one in enumerate(planned):
        if progress is not None:
            progress(done, len(planned), one.id)
        try:
            for piece in one.pieces:
                if states.get(piece.path) == piece.state and os.path.lexists(work / piece.path):
                    continue
                problems += [f"{one.id}: {said}" for said in piece.make(work / piece.path)]
                note(work, piece.path, piece.state)
        except VoxloopError as error:
            failed.append(f"{one.id} ({error})")
            continue
        whole.append(one)
    if progress is not None:
        progress(len(planned), len(planned), "")
    if not any(not one.test for one in whole) and not existing.content:
        raise VoxloopError(f"Not one case can be brought in: {failed[0] if failed else 'there is none.'}")
    return whole, (*problems, *left_out("case", failed, "their files not being possible to make"))


def _content(
    existing: _Existing,
    planned: list[Planned],
    name: str,
    labels: Mapping[int, str],
    modality: list[str],
    survey: Survey,
) -> dict[str, Any]:
    """dataset.json: what stands there stays, unless the source says it anew."""
    training, tests = existing.listed(), existing.tests()
    for one in planned:
        paths = [f"./{piece.path}" for piece in one.pieces]
        if one.test:
            tests[one.id] = paths[0]
            continue
        patient = one.found.patient or training.get(one.id, {}).get("patient")
        training[one.id] = {"image": paths[0], "label": paths[1], **({"patient": patient} if patient else {})}
    return {
        **survey.about,
        **existing.content,
        "name": name,
        "tensorImageSize": "3D" if len(modality) == 1 else "4D",
        "modality": {str(channel): one for channel, one in enumerate(modality)},
        "labels": {str(value): one for value, one in labels.items()},
        "numTraining": len(training),
        "numTest": len(tests),
        "training": [training[one] for one in in_order(training)],
        "test": [tests[one] for one in in_order(tests)],
    }


def _commit(work: Path, folder: Path, existing: _Existing, planned: list[Planned], content: dict[str, Any]) -> None:
    """Writes the list, then the record, and gives a new dataset its name; what no list names any more goes."""
    cases = dict(existing.record.cases)
    for one in planned:
        pieces = {piece.path: piece.state for piece in one.pieces}
        cases[one.id] = Entry(one.found.known_by, _files(one.found.image), pieces)
    stale = {path for entry in existing.record.cases.values() for path in entry.pieces}
    if work != folder:
        stale |= {f"{one}/{path.name}" for one in FOLDERS for path in (work / one).iterdir()}
    stale -= {path for entry in cases.values() for path in entry.pieces}
    if content != existing.content:
        write_json(work / DATASET, content)
    if cases != existing.record.cases:
        write_record(work, Record(cases))
    for path in stale:
        (work / path).unlink(missing_ok=True)
    (work / JOURNAL).unlink(missing_ok=True)
    if work != folder:
        try:
            work.rename(folder)
        except OSError as error:
            raise VoxloopError(f"{work} cannot become {folder} ({error.strerror}); choose another --out.") from error


def _splits(folder: Path, survey: Survey, planned: list[Planned]) -> tuple[str, ...]:
    """Takes over the source's splits that are not there yet, makes the default one, and says where new cases have no place."""
    stored = splits.read_splits(folder)
    ids = {one.found.name: one.id for one in planned if not one.test}
    said: list[str] = []
    new = {}
    for name, split in survey.splits.items():
        if name in stored:
            continue
        if missing := sorted(split.cases() - ids.keys()):
            said.append(f'The split "{name}" is not taken over: it names {listed(missing)}, which are not here.')
            continue
        new[name] = replace(split, parts={part: [ids[one] for one in each] for part, each in split.parts.items()})
    if new:
        splits.write_splits(folder, {**stored, **new})
    split_cases(folder)
    everyone = {one.id for one in planned if not one.test}
    stored = splits.read_splits(folder)
    short = {name: everyone - split.cases() for name, split in stored.items() if split.rule is not None}
    families = [
        family
        for family in splits.families(stored)
        if any(short.get(full) for full in splits.family_of(family, stored))
    ]
    if families:
        loose = {one for each in short.values() for one in each}
        said.append(
            f"{counted(len(loose), 'case')} have no place yet in {'the split' if len(families) == 1 else 'the splits'} {listed(families)}; "
            f"put them in with: voxloop data split {folder} --extend"
        )
    return tuple(said)


def _row(one: Planned) -> Row:
    files = _files(one.found.image)
    image = files[0] if len(files) == 1 else f"{files[0]} and {len(files) - 1} more"
    label = one.found.label
    drawn = label.files[-1] if isinstance(label, Drawing) else label[0] if isinstance(label, tuple) else label
    return Row(one.id, image, None if drawn is None else str(drawn), one.found.patient, one.what)
