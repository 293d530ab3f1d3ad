"""A NIfTI file that lies is refused in a sentence, before its voxels are read and within bounded memory; sound oddities pass."""

from __future__ import annotations

import gzip
import struct
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from tests.data.test_formats_writing import filled, placed
from voxloop.data.formats.writing import write_volume
from voxloop.data.scans import open_scan
from voxloop.errors import VoxloopError

# The longest prefix that is read before a header is believed, and some room.
MOST_MEMORY = 200 << 20


def refused(path: Path, part: str, read: Callable[[Path], Any] = open_scan) -> None:
    """One sentence, and no more memory than a small scan takes."""
    tracemalloc.start()
    try:
        with pytest.raises(VoxloopError, match=part) as caught:
            read(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert "\n" not in str(caught.value)
    assert peak < MOST_MEMORY


def header(shape: tuple[int, ...] = (7, 11, 13), dtype: Any = np.int16, **fields: Any) -> bytes:
    made = nib.Nifti1Header(endianness="<")
    made.set_data_dtype(dtype)
    made.set_data_shape(shape)
    made.set_sform(np.diag([1.0, 1.0, 2.0, 1.0]), 1)
    made["magic"], made["vox_offset"] = b"n+1", 352
    for name, value in fields.items():
        made[name] = value
    return bytes(made.binaryblock) + bytes(4)


def zeros(count: int) -> bytes:
    """A gzip member of so many zeros, made from blocks that are packed once."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    once = 1 << 24
    block = packer.compress(bytes(once)) + packer.flush(zlib.Z_FULL_FLUSH)
    rest = packer.compress(bytes(count % once)) + packer.flush()
    checksum = zlib.crc32(bytes(count % once))
    for _ in range(count // once):
        checksum = zlib.crc32(bytes(once), checksum)
    start = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
    return start + block * (count // once) + rest + struct.pack("<II", checksum, count % 2**32)


def test_an_empty_label_map_is_no_bomb(tmp_path: Path) -> None:
    path = tmp_path / "empty.nii.gz"
    made = header((512, 512, 1000), np.uint8)
    # All zeros but the header, which the first member holds; as bgzip writes files, in several members.
    path.write_bytes(gzip.compress(made, mtime=0) + zeros(512 * 512 * 1000))
    assert path.stat().st_size < 300_000
    assert open_scan(path).array().max() == 0


def test_gigabytes_of_nothing_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.nii.gz"
    path.write_bytes(gzip.compress(header((1024, 1024, 4096), np.uint8)) + zeros(1 << 27) * 32)
    assert path.stat().st_size < 5 << 20
    refused(path, r"would unpack to 4\.0 GiB from 4\.")


def test_scaling_counts_in_what_a_file_unpacks_to(tmp_path: Path) -> None:
    path = tmp_path / "scaled.nii.gz"
    path.write_bytes(gzip.compress(header((512, 512, 2000), np.uint8, scl_slope=2, scl_inter=0)) + bytes(600_000))
    refused(path, r"would unpack to 3\.9 GiB")


@pytest.mark.parametrize(
    ("shape", "part"),
    [
        ((32767, 32767, 32767), r"claims 3\.52e\+13 voxels"),
        ((2000, 2000, 2000), "which cannot be"),
        ((300, 300, 300), "which cannot be"),
        ((20, 20, 20), "cut off: 2,354 of 16,352 bytes"),
    ],
)
@pytest.mark.parametrize("packed", [True, False])
def test_a_header_that_claims_more_than_its_file_holds(
    tmp_path: Path, shape: tuple[int, ...], part: str, packed: bool
) -> None:
    content = header(shape) + bytes(2002)
    path = tmp_path / ("a.nii.gz" if packed else "a.nii")
    path.write_bytes(gzip.compress(content) if packed else content)
    refused(path, part if packed or "cannot" not in part else "cut off")


def test_a_stream_that_lies_about_its_length_is_found_when_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.nii.gz"
    packed = gzip.compress(header((20, 20, 20)) + filled((1000,)).tobytes())
    path.write_bytes(packed[:-4] + struct.pack("<I", 352 + 16_000))
    scan = open_scan(path)
    refused(path, "cut off: 2,000 of 16,000 bytes|damaged", lambda path: scan.array())


@pytest.mark.parametrize("share", [0.02, 0.3, 0.9, 0.999])
def test_a_download_that_broke_off_is_refused(tmp_path: Path, share: float) -> None:
    path = tmp_path / "a.nii.gz"
    write_volume(path, filled((17, 31, 13)), placed((17, 31, 13)))
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    refused(path, r"a\.nii\.gz (is cut off|is no readable NIfTI file)")


@pytest.mark.parametrize("voxels", [filled((17, 31, 13)), filled((17, 31, 13)) % 5])
def test_a_flipped_byte_is_noticed(tmp_path: Path, voxels: Any) -> None:
    path = tmp_path / "a.nii.gz"
    write_volume(path, voxels, placed((17, 31, 13)))
    whole = bytearray(path.read_bytes())
    whole[len(whole) // 2] ^= 0x40
    path.write_bytes(whole)
    scan = open_scan(path)
    refused(path, "is damaged|cut off", lambda path: scan.array())


@pytest.mark.parametrize("dtype", [np.uint8, ">i2", np.int32, np.float32, np.float64])
@pytest.mark.parametrize("slope", [(1, 0), (2.5, -1024), (np.nan, 0), (1, 3)])
def test_packed_voxels_are_what_nibabel_reads(tmp_path: Path, dtype: Any, slope: tuple[float, float]) -> None:
    made = header(dtype=np.dtype(dtype).newbyteorder("<"), scl_slope=slope[0], scl_inter=slope[1])
    for name, order in (("little.nii.gz", "<"), ("big.nii.gz", ">")):
        swapped = nib.Nifti1Header(made[:348]).as_byteswapped(order).binaryblock + bytes(4)
        voxels = filled((7, 11, 13), np.dtype(dtype).str[1:]).astype(np.dtype(dtype).newbyteorder(order))
        (tmp_path / name).write_bytes(gzip.compress(swapped + voxels.tobytes("F")))
        expected = np.asanyarray(nib.load(tmp_path / name).dataobj)
        there = open_scan(tmp_path / name).array()
        assert there.dtype == expected.dtype
        assert np.array_equal(there, expected)


@pytest.mark.parametrize("offset", [np.nan, np.inf, -np.inf, -352.0, 1.0, 1e30, 2.0**31])
def test_voxels_do_not_begin_anywhere(tmp_path: Path, offset: float) -> None:
    (tmp_path / "a.nii").write_bytes(header(vox_offset=offset) + bytes(2002))
    refused(tmp_path / "a.nii", "voxels begin at byte|vox offset 1 too low")


@pytest.mark.parametrize("size", [-2147483648, -100, -1, 0, 7, 10**6, 2**31 - 1])
def test_an_extension_does_not_reach_beyond_the_voxels(tmp_path: Path, size: int) -> None:
    """nibabel reads as far as an extension says, and of a negative length the whole stream."""
    start = header(vox_offset=416)[:-4] + b"\x01\0\0\0" + struct.pack("<ii", size, 6) + bytes(56)
    (tmp_path / "a.nii.gz").write_bytes(gzip.compress(start + bytes(2002)))
    refused(tmp_path / "a.nii.gz", "damaged extension")


@pytest.mark.parametrize(
    ("fields", "part"),
    [
        ({"dim": [3, 7, 0, 13, 1, 1, 1, 1]}, "has the shape 7×0×13"),
        ({"dim": [3, 7, -11, 13, 1, 1, 1, 1]}, "has the shape 7×-11×13"),
        ({"dim": [0, 7, 11, 13, 1, 1, 1, 1]}, r"a\.nii"),
        ({"dim": [5, 7, 11, 13, 1, 3, 1, 1]}, "has the shape 7×11×13×1×3"),
        ({"dim": [9, 7, 11, 13, 1, 1, 1, 1]}, r"a\.nii"),
        ({"srow_x": [np.nan, 0, 0, 0]}, "does not say where its voxels are"),
        ({"srow_x": [0, 0, 0, 0]}, "does not say where its voxels are"),
        ({"datatype": 999}, "broken header"),
        ({"datatype": 0}, r"a\.nii"),
        ({"magic": b"xyz"}, r"a\.nii"),
    ],
)
def test_headers_that_make_no_scan(tmp_path: Path, fields: dict[str, Any], part: str) -> None:
    (tmp_path / "a.nii").write_bytes(header(**fields) + bytes(2002))
    refused(tmp_path / "a.nii", part)


@pytest.mark.parametrize(
    ("dtype", "part"),
    [
        (np.complex64, "holds complex numbers"),
        (np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")]), "holds colours"),
        (np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1"), ("A", "u1")]), "holds colours"),
    ],
)
def test_colours_and_complex_numbers_are_no_scan(tmp_path: Path, dtype: Any, part: str) -> None:
    (tmp_path / "a.nii").write_bytes(header(dtype=dtype) + bytes(1001 * np.dtype(dtype).itemsize))
    refused(tmp_path / "a.nii", part)


@pytest.mark.parametrize(
    "content", [b"", b"\x5c\x01\0\0", b"\x1f\x8b", b"\x1f\x8b" + bytes(30), b"NRRD0004\n", bytes(400)]
)
@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_what_is_no_nifti_file(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    refused(tmp_path / name, "no readable NIfTI file")


def test_sound_oddities_open(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    voxels = filled((7, 11, 13))
    affine = placed(degrees=8).affine
    odd = {
        "second.nii": nib.Nifti2Image(voxels, affine),
        "second.nii.gz": nib.Nifti2Image(voxels, affine),
        "big.nii.gz": nib.Nifti1Image(voxels, affine, nib.Nifti1Header(endianness=">")),
        "big.nii": nib.Nifti2Image(voxels, affine, nib.Nifti2Header(endianness=">")),
        "extended.nii.gz": nib.Nifti1Image(voxels, affine),
        "UPPER.NII": nib.Nifti1Image(voxels, affine),
        "five.nii.gz": nib.Nifti1Image(voxels[..., None], affine),
    }
    for text in (b"a comment", b"x" * 5000):
        odd["extended.nii.gz"].header.extensions.append(nib.nifti1.Nifti1Extension("comment", text))
    for name, image in odd.items():
        nib.save(image, tmp_path / name)
        scan = open_scan(tmp_path / name)
        assert np.array_equal(scan.array(), voxels), name
        assert np.allclose(scan.geometry.affine, affine, atol=1e-4), name
    # Garbage after the voxels, and a header that nibabel mends aloud.
    (tmp_path / "aloud.nii").write_bytes(
        header(qform_code=77, pixdim=[0, 0, -1, 1, 1, 1, 1, 1]) + voxels.tobytes("F") + b"x"
    )
    assert np.array_equal(open_scan(tmp_path / "aloud.nii").array(), voxels)
    assert capfd.readouterr() == ("", "")
