"""The files that a dataset is made of: links to a source, references to several files, copies, and label maps that are drawn."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from voxloop.data.formats.reference import ENDING as REFERENCE
from voxloop.data.formats.reference import Filled, read_reference, write_reference
from voxloop.data.formats.writing import write_volume
from voxloop.data.importing.found import Drawing, Source, ending_of
from voxloop.data.scans import ENDINGS, Scan, open_scan
from voxloop.errors import VoxloopError

OWN = ".nii.gz"
Problems = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Piece:
    """One file of a dataset: its path there, the state of all that it is made from, and how to make it."""

    path: str
    state: str
    make: Callable[[Path], Problems] = field(repr=False, compare=False)


def scan_piece(folder: str, case: str, image: tuple[Source, ...], copy: bool) -> Piece:
    """A scan: a link to the file that it is, or a reference to several; with `copy` a file of its own."""
    if copy:
        return _copy(f"{folder}/{case}{OWN}", image)
    image = _resolved(image)
    if len(image) == 1 and isinstance(image[0], Path):
        ending = next(one for one in ENDINGS if image[0].name.lower().endswith(one))
        return _link(f"{folder}/{case}{ending}", image[0])

    def refer(path: Path) -> Problems:
        write_reference(path, image)
        return ()

    return Piece(f"{folder}/{case}{REFERENCE}", _state("reference", _named(image)), refer)


def label_piece(folder: str, case: str, label: Source | Drawing, copy: bool) -> Piece:
    """A label: a link, a copy, or a map that is drawn."""
    if isinstance(label, Drawing):
        drawing = label

        def draw(path: Path) -> Problems:
            drawn = drawing.draw()
            write_volume(path, drawn.labels, drawn.geometry)
            return drawn.problems

        state = _state("drawing", drawing.how, [_stamped(file) for file in drawing.files])
        return Piece(f"{folder}/{case}{OWN}", state, draw)
    (source,) = _resolved((label,))[:1]
    if copy or isinstance(source, tuple):
        return _copy(f"{folder}/{case}{OWN}", (label,))
    return _link(f"{folder}/{case}{ending_of(source.name).lower()}", source)


def _resolved(image: tuple[Source, ...]) -> tuple[Source, ...]:
    """A reference is taken for what it refers to: its paths may be relative to its own folder."""
    if len(image) == 1 and isinstance(image[0], Path) and image[0].name.lower().endswith(REFERENCE):
        return read_reference(image[0])
    return image


def _link(path: str, source: Path) -> Piece:
    def link(target: Path) -> Problems:
        partial = target.with_name(f".{target.name}.{os.getpid()}")
        try:
            partial.symlink_to(source)
            partial.replace(target)
        except OSError as error:
            partial.unlink(missing_ok=True)
            raise VoxloopError(
                f"{target} cannot be a link to {source} ({error.strerror}); bring the data in with --copy."
            ) from error
        return ()

    return Piece(path, _state("link", str(source)), link)


def _copy(path: str, image: tuple[Source, ...]) -> Piece:
    def copy(target: Path) -> Problems:
        only = image[0] if len(image) == 1 else None
        if isinstance(only, Path) and only.name.lower().endswith((".nii", OWN)):
            _copy_nifti(only, target)
        else:
            scan = opened(image, target)
            write_volume(target, scan.array(), scan.geometry)
        return ()

    files = [file for source in image for file in (source if isinstance(source, tuple) else (source,))]
    return Piece(path, _state("copy", _named(image), [_stamped(file) for file in files]), copy)


def opened(image: tuple[Source, ...], near: Path) -> Scan:
    """The scan that sources make; several are read through a reference that lies beside `near` for that moment."""
    if len(image) == 1 and isinstance(image[0], Path):
        return open_scan(image[0])
    reference = near.with_name(f".{near.name}.{os.getpid()}{REFERENCE}")
    try:
        write_reference(reference, image)
        return open_scan(reference)
    finally:
        reference.unlink(missing_ok=True)


def _copy_nifti(source: Path, target: Path) -> None:
    """The same bytes, packed: every field of the header stays, also those that we do not know."""
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with source.open("rb") as read, partial.open("wb") as written:
            packed = read.read(2) == b"\x1f\x8b"
            read.seek(0)
            if packed:
                shutil.copyfileobj(read, written, 1 << 20)
            else:
                with gzip.GzipFile("", "wb", 6, written, 0) as out:
                    shutil.copyfileobj(read, out, 1 << 20)
        partial.replace(target)
    except OSError as error:
        raise VoxloopError(f"{source} cannot be copied ({error.strerror}); check the disk and its space.") from error
    finally:
        partial.unlink(missing_ok=True)


def _named(image: tuple[Source, ...]) -> list[Any]:
    return [
        [*(["gaps filled"] if isinstance(source, Filled) else []), *map(str, source)]
        if isinstance(source, tuple)
        else str(source)
        for source in image
    ]


def _stamped(file: Path) -> list[Any]:
    try:
        found = file.stat()
    except OSError as error:
        raise VoxloopError(f"{file} cannot be read ({error.strerror}); bring it back.") from error
    return [str(file), found.st_size, found.st_mtime_ns]


def _state(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]
