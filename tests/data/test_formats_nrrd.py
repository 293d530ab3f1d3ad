"""NRRD files open as ITK and 3D Slicer mean them; what lies about itself, or does not say where it is, is refused."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK

from tests.data.test_formats_nifti import refused, zeros
from tests.data.test_formats_writing import filled, placed
from voxloop.data.formats.nrrd import segment_names
from voxloop.data.formats.writing import write_volume
from voxloop.data.scans import open_scan

VOXELS = filled((7, 11, 13))
FIELDS = {
    "type": "short",
    "dimension": "3",
    "space": "left-posterior-superior",
    "sizes": "7 11 13",
    "space directions": "(0.7,0,0.1) (0,-0.8,0) (0.2,0,5)",
    "kinds": "domain domain domain",
    "endian": "little",
    "encoding": "raw",
    "space origin": "(151.3,-42.1,1003.7)",
}


def nrrd(path: Path, data: bytes = VOXELS.tobytes("F"), keys: str = "", **fields: Any) -> Path:
    """A file as a scanner's export might have it; a field of None is left out."""
    said = {**FIELDS, **{name.replace("_", " "): value for name, value in fields.items()}}
    lines = [f"{name}: {value}\n" for name, value in said.items() if value is not None]
    path.write_bytes(f"NRRD0004\n# a comment\n{''.join(lines)}{keys}\n".encode() + data)
    return path


def as_itk_reads(path: Path) -> None:
    """Voxels and millimetres are SimpleITK's."""
    scan, image = open_scan(path), SimpleITK.ReadImage(str(path))
    expected = SimpleITK.GetArrayFromImage(image)
    expected = expected.transpose(2, 1, 0, *range(3, expected.ndim))
    assert scan.array().dtype == expected.dtype
    assert np.array_equal(scan.array(), expected)
    lps = image.TransformIndexToPhysicalPoint((5, 2, 11))
    assert (-lps[0], -lps[1], lps[2]) == pytest.approx(scan.geometry.point_of((5, 2, 11)), abs=1e-6)


@pytest.mark.parametrize(
    "space", ["left-posterior-superior", "LPS", "right-anterior-superior", "RAS", "left-anterior-superior"]
)
def test_every_space_is_carried_to_right_anterior_superior(tmp_path: Path, space: str) -> None:
    as_itk_reads(nrrd(tmp_path / "a.nrrd", space=space))


def test_other_encodings_orders_and_types(tmp_path: Path) -> None:
    as_itk_reads(nrrd(tmp_path / "gzip.nrrd", gzip.compress(VOXELS.tobytes("F")), encoding="gz"))
    as_itk_reads(nrrd(tmp_path / "big.nrrd", VOXELS.astype(">i2").tobytes("F"), endian="big"))
    as_itk_reads(nrrd(tmp_path / "u1.nrrd", VOXELS.astype("u1").tobytes("F"), type="unsigned char", endian=None))
    as_itk_reads(nrrd(tmp_path / "f8.nrrd", VOXELS.astype("f8").tobytes("F"), type="double"))
    as_itk_reads(nrrd(tmp_path / "skip.nrrd", b"12345678" + VOXELS.tobytes("F"), byte_skip=8))
    as_itk_reads(nrrd(tmp_path / "last.nrrd", b"12345678" + VOXELS.tobytes("F"), byte_skip=-1))
    as_itk_reads(nrrd(tmp_path / "no-origin.nrrd", space_origin=None))
    content = nrrd(tmp_path / "dos.nrrd", b"").read_bytes().replace(b"\n", b"\r\n")
    (tmp_path / "dos.nrrd").write_bytes(content + VOXELS.tobytes("F"))
    as_itk_reads(tmp_path / "dos.nrrd")


def test_channels_stand_first_or_last_as_slicer_writes_them(tmp_path: Path) -> None:
    voxels = filled((7, 11, 13, 3))
    three = "(0.7,0,0.1) (0,-0.8,0) (0.2,0,5)"
    first = nrrd(
        tmp_path / "first.nrrd",
        np.moveaxis(voxels, -1, 0).tobytes("F"),
        dimension=4,
        sizes="3 7 11 13",
        space_directions=f"none {three}",
        kinds="list domain domain domain",
    )
    last = nrrd(
        tmp_path / "last.nrrd",
        voxels.tobytes("F"),
        dimension=4,
        sizes="7 11 13 3",
        space_directions=f"{three} none",
        kinds="domain domain domain list",
    )
    for path in (first, last):
        assert open_scan(path).channels == 3
        assert np.array_equal(open_scan(path).array(), voxels)
        as_itk_reads(path)


