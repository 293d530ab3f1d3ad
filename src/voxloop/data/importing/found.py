"""What a source holds, before anything is written: cases by name, what their labels mean, and what has to be said."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from voxloop.data.geometry import Geometry
from voxloop.data.scans import ENDINGS
from voxloop.data.splits import Split
from voxloop.errors import VoxloopError

Progress = Callable[[int, int, str], None]
# One channel of a scan: a file, or the slices of a DICOM series.
Source = Path | tuple[Path, ...]
# How many names a sentence holds before it says "and more".
MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class Drawn:
    """A label map on its scan's grid, and what has to be known of how it came about."""

    labels: npt.NDArray[np.uint8]
    geometry: Geometry
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Drawing:
    """A label that no file holds as it is wanted: drawn from these files when it is needed. `how` tells one way from another."""

    files: tuple[Path, ...]
    how: str
    draw: Callable[[], Drawn] = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Found:
    """One scan in a source, channel by channel, and its label. `key` is what it is known by when the source is read again."""

    name: str
    image: tuple[Source, ...]
    label: Source | Drawing | None = None
    patient: str | None = None
    key: str = ""

    @property
    def known_by(self) -> str:
        return self.key or self.name


@dataclass(frozen=True, slots=True)
class Survey:
    """All that a source holds; `said` are sentences for the person who brings it in."""

    layout: str
    cases: tuple[Found, ...]
    tests: tuple[Found, ...] = ()
    labels: Mapping[int, str] | None = None
    modality: Sequence[str] | None = None
    said: tuple[str, ...] = ()
    about: Mapping[str, Any] = field(default_factory=dict)
    splits: Mapping[str, Split] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person says of a source that it does not say itself: where its files are, what values mean, what channels are.

    `known` is what the dataset that is brought into calls its labels already. `allow_gaps` has missing DICOM slices interpolated.
    """

    images: str | None = None
    labels: str | None = None
    names: Mapping[int, str] = field(default_factory=dict)
    modality: tuple[str, ...] = ()
    known: Mapping[int, str] = field(default_factory=dict)
    allow_gaps: bool = False


def volumes_in(folder: Path) -> dict[str, Path]:
    """Every scan or label below a folder by its relative path, sorted. Hidden files are no scans: macOS leaves `._` files."""
    found: dict[str, Path] = {}
    for place, names in _walk(folder):
        for name in names:
            if not name.startswith(".") and name.lower().endswith(ENDINGS):
                path = place / name
                found[path.relative_to(folder).as_posix()] = path
    return dict(sorted(found.items()))


def _walk(folder: Path) -> Iterator[tuple[Path, list[str]]]:
    """Folders through links, each once: links may lead in circles."""
    seen: set[tuple[int, int]] = set()
    for place, folders, names in os.walk(folder, followlinks=True, onerror=_refuse):
        here = Path(place).stat()
        if (here.st_dev, here.st_ino) in seen:
            folders.clear()
            continue
        seen.add((here.st_dev, here.st_ino))
        folders[:] = sorted(one for one in folders if not one.startswith("."))
        yield Path(place), names


def _refuse(error: OSError) -> None:
    raise VoxloopError(f"{error.filename} cannot be read ({error.strerror}); check its rights.")


def without_ending(name: str) -> str:
    """A file's name without the ending that says its format."""
    low = name.lower()
    for ending in (".seg.nrrd", *ENDINGS):
        if low.endswith(ending):
            return name[: -len(ending)]
    return name


def ending_of(name: str) -> str:
    """The ending that says a file's format."""
    return name[len(without_ending(name)) :]


def listed(names: Sequence[str]) -> str:
    """A few of many names, for a sentence."""
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    # A file may be called anything, and a sentence is one line.
    few = ", ".join(names[:MOST_NAMED])
    return "".join(letter if letter.isprintable() else "?" for letter in few) + more


def left_out(what: str, names: Sequence[str], why: str) -> tuple[str, ...]:
    """The sentence about files that no case is made of."""
    if not names:
        return ()
    plural = what if what.endswith("s") else f"{what}s"
    many = f"{len(names)} {plural} are" if len(names) > 1 else f"1 {what} is"
    return (f"{many} left out, {why}: {listed(names)}.",)


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"
