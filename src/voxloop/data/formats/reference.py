"""Volumes that are not one file (.volume.json): a text that says which files, or which DICOM slices, are its channels.

    {"voxloop": "volume", "version": 1, "channels": [{"file": "t1.nii.gz"}, {"dicom": ["1.dcm", "2.dcm"]}]}

Paths are absolute, or relative to the text's own folder. Each source is one channel, all lie on one grid, and they are
stacked on the last axis; of one channel the volume has three axes. {"dicom": [...], "gaps": "filled"} has slices that are missing
interpolated from their neighbours.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from voxloop.data.scans import Scan, require_same_grid
from voxloop.data.scans import open_scan as open_any
from voxloop.data.whole import write_json
from voxloop.errors import VoxloopError

ENDING = ".volume.json"
VERSION = 1
# A path for each of some thousand slices takes about a megabyte.
MOST_BYTES = 32 << 20
MOST_CHANNELS = 1000


class Filled(tuple[Path, ...]):
    """The slices of a DICOM series whose gaps are filled by interpolation, because somebody asked for that."""

    __slots__ = ()


# A file, or the slices of a DICOM series.
Source = Path | tuple[Path, ...]


def open_scan(path: Path) -> Scan:
    """Opens every channel's source and checks that they lie on one grid."""
    scans = []
    for number, source in enumerate(read_reference(path), start=1):
        try:
            scans.append(_open(source))
            if scans[-1].channels != 1:
                raise VoxloopError(
                    f"{scans[-1].path.name} has {scans[-1].channels} channels of its own; name a file for each channel."
                )
        except VoxloopError as error:
            raise VoxloopError(f"{path.name}, channel {number}: {error}") from error
        require_same_grid(
            path.name, scans[-1].geometry, scans[0].geometry, what=f"channel {number}", of="first channel"
        )
    dtype = np.result_type(*(scan.dtype for scan in scans))
    return Scan(path, scans[0].geometry, len(scans), dtype, partial(_stacked, tuple(scans)))


def read_reference(path: Path) -> tuple[Source, ...]:
    """What a reference names as its channels, with every path made absolute; files are not looked at."""
    if path.stat().st_size > MOST_BYTES:
        raise VoxloopError(
            f"{path.name} has {path.stat().st_size:,} bytes, too many for a list of files; make it anew."
        )
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise VoxloopError(f"{path.name} is no valid JSON ({error}); make it anew from its source.") from error
    if not isinstance(content, dict) or content.get("voxloop") != "volume":
        raise VoxloopError(
            f'{path.name} is no reference to a volume (it does not say "voxloop": "volume"); make it anew.'
        )
    if content.get("version") != VERSION:
        raise VoxloopError(
            f"{path.name} is of version {str(content.get('version'))[:20]}, and {VERSION} is known here; update voxloop to read it."
        )
    channels = content.get("channels")
    if not isinstance(channels, list) or not 1 <= len(channels) <= MOST_CHANNELS:
        raise VoxloopError(f'{path.name} lists no channels; give it a source for each under "channels".')
    return tuple(_source(path, number, channel) for number, channel in enumerate(channels, start=1))


def write_reference(path: Path, sources: Sequence[Path | Sequence[Path]]) -> None:
    """Writes a reference to one file, or one list of DICOM slices, for each channel; whole or not at all.

    What lies beside the reference or below is named relative to it, so that the folder may move; all else by its absolute path.
    """
    if not path.name.endswith(ENDING):
        raise VoxloopError(f"{path.name} is no name for a reference; let it end in {ENDING}.")
    if not sources or any(not isinstance(source, Path) and not source for source in sources):
        raise VoxloopError(f"{path.name} would refer to nothing; give it a file, or slices, for each channel.")
    channels: list[dict[str, Any]] = [
        {"file": _named(source, path)}
        if isinstance(source, Path)
        else {
            "dicom": [_named(slice_file, path) for slice_file in source],
            **({"gaps": "filled"} if isinstance(source, Filled) else {}),
        }
        for source in sources
    ]
    write_json(path, {"voxloop": "volume", "version": VERSION, "channels": channels})


def _source(path: Path, number: int, channel: object) -> Source:
    match channel:
        case {"file": str(name)} if name and "\0" not in name:
            return path.parent.absolute() / name
        case {"dicom": [str(), *_] as names} if all(
            isinstance(name, str) and name and "\0" not in name for name in names
        ):
            files = tuple(path.parent.absolute() / name for name in names)
            assert isinstance(channel, dict), "matched above"
            return Filled(files) if channel.get("gaps") == "filled" else files
    raise VoxloopError(
        f'{path.name}, channel {number}: its source is neither {{"file": PATH}} nor {{"dicom": [PATH, ...]}}; make it anew.'
    )


def _open(source: Source) -> Scan:
    if isinstance(source, tuple):
        missing = [file for file in source if not file.is_file()]
        if missing:
            raise VoxloopError(
                f"{len(missing)} of {len(source)} slices are not there, {missing[0]} for one; bring them back."
            )
        from voxloop.data.dicom import open_series

        return open_series(source, fill_missing=isinstance(source, Filled))
    if source.name.lower().endswith(ENDING):
        raise VoxloopError(f"{source.name} is a reference itself; name the files that it refers to.")
    return open_any(source)


def _stacked(scans: tuple[Scan, ...]) -> npt.NDArray[Any]:
    if len(scans) == 1:
        return scans[0].array()
    first = scans[0].array()
    dtypes = [first.dtype]
    stacked = np.empty((*first.shape, len(scans)), first.dtype, order="F")
    stacked[..., 0] = first
    for number, scan in enumerate(scans[1:], start=1):
        voxels = scan.array()
        dtypes.append(voxels.dtype)
        stacked = stacked.astype(np.result_type(*dtypes), copy=False)
        stacked[..., number] = voxels
    return stacked


def _named(source: Path, path: Path) -> str:
    folder, source = path.parent.absolute(), source.absolute()
    return source.relative_to(folder).as_posix() if source.is_relative_to(folder) else source.as_posix()
