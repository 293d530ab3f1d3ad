"""What lies about itself is refused in a sentence, in memory that its claims do not decide."""

from __future__ import annotations

import contextlib
import struct
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.encaps import encapsulate
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    RLELossless,
)

from tests.data.dicom.test_labels import BOX, segmentation
from tests.data.dicom.tracing import blob, in_mm
from tests.data.dicom.writing import some_hu, write_enhanced, write_series, write_structures
from tests.data.test_grid import SHAPE, oblique
from voxloop.data.dicom import discover, labels_of, open_series, structures
from voxloop.errors import VoxloopError

MEGABYTE = 2**20


@contextlib.contextmanager
def bounded(megabytes: int = 64) -> Iterator[None]:
    """Fails where more memory is asked for, be it ever so briefly."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < megabytes * MEGABYTE
    finally:
        tracemalloc.stop()


def one_slice(folder: Path, **values: Any) -> Path:
    return write_series(folder, some_hu()[..., :1], oblique(5.0), **values)[0]


def refused(path: Path, part: str, megabytes: int = 64) -> None:
    """Opening refuses it, and a folder that holds it is still sorted."""
    with bounded(megabytes), pytest.raises(VoxloopError, match=part) as caught:
        open_series([path])
    assert "\n" not in str(caught.value)
    discover(path.parent)


@pytest.mark.parametrize(
    ("values", "part"),
    [
        ({"Rows": 65535, "Columns": 65535}, "claims 1 slices of 65535×65535 pixels, which cannot be"),
        ({"Rows": 8000, "Columns": 8000}, "are 128,000,000 bytes, and has 154 bytes of them"),
        ({"Rows": 12}, "are 168 bytes, and has 154"),
        ({"Rows": 10}, "are 140 bytes, and has 154"),
        ({"Rows": 0}, "claims 1 slices of 7×0 pixels"),
        ({"NumberOfFrames": 2}, "bytes, and has 154"),
        ({"NumberOfFrames": 2_000_000_000}, "and has 154"),
        ({"BitsAllocated": 32}, "are 308 bytes"),
        ({"BitsAllocated": 64}, "16 of 64 bits"),
        ({"SamplesPerPixel": 3}, "a colour picture"),
    ],
)
def test_pixels_are_as_many_as_the_header_says(tmp_path: Path, values: dict[str, Any], part: str) -> None:
    refused(one_slice(tmp_path, **values), part)


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless, JPEGBaseline8Bit])
@pytest.mark.parametrize(
    ("rows", "frames", "part"),
    [(8000, 1, "in .* bytes, which cannot be"), (11, 5, "claims 5 slices and holds 1"), (11, 10**9, "cannot be")],
)
def test_compressed_pixels_cannot_be_more_than_they_are(
    tmp_path: Path, syntax: str, rows: int, frames: int, part: str
) -> None:
    code = encapsulate([b"\0" * 64])
    refused(one_slice(tmp_path, syntax=syntax, PixelData=code, Rows=rows, Columns=rows, NumberOfFrames=frames), part)


@pytest.mark.parametrize(
    ("syntax", "code"),
    [
        (JPEGBaseline8Bit, b"\xff\xd8\xff\xc0\0\x0b\x08" + struct.pack(">HH", 60000, 60000) + bytes(40)),
        (
            JPEG2000Lossless,
            b"\xff\x4f\xff\x51\0\x29\0\0" + struct.pack(">IIII", 60000, 60000, 0, 0) + bytes(40),
        ),
    ],
)
def test_a_compressed_picture_larger_than_its_header_is_not_unpacked(tmp_path: Path, syntax: str, code: bytes) -> None:
    scan = open_series([one_slice(tmp_path, syntax=syntax, PixelData=encapsulate([code]))])
    with bounded(), pytest.raises(VoxloopError, match="compressed picture 60000×60000"):
        scan.array()


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless, JPEGBaseline8Bit])
def test_a_compressed_picture_that_is_none_is_refused(tmp_path: Path, syntax: str) -> None:
    noise = np.random.default_rng(0).bytes(200)
    scan = open_series([one_slice(tmp_path, syntax=syntax, PixelData=encapsulate([noise]))])
    with pytest.raises(VoxloopError, match="damaged pixel data"):
        scan.array()


def test_a_deflated_bomb_is_not_unpacked(tmp_path: Path) -> None:
    path = one_slice(tmp_path, syntax=DeflatedExplicitVRLittleEndian)
    whole = path.read_bytes()
    begin = 144 + struct.unpack("<I", whole[140:144])[0]
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    # Blocks that end in a full flush stand for themselves, so one can be repeated.
    block = packer.compress(bytes(MEGABYTE)) + packer.flush(zlib.Z_FULL_FLUSH)
    path.write_bytes(whole[:begin] + block * 300 + packer.flush())
    refused(path, "unpacks to more than 128 MB", megabytes=300)


def element(group: int, number: int, length: int, value: bytes = b"") -> bytes:
    """An element in implicit VR with whatever length it is to claim."""
    return struct.pack("<HHI", group, number, length) + value


def begun(folder: Path) -> tuple[Path, bytes]:
    """A file that ends after its meta information, to be continued with lies."""
    path = one_slice(folder, syntax=ImplicitVRLittleEndian)
    whole = path.read_bytes()
    return path, whole[: 144 + struct.unpack("<I", whole[140:144])[0]]


UNDEFINED = 0xFFFFFFFF
LIES: dict[str, Callable[[], bytes]] = {
    "a value of 4 GB": lambda: element(0x0008, 0x103E, 0xFFFFFFF0, b"abdomen"),
    "a passed over value of 4 GB": lambda: element(0x0010, 0x0010, 0xFFFFFFF0, b"Doe"),
    "a sequence of 4 GB": lambda: element(0x5200, 0x9230, 0xFFFFFFF0, element(0xFFFE, 0xE000, 0xFFFFFFF0)),
    "an item of 4 GB": lambda: element(0x5200, 0x9230, UNDEFINED, element(0xFFFE, 0xE000, 0xFFFFFFF0)),
    "a character set of 4 GB": lambda: element(0x0008, 0x0005, 0xFFFFFFF0),
    "an endless value": lambda: element(0x0008, 0x103E, UNDEFINED, b"abdomen"),
    "items in items": lambda: (element(0x5200, 0x9230, UNDEFINED) + element(0xFFFE, 0xE000, UNDEFINED)) * 5000,
    "empty elements": lambda: element(0x0008, 0x103E, 0) * 21_000,
    "empty items": lambda: element(0x5200, 0x9230, UNDEFINED) + element(0xFFFE, 0xE000, 0) * 15_000,
    "empty items of a true length": lambda: element(0x5200, 0x9230, 120_000, element(0xFFFE, 0xE000, 0) * 15_000),
    "nothing": lambda: b"",
    "noise": lambda: np.random.default_rng(1).bytes(5000),
}


@pytest.mark.parametrize("lie", LIES)
def test_lengths_that_lie_are_not_believed(tmp_path: Path, lie: str) -> None:
    path, start = begun(tmp_path)
    path.write_bytes(start + LIES[lie]())
    refused(path, path.name)
    with pytest.raises(VoxloopError, match=path.name):
        structures(path)


def test_a_huge_hollow_file_is_not_read(tmp_path: Path) -> None:
    """Its lengths are true, and all of it is a hole on the disk."""
    path, start = begun(tmp_path)
    path.write_bytes(start + element(0x0008, 0x103E, 3 * 2**30))
    with path.open("ab") as file:
        file.truncate(4 * 2**30)
    refused(path, "more elements than a header can have")
    with bounded():
        assert "claims 3,221,225,472 bytes for one value" in discover(tmp_path).problems[0].sentence


def test_a_gap_of_a_kilometre_is_not_filled(tmp_path: Path) -> None:
    files = write_series(tmp_path, some_hu(), np.eye(4))
    files += write_series(
        tmp_path / "far", some_hu()[..., :1], np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 9e5], [0, 0, 0, 1.0]])
    )
    with bounded(), pytest.raises(VoxloopError, match="more than there are"):
        open_series(files, fill_missing=True)


def test_frames_are_as_many_as_are_described(tmp_path: Path) -> None:
    path = write_enhanced(tmp_path / "many", some_hu(), oblique(5.0), NumberOfFrames=12)
    with pytest.raises(VoxloopError, match="claims 12 slices"):
        open_series([path])


def test_contours_of_absurd_places_are_damaged(tmp_path: Path) -> None:
    scan = open_series(write_series(tmp_path / "ct", some_hu(), oblique(5.0)))
    wide = in_mm(np.array([(-1e4, -1e4), (1e4, -1e4), (1e4, 1e4), (-1e4, 1e4)]), 4, scan.geometry)
    absurd = wide.copy()
    absurd[0] = 1e12
    with bounded():
        made = labels_of(write_structures(tmp_path / "rt", {"all": [wide, absurd]}), scan)
    assert made.labels.sum() == 7 * 11
    assert '"all": 1 of its contours have damaged coordinates' in made.problems[0]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Path], dict[str, bytes]]:
    """A series, and the bytes of a sound file of each kind."""
    folder = tmp_path_factory.mktemp("sound")
    files = write_series(folder / "ct", some_hu(), oblique(5.0))
    grid = open_series(files).geometry
    kinds = {
        "classic": files[0],
        "enhanced": write_enhanced(folder / "e", some_hu()[..., :3], oblique(5.0)),
        "implicit": one_slice(folder / "i", syntax=ImplicitVRLittleEndian),
        "rtstruct": write_structures(folder / "r", {"a": [in_mm(BOX, 3, grid)]}),
        "seg": segmentation(folder / "s", files, blob(1, SHAPE).astype(np.uint8)),
    }
    return files, {kind: path.read_bytes() for kind, path in kinds.items()}


@settings(deadline=None, max_examples=100)
@given(kind=st.sampled_from(["classic", "enhanced", "implicit", "rtstruct", "seg"]), data=st.data())
def test_no_damage_brings_anything_but_a_sentence(
    tmp_path_factory: pytest.TempPathFactory,
    sound: tuple[list[Path], dict[str, bytes]],
    kind: str,
    data: st.DataObject,
) -> None:
    """Bytes changed, bytes cut off: it is read, or it is refused, and nothing else happens."""
    files, kinds = sound
    content = bytearray(kinds[kind])
    for _ in range(data.draw(st.integers(0, 4))):
        content[data.draw(st.integers(132, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("damaged") / "damaged"
    path.write_bytes(content[: data.draw(st.one_of(st.just(len(content)), st.integers(0, len(content))))])
    discover(path.parent)
    with contextlib.suppress(VoxloopError):
        if kind in ("rtstruct", "seg"):
            labels_of(path, open_series(files))
        else:
            open_series([path]).array()
