"""The beginning of a stored file as a person can read it: text, a table, or word that it is neither."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Literal

from voxloop.errors import VoxloopError
from voxloop.store.blobs import Blobs
from voxloop.store.records import ArtifactVersion

MOST_BYTES = 256 * 1024
MOST_ROWS = 200
MOST_COLUMNS = 60
MOST_CELL = 400
# What a browser draws from its bytes alone; the page asks for the whole file.
IMAGES = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp")
What = Literal["json", "markdown", "table", "text", "image", "binary"]
KINDS: dict[str, What] = {".json": "json", ".md": "markdown", ".markdown": "markdown", ".csv": "table", ".tsv": "table"}


@dataclass(frozen=True, slots=True)
class Preview:
    """`whole` where nothing was left out."""

    what: What
    text: str
    rows: tuple[tuple[str, ...], ...]
    whole: bool


def shown(path: str) -> str:
    """A manifest's path as text that can be sent: a file's name may be bytes that are no letters."""
    return path.encode("utf-8", "replace").decode()


def file_of(version: ArtifactVersion, path: str) -> dict[str, Any]:
    """The digest and size of one of a version's files, by its path as it is shown."""
    for name, file in version.files.items():
        if path in (name, shown(name)):
            return file
    raise VoxloopError(f'{version.ref} has no file "{path[:200]}"; its list of files says which it has.')


def preview(version: ArtifactVersion, path: str, blobs: Blobs) -> Preview:
    """What a file begins with. No more of it is read than is shown."""
    file = file_of(version, path)
    ending = PurePosixPath(path).suffix.lower()
    try:
        with blobs.path(file["digest"]).open("rb") as source:
            content = source.read(MOST_BYTES + 1)
    except FileNotFoundError as error:
        raise VoxloopError(
            f'{version.ref}: the blob of {path} is missing; "voxloop doctor" says what else is; bring {blobs.folder} back from a backup.'
        ) from error
    whole = len(content) <= MOST_BYTES
    if ending in IMAGES:
        return Preview("image", "", (), True)
    text = _text(content[:MOST_BYTES], whole)
    if text is None:
        return Preview("binary", "", (), False)
    what: What = KINDS.get(ending, "text")
    if what == "table":
        rows, all_there = _table(text, "\t" if ending == ".tsv" else ",")
        return Preview("table", "", rows, whole and all_there)
    return Preview(what, text, (), whole)


def _text(content: bytes, whole: bool) -> str | None:
    if b"\0" in content:
        return None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # The last letter may be cut in two by the limit.
        if not whole and error.start > len(content) - 4:
            return content[: error.start].decode("utf-8-sig")
        return None


def _table(text: str, separator: str) -> tuple[tuple[tuple[str, ...], ...], bool]:
    rows: list[tuple[str, ...]] = []
    complete = True
    try:
        for row in csv.reader(text.splitlines(keepends=True), delimiter=separator):
            if len(rows) == MOST_ROWS:
                complete = False
                break
            complete = complete and len(row) <= MOST_COLUMNS and all(len(cell) <= MOST_CELL for cell in row)
            rows.append(tuple(cell[:MOST_CELL] for cell in row[:MOST_COLUMNS]))
    except csv.Error:
        # A cell without an end is longer than the reader takes: what came before it is shown.
        complete = False
    return tuple(rows), complete
