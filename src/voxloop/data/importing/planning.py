"""Which case gets which id and which files, and what of it is there already."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from voxloop.data.decathlon import DATASET
from voxloop.data.formats.reference import ENDING as REFERENCE
from voxloop.data.importing.found import Drawing, Found, Source, Survey, left_out
from voxloop.data.importing.pieces import Piece, label_piece, scan_piece
from voxloop.data.importing.record import Entry, Record, ids_for, in_order, read_journal
from voxloop.errors import VoxloopError


@dataclass(frozen=True, slots=True)
class Row:
    """A case of the dataset: what it is made from, and whether that is new."""

    id: str
    image: str
    label: str | None
    patient: str | None
    what: str


@dataclass(frozen=True, slots=True)
class Planned:
    """A case with its id and its files; `test` where it has no label."""

    id: str
    found: Found
    pieces: tuple[Piece, ...]
    what: str
    test: bool


def plan(
    survey: Survey, record: Record, on_list: Collection[str], folder: Path, copy: bool
) -> tuple[list[Planned], tuple[str, ...]]:
    """Every case with its id and its files, and what is the same as before."""
    found = [(one, False) for one in survey.cases] + [(one, True) for one in survey.tests]
    names: dict[str, str] = {}
    for one, _ in found:
        if one.known_by in names:
            raise VoxloopError(f'Two cases are called "{one.name}"; give one another name.')
        names[one.known_by] = one.name
    ids = ids_for(names, record.ids)
    # An import that ended between its two lists has noted the files that it made.
    begun = read_journal(folder)
    planned, off = [], []
    for one, test in found:
        case = ids[one.known_by]
        entry = record.cases.get(case)
        if entry is not None and case not in on_list:
            off.append(case)
            continue
        _require_same_source(case, one, entry)
        # A case that was copied once stays a copy: the dataset may have been taken away from its source.
        own = copy or (
            entry is not None
            and any(path.startswith("images") and not path.endswith(REFERENCE) for path in entry.written)
        )
        pieces = [scan_piece("imagesTs" if test else "imagesTr", case, one.image, own)]
        if one.label is not None and not test:
            pieces.append(label_piece("labelsTr", case, one.label, own))
        if entry is None and case in on_list and not any(piece.path in begun for piece in pieces):
            raise VoxloopError(
                f'{folder} has a case "{case}" that somebody put there by hand; rename it there, or in the source.'
            )
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
    now = files_of(found.image)
    if entry is None or entry.image == now or set(entry.image) & set(now):
        return
    if entry.image and Path(entry.image[0]).exists():
        raise VoxloopError(
            f'The case "{case}" is made from {entry.image[0]}, and {now[0]} has the same name; '
            "rename one, or bring this source into a dataset of its own."
        )


def files_of(image: tuple[Source, ...]) -> tuple[str, ...]:
    return tuple(str(file) for source in image for file in (source if isinstance(source, tuple) else (source,)))


def row(one: Planned) -> Row:
    files = files_of(one.found.image)
    image = files[0] if len(files) == 1 else f"{files[0]} and {len(files) - 1} more"
    label = one.found.label
    drawn = label.files[-1] if isinstance(label, Drawing) else label[0] if isinstance(label, tuple) else label
    return Row(one.id, image, None if drawn is None else str(drawn), one.found.patient, one.what)
