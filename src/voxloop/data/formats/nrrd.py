"""NRRD files (.nrrd, .nhdr), as 3D Slicer and ITK write them, read with suspicion; and the segments of a .seg.nrrd.

Read here rather than through a library: a text header that is understood once cannot mean one thing to a check and another
to the reader, and nothing is printed behind the terminal's back.

A scan has to say where it lies: `space` (towards left or right, posterior or anterior, superior) and `space directions`.
Readers differ in what they take for granted where these are missing, and a scan may end up mirrored; so it is
refused. Without `space origin` the first voxel lies at 0, 0, 0, as in ITK. Axes without a direction are channels, wherever they stand.
"""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from voxloop.data.formats.nrrd_text import Header, read_header
from voxloop.data.formats.stored import Stored, beside, listed, numbered, require_whole, voxels
from voxloop.data.geometry import Geometry
from voxloop.data.scans import Scan, reason, require_believable
from voxloop.errors import VoxloopError

VECTOR = re.compile(r"none|\([^()]*\)")
TYPES = {
    "i1": "signed char, int8, int8_t",
    "u1": "uchar, unsigned char, uint8, uint8_t",
    "i2": "short, short int, signed short, signed short int, int16, int16_t",
    "u2": "ushort, unsigned short, unsigned short int, uint16, uint16_t",
    "i4": "int, signed int, int32, int32_t",
    "u4": "uint, unsigned int, uint32, uint32_t",
    "i8": "longlong, long long, long long int, signed long long, signed long long int, int64, int64_t",
    "u8": "ulonglong, unsigned long long, unsigned long long int, uint64, uint64_t",
    "f4": "float",
    "f8": "double",
}
DTYPES = {name: code for code, names in TYPES.items() for name in names.split(", ")}
# What each space's axes are in right-anterior-superior.
SPACES = {
    **dict.fromkeys(("right-anterior-superior", "ras"), (1.0, 1.0, 1.0)),
    **dict.fromkeys(("left-anterior-superior", "las"), (-1.0, 1.0, 1.0)),
    **dict.fromkeys(("left-posterior-superior", "lps"), (-1.0, -1.0, 1.0)),
}
SEGMENT = re.compile(r"Segment(\d{1,6})_(Name|LabelValue|Layer)")


def open_scan(path: Path) -> Scan:
    """Reads a header and checks that it can be true of its file."""
    header = read_header(path)
    try:
        stored, affine = _stored(path, header), _affine(path, header.fields)
    except (KeyError, ValueError, IndexError, OverflowError, OSError) as error:
        raise VoxloopError(
            f"{path.name} has a broken header ({_missing(error)}); write it anew from its source."
        ) from error
    axis = stored.channel_axis
    sides = tuple(side for number, side in enumerate(stored.shape) if number != axis)
    channels = 1 if axis is None else stored.shape[axis]
    require_believable(path, (*sides, channels), affine)
    require_whole(stored)
    grid = Geometry((sides[0], sides[1], sides[2]), affine)
    return Scan(path, grid, channels, stored.dtype.newbyteorder("="), partial(voxels, stored))


def segment_names(path: Path) -> dict[int, str]:
    """The names that 3D Slicer gives to the values of a label map; none where a file has no segments.

    Segments that may lie over each other are kept in several layers, and a value of one is not the same in another.
    """
    found: dict[str, dict[str, str]] = {}
    for key, value in read_header(path).keys.items():
        if part := SEGMENT.fullmatch(key):
            found.setdefault(part[1], {})[part[2]] = value
    if len({parts.get("Layer", "0").strip() for parts in found.values()}) > 1:
        raise VoxloopError(
            f"{path.name} has segments that lie over each other, in several layers; export them from 3D Slicer as one label map."
        )
    try:
        return {
            int(parts["LabelValue"]): parts.get("Name", f"Segment {number}")
            for number, parts in sorted(found.items(), key=lambda item: int(item[0]))
            if "LabelValue" in parts
        }
    except ValueError as error:
        raise VoxloopError(
            f"{path.name} has a segment whose label value is no number; export it from 3D Slicer again."
        ) from error