@pytest.mark.parametrize("vector", [False, True])
def test_what_itk_writes_opens(tmp_path: Path, vector: bool) -> None:
    image = SimpleITK.GetImageFromArray(filled((13, 11, 7, 3) if vector else (13, 11, 7), "f4"), isVector=vector)
    image.SetSpacing((0.7, 0.8, 5.0))
    image.SetOrigin((151.3, -42.1, 1003.7))
    image.SetDirection((0, 0.6, -0.8, 1, 0, 0, 0, 0.8, 0.6))
    for name in ("a.nrrd", "a.nhdr", "packed.nrrd", "packed.nhdr"):
        SimpleITK.WriteImage(image, str(tmp_path / name), useCompression=name.startswith("packed"))
        as_itk_reads(tmp_path / name)


def test_voxels_in_several_files(tmp_path: Path) -> None:
    for k in range(13):
        (tmp_path / f"slice{k + 1:03d}.raw").write_bytes(VOXELS[:, :, k].tobytes("F"))
    listed = "LIST\n" + "\n".join(f"slice{k + 1:03d}.raw" for k in range(13))
    for number, data_file in enumerate((listed, "slice%03d.raw 1 13 1", "slice%03d.raw 1 13 1 2")):
        path = nrrd(tmp_path / f"{number}.nhdr", b"", data_file=data_file)
        path.write_bytes(path.read_bytes().rstrip() + b"\n")
        assert np.array_equal(open_scan(path).array(), VOXELS)
    as_itk_reads(tmp_path / "0.nhdr")
    refused(nrrd(tmp_path / "a.nhdr", b"", data_file="slice%03d.raw 1 999999999 1"), "claims 999,999,999 files")
    refused(nrrd(tmp_path / "a.nhdr", b"", data_file="slice%03d.raw 1 12 1"), "does not come out even")
    refused(nrrd(tmp_path / "a.nhdr", b"", data_file="slice%03d.raw 1 14 1"), "not beside it")
    refused(nrrd(tmp_path / "a.nhdr", b"", data_file="../%03d.raw 1 13 1"), "outside its own folder")
    refused(nrrd(tmp_path / "a.nhdr", b"", data_file="%s%n.raw 1 13 1"), "not understood")
    refused(nrrd(tmp_path / "a.nhdr", b"", data_file="%999999999d.raw 1 13 1"), "not understood")
    refused(nrrd(tmp_path / "a.nhdr", b"", data_file="slice%03d.raw 1 13 0"), "claims 0 files")
    refused(nrrd(tmp_path / "a.nhdr", b"", data_file="LIST"), "lists 0 files")


def test_voxels_lie_beside_their_header_or_beside_what_it_links_to(tmp_path: Path) -> None:
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    for folder in (home, elsewhere):
        folder.mkdir()
    (elsewhere / "a.raw").write_bytes(VOXELS.tobytes("F"))
    nrrd(elsewhere / "a.nhdr", b"", data_file="a.raw")
    (home / "case.nhdr").symlink_to(elsewhere / "a.nhdr")
    (home / "link.raw").symlink_to(elsewhere / "a.raw")
    assert np.array_equal(open_scan(home / "case.nhdr").array(), VOXELS)
    for name in ("../elsewhere/a.raw", str(elsewhere / "a.raw"), "../../../../../../etc/passwd", "link.raw"):
        refused(nrrd(home / "a.nhdr", b"", data_file=name), "outside its own folder")
    for name in ("no.raw", ".", "a" * 5000):
        refused(nrrd(home / "a.nhdr", b"", data_file=name), "not beside it|outside its own folder|broken header")


