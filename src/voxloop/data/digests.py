"""The content of scans and labels by its SHA-256, remembered for as long as their files do not change."""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from voxloop.data.formats.reference import ENDING as REFERENCE
from voxloop.data.formats.reference import read_reference
from voxloop.data.formats.stored import beside, listed, numbered
from voxloop.errors import VoxloopError

Progress = Callable[[int, int, str], None]
# A file that was written just now may be written again without its time telling; its digest is not remembered.
SETTLED_S = 3.0
# Hashing lets other threads run, and files on a share arrive faster side by side.
THREADS = 4
DETACHED = (".mhd", ".nhdr")
MOST_HEADER_BYTES = 4 << 20
NAMED = re.compile(r"^(?:ElementDataFile *=|data ?file *:)(.*)$((?s:.*))", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Content:
    """What a volume on disk is known by: a digest of all its bytes, and how many they are."""

    digest: str
    bytes: int


def digests(volumes: Sequence[Path], memory: Path | None = None, progress: Progress | None = None) -> list[Content]:
    """The content of each volume. `memory` is a file that keeps digests by path, size and time of each of a volume's files."""
    known = _remembered(memory)
    fresh: dict[str, str] = {}

    def one(volume: Path) -> Content:
        files = files_of(volume)
        key, size, newest = _state(volume, files)
        digest = known.get(key)
        if digest is None:
            digest = _digest(volume, files)
            if time.time() - newest > SETTLED_S:
                fresh[key] = digest
        return Content(digest, size)

    found: list[Content] = []
    try:
        with ThreadPoolExecutor(THREADS) as pool:
            for done, content in enumerate(pool.map(one, volumes)):
                if progress is not None:
                    progress(done, len(volumes), volumes[done].name)
                found.append(content)
    finally:
        # Also what was done before an error or Ctrl-C need not be done again.
        if memory is not None and fresh:
            _remember(memory, fresh)
    if progress is not None:
        progress(len(volumes), len(volumes), "")
    return found


def files_of(volume: Path) -> list[tuple[Path, ...]]:
    """The files that a volume's voxels are in, channel by channel."""
    name = volume.name.lower()
    if name.endswith(REFERENCE):
        sources = read_reference(volume)
        return [source if isinstance(source, tuple) else _with_voxels(source) for source in sources]
    return [_with_voxels(volume)]


def _with_voxels(file: Path) -> tuple[Path, ...]:
    """A file, and those that its header names where the voxels lie apart from it (.mhd, .nhdr)."""
    if not file.name.lower().endswith(DETACHED) or not file.is_file():
        return (file,)
    with file.open("rb") as opened:
        named = NAMED.search(opened.read(MOST_HEADER_BYTES).decode("utf-8", errors="replace"))
    words = named[1].split() if named else []
    if named is None or words[:1] == ["LOCAL"] or not words:
        return (file,)
    if words[0] == "LIST":
        return (file, *listed(file, [line.strip() for line in named[2].splitlines() if line.strip()]))
    if "%" in words[0] and len(words) >= 3 and all(word.isdecimal() for word in words[1:4]):
        step = int(words[3]) if len(words) > 3 else 1
        return (file, *numbered(file, words[0], int(words[1]), int(words[2]), step))
    return (file, beside(file, named[1].strip()))


def _state(volume: Path, files: Sequence[Sequence[Path]]) -> tuple[str, int, float]:
    """What tells without reading that a volume is still the same; its size, and when the newest of its files was written."""
    told: list[Any] = []
    size, newest = 0, 0.0
    for channel in files:
        for file in channel:
            try:
                found = file.stat()
            except OSError as error:
                raise VoxloopError(
                    f"{volume.name} needs {file}, which cannot be read ({error.strerror}); bring it back."
                ) from error
            told.append((os.path.realpath(file), found.st_size, found.st_mtime_ns))
            size, newest = size + found.st_size, max(newest, found.st_mtime)
        told.append(None)
    return hashlib.sha256(json.dumps(told).encode()).hexdigest(), size, newest


def _digest(volume: Path, files: Sequence[Sequence[Path]]) -> str:
    try:
        if len(files) == 1 and len(files[0]) == 1:
            return _of_file(files[0][0])
        # Of several files the digest is one over theirs, so that neither their names nor their folders count.
        each = [[_of_file(file) for file in channel] for channel in files]
        return hashlib.sha256(json.dumps(each).encode()).hexdigest()
    except OSError as error:
        raise VoxloopError(
            f"{volume.name} cannot be read ({error.strerror or error}); check the disk and its rights."
        ) from error


def _of_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _remembered(memory: Path | None) -> dict[str, str]:
    if memory is None:
        return {}
    try:
        content = json.loads(memory.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _remember(memory: Path, fresh: dict[str, str]) -> None:
    partial = memory.with_name(f".{memory.name}.{os.getpid()}")
    # Only time is lost where it cannot be kept.
    with suppress(OSError):
        memory.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(json.dumps({**_remembered(memory), **fresh}, indent=0), encoding="utf-8")
        partial.replace(memory)


def combined(contents: Iterable[Content]) -> str:
    """One digest of several contents, in their order."""
    return hashlib.sha256("".join(content.digest for content in contents).encode()).hexdigest()