def _stored(path: Path, header: Header) -> Stored:
    fields = header.fields
    sizes = tuple(int(side) for side in fields["sizes"].split()[:16])
    if len(sizes) != int(fields["dimension"]):
        raise ValueError(f"{fields['dimension'][:9]} axes, but {len(sizes)} sizes")
    if fields["type"].lower() not in DTYPES:
        raise VoxloopError(f"{path.name} holds voxels of the type {fields['type'][:40]}; save it as numbers.")
    encoding = fields["encoding"].lower()
    if encoding not in ("raw", "gzip", "gz"):
        raise VoxloopError(
            f"{path.name} keeps its voxels as {encoding[:40]}, which is not read here; save it with gzip, or not packed."
        )
    dtype = np.dtype(DTYPES[fields["type"].lower()])
    if dtype.itemsize > 1:
        dtype = dtype.newbyteorder(">" if fields["endian"].lower() == "big" else "<")
    skip = int(fields.get("byte skip", "0"))
    if int(fields.get("line skip", "0")) or skip < -1 or (skip == -1 and encoding != "raw"):
        raise VoxloopError(f"{path.name} skips what comes before its voxels; save it in one file.")
    files = _files(path, header)
    start = header.end if files == (path,) else 0
    return Stored(
        path,
        files,
        start if skip >= 0 else -1,
        dtype,
        sizes,
        _channel_axis(path, fields, len(sizes)),
        packed=encoding != "raw",
        skip=max(0, skip),
    )


def _files(path: Path, header: Header) -> tuple[Path, ...]:
    named = header.fields.get("data file")
    if named is None:
        return (path,)
    words = named.split()
    if words[:1] == ["LIST"]:
        return listed(path, header.after_list)
    if len(words) >= 4 and "%" in words[0]:
        first, last, step = (int(word) for word in words[1:4])
        return numbered(path, words[0], first, last, step)
    return (beside(path, named),)


def _vectors(fields: dict[str, str]) -> list[str]:
    return VECTOR.findall(fields["space directions"].lower())


def _channel_axis(path: Path, fields: dict[str, str], axes: int) -> int | None:
    if fields.get("space", "").lower() not in SPACES or "space directions" not in fields:
        said = fields.get("space", "no space")[:40] if "space directions" in fields else "no space directions"
        raise VoxloopError(
            f"{path.name} does not say where it lies in the patient ({said}); save it anew from its source, with its geometry."
        )
    vectors = _vectors(fields)
    if len(vectors) != axes:
        raise ValueError(f"{axes} axes, but {len(vectors)} space directions")
    without = [axis for axis, vector in enumerate(vectors) if vector == "none"]
    if axes - len(without) != 3 or len(without) > 1:
        raise VoxloopError(
            f"{path.name} has {axes} axes, {axes - len(without)} of them in space; a scan has three, and one more with channels."
        )
    return without[0] if without else None


def _affine(path: Path, fields: dict[str, str]) -> npt.NDArray[np.float64]:
    units = {unit.lower() for unit in re.findall(r'"([^"]*)"', fields.get("space units", ""))}
    if not units <= {"mm", "millimeter", "millimetre", ""}:
        raise VoxloopError(f"{path.name} is measured in {min(units - {'mm'})[:20]}; save it in millimetres.")
    affine = np.eye(4)
    spanned = [vector for vector in _vectors(fields) if vector != "none"]
    for axis, vector in enumerate(spanned):
        affine[:3, axis] = _numbers(vector)
    if "space origin" in fields:
        affine[:3, 3] = _numbers(fields["space origin"])
    affine[:3] *= np.array(SPACES[fields["space"].lower()])[:, None]
    # Zero has no sign.
    return affine + 0.0


def _numbers(vector: str) -> Any:
    numbers = [float(number) for number in vector.strip("() ").split(",")]
    if len(numbers) != 3:
        raise ValueError(f"{vector[:40]} has not three numbers")
    return numbers


def _missing(error: BaseException) -> str:
    return f"it lacks {error}" if isinstance(error, KeyError) else reason(error)
