"""Making a dataset of a source, or adding to one: all of it or nothing, and again without doing anything twice."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from voxloop.data import splits
from voxloop.data.decathlon import DATASET, split_cases
from voxloop.data.importing import layouts
from voxloop.data.importing.existing import Existing, content_with, labels_with, modality_with, read_existing
from voxloop.data.importing.found import Progress, Survey, Wanted, left_out, listed
from voxloop.data.importing.looking import looked_at
from voxloop.data.importing.names import with_names
from voxloop.data.importing.nnunet import read_object
from voxloop.data.importing.planning import Planned, Row, files_of, plan, row
from voxloop.data.importing.record import (
    JOURNAL,
    Entry,
    Record,
    in_order,
    note,
    read_journal,
    write_record,
)
from voxloop.data.whole import write_json
from voxloop.errors import VoxloopError

FOLDERS = ("imagesTr", "labelsTr", "imagesTs")


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
    source, folder = _plain(source), _plain(folder)
    _require_outside(source, folder)
    existing = read_existing(folder)
    name = name or str(existing.content.get("name") or folder.name)
    if existing.content and existing.content.get("name") != name:
        raise VoxloopError(
            f'{folder} is the dataset "{existing.content.get("name")}"; give that --name, or another place with --out.'
        )
    wanted = replace(wanted, known=existing.labels)
    survey = with_names(layouts.survey(source, layout, wanted, progress), wanted, progress)
    files = {entry.key: entry.image for entry in existing.record.cases.values()}
    survey, channels = looked_at(
        survey, lambda one: files.get(one.known_by) == files_of(one.image), len(existing.modality), progress
    )
    labels, modality = labels_with(survey, existing, folder), modality_with(survey, wanted, existing, channels)
    planned, off = plan(survey, existing.record, existing.on_list, folder, copy)
    said = (*survey.said, *off)
    kept = existing.listed().keys() - {one.id for one in planned if not one.test}
    gone = [one for one in in_order(kept) if one in existing.record.cases]
    if not dry_run:
        with _work(folder, existing) as work:
            planned, written, problems = _make(planned, existing, work, progress)
            said += problems
            content = content_with(existing, planned, name, labels, modality, survey)
            _commit(work, folder, existing, planned, written, content)
        said += _splits(folder, survey, planned)
    if gone:
        said += (f"Of earlier imports, {len(gone)} are not in {source} now, and stay as they are: {listed(gone)}.",)
    rows = tuple(row(one) for one in planned)
    tests = sum(one.test for one in planned)
    return Imported(
        folder, name, survey.layout, labels, modality, rows, len(rows) - tests + len(kept), tests, said, dry_run
    )


def _plain(path: Path) -> Path:
    # Links stay as a person named them, but `..` behind one cannot be taken away by its letters.
    return path.resolve() if ".." in path.parts else path.absolute()


def _require_outside(source: Path, folder: Path) -> None:
    inner, outer = folder.resolve(), source.resolve()
    if inner.is_relative_to(outer):
        raise VoxloopError(
            f"{folder} lies in {source}, which is not written into; choose a place outside of it with --out."
        )
    if outer.is_relative_to(inner):
        raise VoxloopError(f"{source} lies in {folder}, where the dataset is to be; choose another place with --out.")


@contextmanager
def _work(folder: Path, existing: Existing) -> Iterator[Path]:
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
        if existing.content and read_object(folder / DATASET) != existing.content:
            raise VoxloopError(f"{folder} has changed in the meantime; give the same command again.")
        yield work
    finally:
        os.close(handle)


def _make(
    planned: list[Planned], existing: Existing, work: Path, progress: Progress | None
) -> tuple[list[Planned], dict[str, list[int]], tuple[str, ...]]:
    """Makes the files that are not there in their state; a case whose files cannot be made is left out, in a sentence.

    What a person has put in the place of a file, such as a corrected label, stays. Answers also with how the files that were
    written look.
    """
    written = {path: stamp for entry in existing.record.cases.values() for path, stamp in entry.written.items()}
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
                if existing.content and _is_a_persons(work / piece.path, written.get(piece.path)):
                    problems.append(
                        f"{piece.path} was changed in the dataset and stays as it is; delete it there to have it made anew."
                    )
                    continue
                problems += [f"{one.id}: {said}" for said in piece.make(work / piece.path)]
                note(work, piece.path, piece.state)
                if not (work / piece.path).is_symlink():
                    written[piece.path] = _stamp(work / piece.path)
        except VoxloopError as error:
            failed.append(f"{one.id} ({error})")
            continue
        whole.append(one)
    if progress is not None:
        progress(len(planned), len(planned), "")
    if not any(not one.test for one in whole) and not existing.content:
        raise VoxloopError(f"Not one case can be brought in: {failed[0] if failed else 'there is none.'}")
    return whole, written, (*problems, *left_out("case", failed, "their files not being possible to make"))


def _is_a_persons(path: Path, written: list[int] | None) -> bool:
    """Whether a file of the dataset is no link and not as it was written."""
    return path.is_file() and not path.is_symlink() and _stamp(path) != written


def _stamp(path: Path) -> list[int]:
    status = path.stat()
    return [status.st_size, status.st_mtime_ns]


def _commit(
    work: Path,
    folder: Path,
    existing: Existing,
    planned: list[Planned],
    written: dict[str, list[int]],
    content: dict[str, Any],
) -> None:
    """Writes the list, then the record, and gives a new dataset its name; what no list names any more goes."""
    cases = dict(existing.record.cases)
    for one in planned:
        pieces = {piece.path: piece.state for piece in one.pieces}
        stamps = {path: written[path] for path in pieces if path in written}
        cases[one.id] = Entry(one.found.known_by, files_of(one.found.image), pieces, stamps)
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
    if splits.DEFAULT not in splits.read_splits(folder):
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
            f"Of the cases, {len(loose)} have no place yet in {'the split' if len(families) == 1 else 'the splits'} {listed(families)}; "
            f"put them in with: voxloop data split {folder} --extend"
        )
    return tuple(said)