@pytest.mark.parametrize(
    ("fields", "part"),
    [
        ({"space": None}, r"does not say where it lies in the patient \(no space\)"),
        ({"space": "scanner-xyz"}, "does not say where it lies"),
        ({"space": None, "space_directions": None, "spacings": "1 1 1"}, "no space directions"),
        ({"space_units": '"um" "um" "um"'}, "is measured in um"),
        ({"sizes": "7 11"}, "3 axes, but 2 sizes"),
        ({"sizes": "7 11 0"}, "7×11×0"),
        ({"sizes": "7 11 -13"}, "7×11×-13"),
        ({"sizes": "7 11 1e3"}, "broken header"),
        ({"sizes": "7 11 " + "9" * 5000}, "broken header"),
        ({"sizes": "10000 10000 10000"}, "claims 1e\\+12 voxels"),
        ({"sizes": "100 100 100"}, "is cut off: 2,002 of 2,000,000 bytes"),
        ({"sizes": "1000 1000 1000", "encoding": "gzip"}, "which cannot be"),
        ({"sizes": None}, "it lacks 'sizes'"),
        ({"encoding": None}, "it lacks 'encoding'"),
        ({"encoding": "bzip2"}, "keeps its voxels as bzip2"),
        ({"encoding": "ascii"}, "keeps its voxels as ascii"),
        ({"type": "block"}, "of the type block"),
        ({"dimension": "2", "sizes": "77 13", "space_directions": "(1,0,0) (0,1,0)"}, "2 axes, 2 of them in space"),
        ({"space_directions": "(1,0,0) (0,1,0)"}, "3 axes, but 2 space directions"),
        ({"space_directions": "(1,0,0) (0,1,0) (0,1,0)"}, "does not say where its voxels are"),
        ({"space_directions": "(1,0,0) (0,1,0) (0,0,nan)"}, "does not say where its voxels are"),
        ({"space_directions": "(1,0,0) (0,1,0) (0,1)"}, "has not three numbers"),
        ({"space_origin": "(inf,0,0)"}, "does not say where its voxels are"),
        ({"space_directions": "(1e300,0,0) (0,1e300,0) (0,0,1e300)"}, "does not say where its voxels are"),
        ({"byte_skip": 10**15}, "is cut off"),
        ({"byte_skip": -7}, "skips what comes before"),
        ({"line_skip": 10**15}, "skips what comes before"),
    ],
)
def test_headers_that_make_no_scan(tmp_path: Path, fields: dict[str, Any], part: str) -> None:
    refused(nrrd(tmp_path / "a.nrrd", **fields), part)


@pytest.mark.parametrize("content", [b"", b"NRRD", b"NRRD0004", b"NRRD0004\ntype: short\n", b"\x1f\x8b" + bytes(100)])
def test_what_is_no_nrrd_file(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.nrrd").write_bytes(content)
    refused(tmp_path / "a.nrrd", "no NRRD file|cut off within its header")


def test_a_stream_that_breaks_off_or_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "a.nrrd"
    write_volume(path, VOXELS, placed())
    whole = path.read_bytes()
    for share in (0.5, 0.9, 0.99):
        path.write_bytes(whole[: int(len(whole) * share)])
        refused(path, "is cut off")
    for position in range(len(whole) - 400, len(whole), 57):
        flipped = bytearray(whole)
        flipped[position] ^= 0x10
        path.write_bytes(flipped)
        refused(path, "damaged|cut off", lambda path: open_scan(path).array())


def test_an_empty_label_map_opens_and_a_bomb_does_not(tmp_path: Path) -> None:
    empty = {"type": "uint8", "encoding": "gzip"}
    path = nrrd(tmp_path / "empty.nrrd", zeros(1 << 26), sizes="512 512 256", **empty)
    assert not open_scan(path).array().any()
    path = nrrd(tmp_path / "bomb.nrrd", zeros(1 << 26) * 64, sizes="1024 1024 4096", **empty)
    refused(path, r"would unpack to 4\.0 GiB")


def test_segments_of_slicer_give_their_names(tmp_path: Path) -> None:
    def segment(number: int, value: int, name: str, layer: int = 0) -> str:
        start = f"Segment{number}_"
        return f"{start}ID:=Segment_{number}\n{start}Name:={name}\n{start}LabelValue:={value}\n{start}Layer:={layer}\n"

    labels = np.zeros((7, 11, 13), np.uint8)
    one = nrrd(
        tmp_path / "one.seg.nrrd", labels.tobytes(), segment(0, 1, "spleen") + segment(1, 4, "a: b"), type="uint8"
    )
    assert segment_names(one) == {1: "spleen", 4: "a: b"}
    assert open_scan(one).channels == 1
    layers = nrrd(
        tmp_path / "two.seg.nrrd",
        bytes(2 * 1001),
        segment(0, 1, "spleen") + segment(1, 1, "tumour", layer=1),
        type="uint8",
        dimension=4,
        sizes="2 7 11 13",
        space_directions="none (1,0,0) (0,1,0) (0,0,1)",
    )
    assert open_scan(layers).channels == 2
    refused(layers, "lie over each other, in several layers", segment_names)
    refused(nrrd(tmp_path / "a.seg.nrrd", b"", "Segment0_LabelValue:=one\n"), "is no number", segment_names)


def test_nothing_is_printed_about_a_damaged_file(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    refused(nrrd(tmp_path / "a.nrrd", zlib.compress(b"x"), encoding="gzip", sizes="2 2 2"), "is cut off")
    refused(nrrd(tmp_path / "b.nrrd", sizes="100 100 100"), "is cut off")
    assert capfd.readouterr() == ("", "")
