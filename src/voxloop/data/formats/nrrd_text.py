"""The text that an NRRD file begins with, taken apart: https://teem.sourceforge.net/nrrd/format.html."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from voxloop.errors import VoxloopError

# Slicer describes each segment in about a kilobyte.
MOST_HEADER_BYTES = 2 << 20
END = re.compile(rb"\r?\n\r?\n")
LINE = re.compile(r"\r?\n")
ESCAPED = re.compile(r"\\([n\\])")
SPELLINGS = {"datafile": "data file", "byteskip": "byte skip", "lineskip": "line skip"}


@dataclass(frozen=True, slots=True)
class Header:
    """The text of a header: its fields, what others wrote in as keys, and where it ends."""

    fields: dict[str, str]
    keys: dict[str, str]
    after_list: list[str]
    end: int


def read_header(path: Path) -> Header:
    """Reads no further than a header may go; what stands in it is believed by nobody yet."""
    with path.open("rb") as file:
        start = file.read(MOST_HEADER_BYTES)
    if not re.match(rb"NRRD000[1-9]\r?\n", start):
        raise VoxloopError(f"{path.name} is no NRRD file; is its ending right?")
    blank = END.search(start)
    text = start[: blank.start()] if blank else start
    fields: dict[str, str] = {}
    keys: dict[str, str] = {}
    lines = LINE.split(text.decode("utf-8", errors="replace"))[1:]
    for number, line in enumerate(lines):
        name, colon, value = line.partition(":")
        if line.startswith("#") or not colon:
            continue
        if value.startswith("="):
            keys[name] = ESCAPED.sub(lambda found: "\n" if found[1] == "n" else "\\", value[1:])
            continue
        name = SPELLINGS.get(name.lower(), name.lower())
        fields[name] = value.strip()
        if name == "data file" and value.split()[:1] == ["LIST"]:
            return Header(fields, keys, [one.strip() for one in lines[number + 1 :] if one.strip()], 0)
    if blank is None and "data file" not in fields:
        raise VoxloopError(f"{path.name} is cut off within its header; copy or download it again.")
    return Header(fields, keys, [], blank.end() if blank else 0)
