"""MetaImage files (.mha, .mhd), as ITK writes them, read with suspicion.

Their millimetres run to the left, to the back and upwards, as in ITK and DICOM. What is missing has a value by the format's own
definition: no TransformMatrix is no rotation, no Offset is 0, 0, 0, no ElementSpacing is one millimetre.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from voxloop.data.formats.stored import Stored, beside, listed, numbered, require_whole, voxels
from voxloop.data.geometry import Geometry
from voxloop.data.scans import Scan, reason, require_believable
from voxloop.errors import VoxloopError

MOST_HEADER_BYTES, MOST_LINES = 1 << 20, 10_000
DTYPES = {
    "MET_CHAR": "i1",
    "MET_UCHAR": "u1",
    "MET_SHORT": "i2",
    "MET_USHORT": "u2",
    "MET_INT": "i4",
    "MET_UINT": "u4",
    "MET_LONG": "i4",
    "MET_ULONG": "u4",
    "MET_LONG_LONG": "i8",
    "MET_ULONG_LONG": "u8",
    "MET_FLOAT": "f4",
    "MET_DOUBLE": "f8",
}


def open_scan(path: Path) -> Scan:
    """Reads a header and checks that it can be true of its file."""
    fields, rest, end = _header(path)
    try:
        sizes = [int(side) for side in fields["DimSize"].split()[:16]]
        if len(sizes) != int(fields["NDims"]) or len(sizes) not in (3, 4):
            raise VoxloopError(
                f"{path.name} has {len(sizes)} axes; a scan has three, or four where the last one counts its channels."
            )
        interleaved = int(fields.get("ElementNumberOfChannels", "1"))
        if interleaved > 1 and len(sizes) == 4:
            raise VoxloopError(
                f"{path.name} has both channels and a fourth axis; save it as one volume for each channel."
            )
        affine = _affine(path, fields, len(sizes))
        stored = _stored(path, fields, rest, end, sizes, interleaved)
    except (KeyError, ValueError, IndexError, OverflowError, OSError) as error:
        why = f"it lacks {error}" if isinstance(error, KeyError) else reason(error)
        raise VoxloopError(f"{path.name} has a broken header ({why}); write it anew from its source.") from error
    channels = interleaved if len(sizes) == 3 else sizes[3]
    require_believable(path, (*sizes[:3], channels), affine)
    require_whole(stored)
    grid = Geometry((sizes[0], sizes[1], sizes[2]), affine)
    return Scan(path, grid, channels, stored.dtype.newbyteorder("="), partial(voxels, stored))


def _header(path: Path) -> tuple[dict[str, str], list[str], int]:
    """The fields up to ElementDataFile, the lines after it, and where it ends."""
    with path.open("rb") as file:
        start = file.read(MOST_HEADER_BYTES)
    fields: dict[str, str] = {}
    end = 0
    for _ in range(MOST_LINES):
        stop = start.find(b"\n", end)
        line = start[end : stop if stop >= 0 else len(start)]
        end = stop + 1 if stop >= 0 else len(start)
        name, equals, value = line.partition(b"=")
        if not name.strip() or not equals or b"\0" in line:
            break
        fields[name.strip().decode("utf-8", errors="replace")] = value.strip().decode("utf-8", errors="replace")
        if "ElementDataFile" in fields:
            break
    if "ElementDataFile" not in fields:
        raise VoxloopError(f"{path.name} is no MetaImage file, or cut off within its header; copy it again.")
    named = fields["ElementDataFile"].split()[:1] == ["LIST"]
    rest = start[end:].decode("utf-8", errors="replace").split("\n") if named else []
    return fields, [one.strip() for one in rest if one.strip()], end


def _stored(
    path: Path, fields: dict[str, str], rest: list[str], end: int, sizes: list[int], interleaved: int
) -> Stored:
    if fields["ElementType"].removesuffix("_ARRAY") not in DTYPES:
        raise VoxloopError(f"{path.name} holds voxels of the type {fields['ElementType'][:40]}; save it as numbers.")
    # Without the field ITK, too, takes them for binary.
    if not _yes(fields, "BinaryData", "True"):
        raise VoxloopError(f"{path.name} keeps its voxels as text, which is not read here; save it as binary.")
    slope = float(fields.get("ElementToIntensityFunctionSlope", "1"))
    intercept = float(fields.get("ElementToIntensityFunctionOffset", "0"))
    if (slope, intercept) != (1.0, 0.0):
        raise VoxloopError(
            f"{path.name} asks for its voxels to be scaled (by {slope:g}, plus {intercept:g}), which most programs pass over; "
            "save it with the values that it means."
        )
    dtype = np.dtype(DTYPES[fields["ElementType"].removesuffix("_ARRAY")])
    big = _yes(fields, "BinaryDataByteOrderMSB") or _yes(fields, "ElementByteOrderMSB")
    files, start = _files(path, fields["ElementDataFile"], rest), int(fields.get("HeaderSize", "0"))
    if start < -1:
        raise ValueError(f"it skips {start} bytes")
    if files == (path,):
        if start > 0:
            raise VoxloopError(f"{path.name} skips bytes of its own header; write it anew from its source.")
        start = end
    packed = _yes(fields, "CompressedData")
    packed_bytes = int(fields.get("CompressedDataSize", "0"))
    if packed and (start < 0 or packed_bytes < 0):
        raise ValueError(f"{packed_bytes} packed bytes after {start} others")
    return Stored(
        path,
        files,
        start,
        dtype.newbyteorder(">" if big else "<"),
        (interleaved, *sizes) if interleaved > 1 else tuple(sizes),
        0 if interleaved > 1 else 3 if len(sizes) == 4 else None,
        packed,
        packed_bytes if packed and packed_bytes and len(files) == 1 else None,
    )


def _files(path: Path, named: str, rest: list[str]) -> tuple[Path, ...]:
    words = named.split()
    if named.upper() == "LOCAL":
        return (path,)
    if words[:1] == ["LIST"]:
        return listed(path, rest)
    if len(words) >= 3 and "%" in words[0]:
        step = int(words[3]) if len(words) > 3 else 1
        return numbered(path, words[0], int(words[1]), int(words[2]), step)
    return (beside(path, named),)


def _affine(path: Path, fields: dict[str, str], axes: int) -> npt.NDArray[np.float64]:
    """Index to RAS millimetres. Each row of TransformMatrix is the direction of one axis."""
    if fields.get("DistanceUnits", "mm") not in ("mm", "?"):
        raise VoxloopError(f"{path.name} is measured in {fields['DistanceUnits'][:20]}; save it in millimetres.")
    turn = (
        _numbers(fields, ("TransformMatrix", "Rotation", "Orientation"), axes * axes, np.eye(axes))
        .reshape(axes, axes)
        .T
    )
    spacing = _numbers(fields, ("ElementSpacing", "ElementSize"), axes, np.ones(axes))
    origin = _numbers(fields, ("Offset", "Position", "Origin"), axes, np.zeros(axes))
    if axes == 4 and (turn[3, :3].any() or turn[:3, 3].any()):
        raise VoxloopError(f"{path.name} turns its channels into space; write it anew from its source.")
    affine = np.eye(4)
    with np.errstate(invalid="ignore", over="ignore"):
        affine[:3, :3] = turn[:3, :3] * spacing[:3]
    affine[:3, 3] = origin[:3]
    affine[:2] *= -1.0
    # Zero has no sign.
    return affine + 0.0


def _numbers(fields: dict[str, str], names: tuple[str, ...], count: int, default: Any) -> npt.NDArray[np.float64]:
    said = next((fields[name] for name in names if name in fields), None)
    if said is None:
        return np.asarray(default, dtype=np.float64)
    numbers = np.array([float(number) for number in said.split()])
    if len(numbers) != count:
        raise ValueError(f"{names[0]} has {len(numbers)} numbers, not {count}")
    return numbers


def _yes(fields: dict[str, str], name: str, default: str = "False") -> bool:
    return fields.get(name, default).strip().lower() in ("true", "1", "yes")
