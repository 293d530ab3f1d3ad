"""Checksums as zoos publish them, and whether a file is the one that was published."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from voxloop.data.fetch.places import Progress
from voxloop.errors import VoxloopError

LENGTHS = {"md5": 32, "sha1": 40, "sha256": 64, "sha512": 128}
CHUNK = 1 << 20
CHECKING = "Checking"


@dataclass(frozen=True, slots=True)
class Checksum:
    """`kind` is md5, sha1, sha256, sha512, or git for what Git calls a blob."""

    kind: str
    value: str

    @classmethod
    def of(cls, kind: str, value: Any, where: str) -> Checksum:
        """A checksum as somebody wrote it; refused where it is none."""
        said, name = str(value).strip().lower(), kind.strip().lower()
        if name not in LENGTHS or not re.fullmatch(rf"[0-9a-f]{{{LENGTHS.get(name, 0)}}}", said):
            raise VoxloopError(
                f"{where} gives {said[:80]!r} as a {name[:20]!r}, which is no checksum; correct it, or get it again."
            )
        return cls(name, said)

    def __str__(self) -> str:
        return f"{self.kind} {self.value}"


def of_file(path: Path, kinds: Sequence[str], progress: Progress | None = None) -> dict[str, str]:
    """The checksums of a file, all of them in one reading."""
    total, done = path.stat().st_size, 0
    hashes = {kind: hashlib.new("sha1" if kind == "git" else kind, usedforsecurity=False) for kind in kinds}
    if "git" in hashes:
        hashes["git"].update(b"blob %d\0" % total)
    with path.open("rb") as file:
        while data := file.read(CHUNK):
            for one in hashes.values():
                one.update(data)
            done += len(data)
            if progress is not None:
                progress(done, max(total, done), CHECKING)
    return {kind: one.hexdigest() for kind, one in hashes.items()}


def mismatch(path: Path, wanted: Sequence[Checksum], progress: Progress | None = None) -> str | None:
    """What is wrong with a file, or None where it is the one that was published."""
    there = of_file(path, sorted({one.kind for one in wanted}), progress) if wanted else {}
    for one in wanted:
        if there[one.kind] != one.value:
            return f"its {one.kind} is {there[one.kind]}, not {one.value}"
    return None
