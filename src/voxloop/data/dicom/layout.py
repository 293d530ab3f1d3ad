"""How pixels lie in a file, as its header says."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from voxloop.data.dicom.stream import BIG_ENDIAN, DEFLATED, EXPLICIT, IMPLICIT

UNCOMPRESSED = (IMPLICIT, EXPLICIT, DEFLATED, BIG_ENDIAN)


@dataclass(frozen=True, slots=True)
class Layout:
    """How pixels lie in a file, checked against the bytes that are there."""

    path: Path
    syntax: str
    offset: int
    length: int | None
    rows: int
    columns: int
    frames: int
    allocated: int
    stored: int
    high: int
    signed: bool
    words: bool

    @property
    def compressed(self) -> bool:
        return self.syntax not in UNCOMPRESSED

    @property
    def bounds(self) -> tuple[int, int]:
        """The least and the greatest value that the stored bits can say."""
        return (-(2 ** (self.stored - 1)), 2 ** (self.stored - 1) - 1) if self.signed else (0, 2**self.stored - 1)
