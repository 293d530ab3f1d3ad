"""Packed voxels (gzip, zlib) read with suspicion. How much a file may unpack to is said here, once, for every format.

A stream is refused that claims more than deflate can pack, and one that is both huge when unpacked and nearly empty. An
empty label map of 512×512×1000 voxels is as empty as a bomb; it is smaller.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from voxloop.errors import VoxloopError

GZIP = b"\x1f\x8b"
# Deflate packs 258 bytes into two bits at best: https://zlib.net/zlib_tech.html.
MOST_RATIO = 1032
# The largest empty label maps seen in practice are 512×512×1000 voxels of eight bytes each.
BOMB_BYTES, BOMB_RATIO = 2**31, 200
# What a stream holds that does not say its length is counted, as far as a second or so goes.
COUNTED_BYTES, COUNTED_RATIO = 2**28, 4
STEP = 1 << 20
EITHER = 32 + zlib.MAX_WBITS


def require_plausible(path: Path, packed: int, unpacked: int, in_memory: int = 0) -> None:
    """Refuses a stream that cannot hold what its header claims, and one that would fill the memory with nothing."""
    if unpacked > packed * MOST_RATIO:
        raise VoxloopError(
            f"{path.name} claims {unpacked:,} bytes of voxels in {packed:,} packed bytes, which cannot be; "
            "its header is damaged, or the file is cut off."
        )
    large = max(unpacked, in_memory)
    if large > BOMB_BYTES and large > packed * BOMB_RATIO:
        raise VoxloopError(
            f"{path.name} would unpack to {large / 2**30:.1f} GiB from {packed / 2**20:.1f} MiB, as files do that are meant to harm; "
            "if it is sound, save it unpacked."
        )


def require_unpacks(path: Path, start: int, expected: int, in_memory: int = 0) -> None:
    """Refuses a file whose stream, from byte `start`, ends before `expected` bytes do; without reading it where its end tells.

    gzip ends with the unpacked size. Where that disagrees, as in a file packed in several members, the bytes are counted,
    up to a limit; what lies beyond is found when the voxels are read.
    """
    packed = path.stat().st_size - start
    require_plausible(path, packed, expected, in_memory)
    with path.open("rb") as file:
        file.seek(start)
        if file.read(2) == GZIP and packed >= 18:
            file.seek(-4, 2)
            if int.from_bytes(file.read(4), "little") == expected % 2**32:
                return
        file.seek(start)
        enough = min(expected, max(COUNTED_BYTES, packed * COUNTED_RATIO))
        there = 0
        try:
            for chunk in unpacked(file):
                there += len(chunk)
                if there >= enough:
                    return
        except zlib.error:
            pass
    raise cut_off(path, there, expected)


def unpacked(file: BinaryIO) -> Iterator[bytes]:
    """What a stream holds from where `file` stands, through all its members, at most a megabyte at a time.

    It ends where the file does, also in the middle of a member; a damaged one raises zlib.error.
    """
    member, waiting = zlib.decompressobj(EITHER), b""
    while True:
        waiting = waiting or file.read(1 << 16)
        if not waiting:
            return
        chunk = member.decompress(waiting, STEP)
        waiting = member.unconsumed_tail
        if member.eof:
            # Some writers fill up the last block with zeros.
            waiting = member.unused_data.lstrip(b"\0")
            member = zlib.decompressobj(EITHER)
        if chunk:
            yield chunk


def first_bytes(path: Path, count: int) -> bytes:
    """The first bytes of a file, of what is in it where it is packed; fewer where it ends before."""
    with path.open("rb") as file:
        if file.read(2) != GZIP:
            file.seek(0)
            return file.read(count)
        file.seek(0)
        there = bytearray()
        try:
            for chunk in unpacked(file):
                there += chunk
                if len(there) >= count:
                    break
        except zlib.error:
            pass
        return bytes(there[:count])


def unpack_into(target: npt.NDArray[Any], path: Path, start: int, skip: int) -> None:
    """Fills an array of bytes from the stream at byte `start`, after the first `skip` bytes in it."""
    there = -skip
    with path.open("rb") as file:
        file.seek(start)
        chunks = unpacked(file)
        try:
            for chunk in chunks:
                wanted = np.frombuffer(chunk, np.uint8)[max(0, -there) :]
                at = max(0, there)
                there += len(chunk)
                target[at : at + len(wanted)] = wanted[: len(target) - at]
                if there >= len(target):
                    # The checksum comes after the last voxel.
                    next(chunks, None)
                    return
        except zlib.error as error:
            # Whatever else stands behind the stream does no harm.
            if there >= len(target) and "data check" not in str(error):
                return
            raise VoxloopError(f"{path.name} is damaged ({error}); copy or download it again.") from error
    raise cut_off(path, max(0, there), len(target))


def cut_off(path: Path, there: int, expected: int) -> VoxloopError:
    return VoxloopError(
        f"{path.name} is cut off: {there:,} of {expected:,} bytes are there; copy or download it again."
    )
