"""MetaImage files open as ITK means them; what lies about itself is refused."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK

from tests.data.test_formats_nifti import refused
from tests.data.test_formats_nrrd import as_itk_reads
from tests.data.test_formats_writing import filled, placed
from voxloop.data.formats.writing import write_volume
from voxloop.data.scans import open_scan

VOXELS = filled((7, 11, 13))
FIELDS = {
    "ObjectType": "Image",
    "NDims": "3",
    "BinaryData": "True",
    "BinaryDataByteOrderMSB": "False",
    "CompressedData": "False",
    "TransformMatrix": "0 1 0 0.6 0 0.8 -0.8 0 0.6",
    "Offset": "151.3 -42.1 1003.7",
    "ElementSpacing": "0.7 0.8 5",
    "DimSize": "7 11 13",
    "ElementType": "MET_SHORT",
}


def meta(path: Path, data: bytes = VOXELS.tobytes("F"), file: str = "LOCAL", **fields: Any) -> Path:
    """A file as ITK might have written it; a field of None is left out."""
    said = {**FIELDS, **fields, "ElementDataFile": file}
    path.write_bytes(
        "".join(f"{name} = {value}\n" for name, value in said.items() if value is not None).encode() + data
    )
    return path


def test_fields_that_are_there_and_fields_that_are_not(tmp_path: Path) -> None:
    as_itk_reads(meta(tmp_path / "a.mha"))
    as_itk_reads(meta(tmp_path / "b.mha", TransformMatrix=None))
    as_itk_reads(meta(tmp_path / "c.mha", Offset=None, ElementSpacing=None, BinaryData=None))
    as_itk_reads(meta(tmp_path / "d.mha", ElementSpacing=None, ElementSize="1 2 3"))
    as_itk_reads(meta(tmp_path / "e.mha", Offset=None, Position="1 2 3"))
    as_itk_reads(meta(tmp_path / "f.mha", VOXELS.astype(">i2").tobytes("F"), BinaryDataByteOrderMSB="True"))
    as_itk_reads(meta(tmp_path / "g.mha", VOXELS.astype("i4").tobytes("F"), ElementType="MET_LONG"))
    as_itk_reads(meta(tmp_path / "h.mha", filled((3, 7, 11, 13)).tobytes("F"), ElementNumberOfChannels=3))
    without = open_scan(meta(tmp_path / "i.mha", TransformMatrix=None, Offset=None, ElementSpacing=None)).geometry
    assert np.array_equal(without.affine, np.diag([-1.0, -1.0, 1.0, 1.0])), "no rotation in ITK's millimetres"


def test_packed_voxels(tmp_path: Path) -> None:
    packed = zlib.compress(VOXELS.tobytes("F"))
    as_itk_reads(meta(tmp_path / "a.mha", packed, CompressedData="True", CompressedDataSize=len(packed)))
    unsaid = meta(tmp_path / "b.mha", packed, CompressedData="True")
    assert np.array_equal(open_scan(unsaid).array(), VOXELS)


@pytest.mark.parametrize("vector", [False, True])
def test_what_itk_writes_opens(tmp_path: Path, vector: bool) -> None:
    image = SimpleITK.GetImageFromArray(filled((13, 11, 7, 3) if vector else (13, 11, 7), "f4"), isVector=vector)
    image.SetSpacing((0.7, 0.8, 5.0))
    image.SetOrigin((151.3, -42.1, 1003.7))
    image.SetDirection((0, 0.6, -0.8, 1, 0, 0, 0, 0.8, 0.6))
    for name in ("a.mha", "a.mhd", "packed.mha", "packed.mhd"):
        SimpleITK.WriteImage(image, str(tmp_path / name), useCompression=name.startswith("packed"))
        as_itk_reads(tmp_path / name)


def test_a_fourth_axis_counts_channels(tmp_path: Path) -> None:
    voxels = filled((7, 11, 13, 2))
    four: dict[str, Any] = {
        "NDims": 4,
        "DimSize": "7 11 13 2",
        "Offset": "1 2 3 0",
        "ElementSpacing": "0.7 0.8 5 1",
        "TransformMatrix": "1 0 0 0 0 1 0 0 0 0 1 0 0 0 0 1",
    }
    scan = open_scan(meta(tmp_path / "a.mha", voxels.tobytes("F"), **four))
    assert scan.channels == 2
    assert np.array_equal(scan.array(), voxels)
    image = SimpleITK.ReadImage(str(tmp_path / "a.mha"))
    assert np.array_equal(SimpleITK.GetArrayFromImage(image).transpose(3, 2, 1, 0), voxels)
    four["TransformMatrix"] = "1 0 0 0 0 1 0 0 0 0 0 1 0 0 1 0"
    refused(meta(tmp_path / "b.mha", voxels.tobytes("F"), **four), "turns its channels into space")


def test_voxels_in_other_files(tmp_path: Path) -> None:
    for k in range(13):
        (tmp_path / f"{k + 1:03d}.raw").write_bytes(b"1234" + VOXELS[:, :, k].tobytes("F"))
    names = "\n".join(f"{k + 1:03d}.raw" for k in range(13)).encode() + b"\n"
    for number, (file, rest) in enumerate([("LIST", names), ("%03d.raw 1 13 1", b"")]):
        for skip in (4, -1):
            path = meta(tmp_path / f"{number}.mhd", rest, file, HeaderSize=skip)
            as_itk_reads(path)
    refused(meta(tmp_path / "a.mhd", b"", "../../etc/passwd"), "outside its own folder")
    refused(meta(tmp_path / "a.mhd", b"", "/etc/passwd"), "outside its own folder")
    refused(meta(tmp_path / "a.mhd", b"", "no.raw"), "not beside it")
    refused(meta(tmp_path / "a.mhd", b"../x.raw\n", "LIST"), "outside its own folder")
    refused(meta(tmp_path / "a.mhd", b"", "%03d.raw 1 2000000000 1"), "claims 2,000,000,000 files")
    refused(meta(tmp_path / "a.mhd", b"", "001.raw"), "is cut off: 158 of 2,002 bytes")
    refused(meta(tmp_path / "a.mhd", b"", "", NDims=None), "broken header|which file holds")


@pytest.mark.parametrize(
    ("fields", "part"),
    [
        ({"DimSize": "10000 10000 10000"}, r"claims 1e\+12 voxels"),
        ({"DimSize": "100 100 100"}, "cut off: 2,002 of 2,000,000 bytes"),
        ({"DimSize": "7 11 0"}, "7×11×0"),
        ({"DimSize": "7 11"}, "has 2 axes"),
        ({"DimSize": "7 11 x"}, "broken header"),
        ({"DimSize": None}, "it lacks 'DimSize'"),
        ({"NDims": "2", "DimSize": "77 13"}, "has 2 axes; a scan has three"),
        ({"ElementNumberOfChannels": 10**12}, r"claims 1e\+15 voxels"),
        ({"ElementNumberOfChannels": 0}, "has the shape 7×11×13×0"),
        ({"ElementType": "MET_STRING"}, "of the type MET_STRING"),
        ({"BinaryData": "False"}, "keeps its voxels as text"),
        ({"ElementToIntensityFunctionSlope": "2"}, r"asks for its voxels to be scaled \(by 2, plus 0\)"),
        ({"TransformMatrix": "1 0 0 0 1 0"}, "TransformMatrix has 6 numbers, not 9"),
        ({"TransformMatrix": "1 0 0 0 1 0 0 1 0"}, "does not say where its voxels are"),
        ({"ElementSpacing": "1 1 nan"}, "does not say where its voxels are"),
        ({"ElementSpacing": "1 1 inf"}, "does not say where its voxels are"),
        ({"DistanceUnits": "um"}, "is measured in um"),
        ({"HeaderSize": 100}, "skips bytes of its own header"),
        ({"HeaderSize": -5}, "broken header"),
        ({"CompressedData": "True", "DimSize": "1000 1000 1000"}, "which cannot be"),
        ({"CompressedData": "True", "CompressedDataSize": 10**9}, "cut off: 2,002 of 1,000,000,000 bytes"),
        ({"CompressedData": "True"}, "cut off: 0 of 2,002 bytes"),
    ],
)
def test_headers_that_make_no_scan(tmp_path: Path, fields: dict[str, Any], part: str) -> None:
    refused(meta(tmp_path / "a.mha", **fields), part)


@pytest.mark.parametrize(
    "content", [b"", b"\0" * 3_000_000, b"NDims = 3\n", b"NDims = 3" + b" " * 3_000_000, b"=\n", b"a=b\n" * 2_000_000]
)
def test_what_is_no_metaimage_file(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.mha").write_bytes(content)
    refused(tmp_path / "a.mha", "no MetaImage file")


def test_a_stream_that_breaks_off_or_is_damaged(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.mha"
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
    assert capfd.readouterr() == ("", "")


def test_an_empty_label_map_opens_and_a_bomb_does_not(tmp_path: Path) -> None:
    packer = zlib.compressobj(9)
    empty = packer.compress(bytes(1 << 26)) + packer.flush()
    fields = {"ElementType": "MET_UCHAR", "CompressedData": "True"}
    path = meta(tmp_path / "a.mha", empty, DimSize="512 512 256", CompressedDataSize=len(empty), **fields)
    assert not open_scan(path).array().any()
    refused(meta(tmp_path / "b.mha", empty * 64, DimSize="1024 1024 4096", **fields), r"would unpack to 4\.0 GiB")
