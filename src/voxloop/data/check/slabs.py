"""A scan's voxels, a few planes at a time, so that memory stays bounded whatever the file holds or claims."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np
import numpy.typing as npt

from voxloop.data.geometry import Index
from voxloop.data.scans import Scan, sides
from voxloop.errors import VoxloopError

# A slab of this many voxels stays in a processor's cache while it is looked at.
VOXELS_PER_SLAB = 1 << 20
# 4096 × 4096 is more than any scanner's plane; one plane has to fit into memory a few times over.
MOST_PER_PLANE = 1 << 24
# Formats that are only read at once may be this large.
MOST_AT_ONCE = 512 << 20
# Zeros pack a thousand times, and an empty label of a large scan does; but not to more than this.
MOST_UNPACKED, MOST_PACKING = 4 << 30, 200


class TooLargeAtOnceError(VoxloopError):
    """Voxels that this format gives only all at once, and that are too many for that."""


@dataclass(frozen=True, slots=True)
class Slab:
    """Planes `first` and on of a channel, as one row of values in which i runs fastest."""

    channel: int
    first: int
    planes: int
    values: npt.NDArray[Any]


def slabs(scan: Scan) -> Iterator[Slab]:
    """All voxels, channel by channel and plane by plane, in the scan's own type where it is not scaled."""
    ni, nj, _ = scan.geometry.shape
    if ni * nj > MOST_PER_PLANE:
        raise VoxloopError(
            f"{scan.path.name} claims planes of {ni}×{nj} voxels, which cannot be; its header is damaged."
        )
    return _nifti_slabs(scan) if _is_nifti(scan.path) else _array_slabs(scan)


def bomb_in(path: Path) -> str | None:
    """What makes a packed NIfTI file a bomb, from its header alone: more than any scan, packed into almost nothing."""
    if not path.name.lower().endswith(".nii.gz") or not path.is_file():
        return None
    with _Bytes(path) as file:
        try:
            header = bytes(file.read(348))
        except VoxloopError:
            return None
    order: Literal["<", ">"] = "<" if header[:4] == b"\x5c\x01\x00\x00" else ">"
    sides_, bits = np.frombuffer(header[42:56], f"{order}i2"), np.frombuffer(header[72:74], f"{order}i2")[0]
    size = float(np.prod(np.maximum(sides_[:4], 1).astype(float))) * max(1, int(bits)) / 8
    packed = path.stat().st_size
    # What is beyond belief is the header's lie, and told as that.
    if size > MOST_UNPACKED and MOST_PACKING * packed < size < 4096 * packed:
        return f"{path.name} has {packed:,} bytes and unpacks to {size / 2**30:.1f} GiB."
    return None


def _is_nifti(path: Path) -> bool:
    return path.name.lower().endswith((".nii", ".nii.gz"))


def thickness(shape: Index) -> int:
    """The planes of a slab, the same for a scan and a label of one shape."""
    return max(1, VOXELS_PER_SLAB // (shape[0] * shape[1]))


def _array_slabs(scan: Scan) -> Iterator[Slab]:
    _, _, nk = scan.geometry.shape
    size = np.prod([float(side) for side in scan.geometry.shape]) * scan.channels * scan.dtype.itemsize
    if size > MOST_AT_ONCE:
        raise TooLargeAtOnceError(
            f"{scan.path.name} holds {size / 2**30:.1f} GiB ({sides(scan.geometry.shape)}), too much to read at once."
        )
    voxels = scan.array()
    for channel in range(scan.channels):
        volume = voxels[..., channel] if voxels.ndim == 4 else voxels
        for first in range(0, nk, thickness(scan.geometry.shape)):
            part = volume[:, :, first : first + thickness(scan.geometry.shape)]
            yield Slab(channel, first, part.shape[2], part.ravel(order="F"))


def _nifti_slabs(scan: Scan) -> Iterator[Slab]:
    import nibabel as nib

    proxy = nib.load(scan.path).dataobj
    dtype, slope, inter = np.dtype(proxy.dtype), float(proxy.slope), float(proxy.inter)
    if dtype.kind not in "iuf" or dtype.itemsize > 8:
        raise VoxloopError(f"{scan.path.name} holds {dtype} where one number per voxel is needed; export it anew.")
    ni, nj, nk = scan.geometry.shape
    with _Bytes(scan.path) as file:
        file.read(int(proxy.offset))
        for channel in range(scan.channels):
            for first in range(0, nk, thickness(scan.geometry.shape)):
                planes = min(thickness(scan.geometry.shape), nk - first)
                values: npt.NDArray[Any] = np.frombuffer(file.read(ni * nj * planes * dtype.itemsize), dtype)
                if (slope, inter) != (1.0, 0.0):
                    exact = np.dtype(np.float32 if dtype.itemsize <= 2 else np.float64)
                    values = values.astype(exact) * exact.type(slope) + exact.type(inter)
                yield Slab(channel, first, planes, values)
        beyond = file.beyond(ni * nj * dtype.itemsize)
    if beyond >= max(ni * nj * dtype.itemsize, 1024):
        raise VoxloopError(
            f"{scan.path.name} claims {sides(scan.geometry.shape)} voxels and holds more than these, which cannot be; "
            "its header is damaged."
        )


class _Bytes:
    """A file read front to back, unpacked on the way where it is packed, never more of it than was asked for."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO = path.open("rb")
        packed = self._file.read(2) == b"\x1f\x8b"
        self._file.seek(0)
        # 31: the gzip form, with its check sum.
        self._unpack = zlib.decompressobj(31) if packed else None
        self._ahead = b""

    def __enter__(self) -> _Bytes:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def read(self, size: int) -> bytearray:
        """So many bytes, or an error where the file has fewer."""
        content = bytearray(size)
        filled, view = 0, memoryview(content)
        while filled < size:
            part = self._some(size - filled)
            if not part:
                raise VoxloopError(
                    f"{self._path.name} is cut off or damaged (it ends {size - filled:,} bytes before its voxels do); "
                    "copy or download it again."
                )
            view[filled : filled + len(part)] = part
            filled += len(part)
        return content

    def beyond(self, enough: int) -> int:
        """How many bytes follow, counted as far as that matters; reaching the end proves the check sum."""
        count = 0
        while count < enough:
            part = self._some(1 << 20)
            if not part:
                if self._unpack is not None and not self._unpack.eof:
                    raise VoxloopError(
                        f"{self._path.name} is cut off in its last bytes, the check sum; copy or download it again."
                    )
                break
            count += len(part)
        return count

    def _some(self, most: int) -> bytes:
        if self._unpack is None:
            return self._file.read(min(most, 1 << 22))
        try:
            while True:
                if self._unpack.eof and not self._next_member():
                    return b""
                self._ahead = self._ahead or self._file.read(1 << 18)
                # Called with nothing as well: what is packed tightly may wait inside for room to come out.
                part = self._unpack.decompress(self._ahead, most)
                if not part and not self._ahead and not self._unpack.eof:
                    return b""
                self._ahead = self._unpack.unconsumed_tail
                if part:
                    return part
        except zlib.error as error:
            raise VoxloopError(
                f"{self._path.name} is cut off or damaged ({error}); copy or download it again."
            ) from error

    def _next_member(self) -> bool:
        """gzip files may be several in a row; anything else behind the last one is not theirs."""
        assert self._unpack is not None, "only a packed file has members"
        follows = self._unpack.unused_data + self._file.read(1 << 18)
        if not follows.startswith(b"\x1f\x8b"):
            return False
        self._unpack, self._ahead = zlib.decompressobj(31), follows
        return True
