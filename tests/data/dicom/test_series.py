"""A series becomes a scan by where its slices lie: whatever their order, names, orientation and tilt."""

from __future__ import annotations

import contextlib
import random
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
import pytest
import SimpleITK
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    MPEG4HP41,
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGLSLossless,
    RLELossless,
)

from tests.data.dicom.writing import LPS, ds, some_hu, write_enhanced, write_series
from tests.data.test_grid import ORIENTATIONS, oblique, reordered
from voxloop.data.dicom import open_series
from voxloop.data.geometry import Geometry
from voxloop.data.scans import Scan
from voxloop.errors import VoxloopError

Affine = npt.NDArray[np.float64]


def check_places(scan: Scan, values: npt.NDArray[Any], affine: Affine) -> None:
    """Every value lies at the millimetres where it was written, whichever way the axes run."""
    read = scan.array()
    assert read.dtype == scan.dtype
    assert read.shape == scan.geometry.shape
    index = np.stack(np.meshgrid(*map(np.arange, read.shape), indexing="ij"), -1).reshape(-1, 3)
    mm = index @ scan.geometry.affine[:3, :3].T + scan.geometry.affine[:3, 3]
    back = (mm - affine[:3, 3]) @ np.linalg.inv(affine[:3, :3]).T
    np.testing.assert_allclose(back, np.rint(back), atol=1e-3)
    assert (values[tuple(np.rint(back).astype(int).T)] == read.ravel()).all()


def check_with_itk(scan: Scan, files: list[Path]) -> None:
    """SimpleITK and GDCM put the same values at the same millimetres."""
    reader = SimpleITK.ImageSeriesReader()
    reader.SetFileNames([str(file) for file in files])
    image = reader.Execute()
    values = SimpleITK.GetArrayFromImage(image).transpose(2, 1, 0)
    turn = np.array(image.GetDirection()).reshape(3, 3) @ np.diag(image.GetSpacing())
    lps = np.eye(4)
    lps[:3, :3], lps[:3, 3] = turn, image.GetOrigin()
    theirs = Geometry(image.GetSize(), LPS @ lps)
    assert scan.geometry.same_as(theirs, tolerance_mm=1e-3)
    assert (values == scan.array()).all()


def sorted_by_itk(folder: Path) -> list[Path]:
    return [Path(name) for name in SimpleITK.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder))]


@pytest.mark.parametrize("which", range(48))
def test_each_voxel_stays_at_its_millimetres_in_every_orientation(tmp_path: Path, which: int) -> None:
    hu, affine = some_hu(), oblique(0.0 if which % 2 else 17.0)
    stored, stored_affine = reordered(hu.astype(np.int16), affine, *ORIENTATIONS[which])
    files = write_series(tmp_path, stored, stored_affine)
    scan = open_series(files)
    check_places(scan, hu, affine)
    check_with_itk(scan, sorted_by_itk(tmp_path))


def test_neither_names_nor_numbers_nor_order_decide_on_the_slices(tmp_path: Path) -> None:
    hu, affine = some_hu(), oblique(8.0)

    def lie(one: Dataset, k: int) -> None:
        one.InstanceNumber = (k * 5) % 13
        one.SliceLocation = str(-k)

    files = write_series(tmp_path, hu, affine, lie, name=lambda k: f"IM{(k * 7) % 13:04d}")
    random.Random(0).shuffle(files)
    scan = open_series(files)
    assert (scan.array() == hu).all()
    assert scan.geometry.same_as(Geometry(hu.shape, affine), 1e-3)
    assert (open_series(files[::-1]).array() == hu).all()


@settings(deadline=None, max_examples=12)
@given(
    degrees=st.floats(-40, 40),
    spacing=st.tuples(*[st.floats(0.3, 8.0)] * 3),
    shear=st.tuples(st.floats(-0.5, 0.5), st.floats(-0.5, 0.5)),
    shape=st.tuples(*[st.integers(1, 5), st.integers(1, 5), st.integers(2, 5)]),
)
def test_any_grid_that_slices_can_make_comes_back(
    tmp_path_factory: pytest.TempPathFactory,
    degrees: float,
    spacing: tuple[float, float, float],
    shear: tuple[float, float],
    shape: tuple[int, int, int],
) -> None:
    """Tilted gantries shear the grid: the way from slice to slice leans towards their rows or columns."""
    hu = some_hu(1, shape)
    affine = oblique(degrees, spacing)
    affine[:3, 2] += (
        shear[0] * spacing[2] / spacing[0] * affine[:3, 0] + shear[1] * spacing[2] / spacing[1] * affine[:3, 1]
    )
    scan = open_series(write_series(tmp_path_factory.mktemp("series"), hu, affine))
    check_places(scan, hu, affine)


@pytest.mark.parametrize(
    ("stored", "bits", "slope", "intercept", "dtype"),
    [
        (some_hu() + np.int16(1024), 12, "1", "-1024", np.int16),
        ((some_hu() + 1024).astype(np.uint16), 12, "1", "-1024", np.int16),
        ((some_hu() + 1024).astype(np.uint16), 16, "1", "-1024", np.float32),
        (some_hu(), 16, "1", "0", np.int16),
        (some_hu(), 12, "2", "5", np.int16),
        ((some_hu() % 256).astype(np.uint8), 8, "1", "0", np.int16),
        (some_hu(), 16, "0.5", "-0.25", np.float32),
        (some_hu().astype(np.int32) * 70000, 32, "1", "0", np.float64),
    ],
)
def test_values_are_what_slope_and_intercept_make_of_them(
    tmp_path: Path, stored: npt.NDArray[Any], bits: int, slope: str, intercept: str, dtype: Any
) -> None:
    files = write_series(tmp_path, stored, oblique(5.0), bits=bits, RescaleSlope=slope, RescaleIntercept=intercept)
    scan = open_series(files)
    assert scan.dtype == dtype
    assert scan.array().dtype == dtype
    assert (scan.array() == stored.astype(float) * float(slope) + float(intercept)).all()
    if stored.itemsize < 4:
        check_with_itk(scan, files)


def test_each_slice_has_a_slope_of_its_own(tmp_path: Path) -> None:
    """As in PET, where every slice uses the whole range of its words."""

    def scale(one: Dataset, k: int) -> None:
        one.RescaleSlope = str(0.5 + k)

    scan = open_series(write_series(tmp_path, some_hu(), oblique(0.0), scale))
    assert (scan.array() == (some_hu() * (0.5 + np.arange(13))).astype(np.float32)).all()


def test_only_the_stored_bits_of_a_word_count(tmp_path: Path) -> None:
    """By an old custom overlays lie in the upper bits."""
    signed = (some_hu() % 2048).astype(np.int16) - np.int16(1024)
    words = (signed.view(np.uint16) & 0x0FFF) | 0xA000
    scan = open_series(write_series(tmp_path, words.view(np.int16), oblique(0.0), bits=12))
    assert (scan.array() == signed).all()


@pytest.mark.parametrize(
    "syntax",
    [ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, RLELossless, JPEGLSLossless],
)
def test_transfer_syntaxes_give_the_same_values(tmp_path: Path, syntax: UID) -> None:
    def pack(one: Dataset, _k: int) -> None:
        if syntax in (RLELossless, JPEGLSLossless):
            one.file_meta = FileMetaDataset()
            one.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
            one.set_original_encoding(False, True)
            one.compress(syntax, encoding_plugin="pydicom" if syntax == RLELossless else "")
        elif syntax == ExplicitVRBigEndian:
            one.PixelData = np.frombuffer(one.PixelData, "<u2").astype(">u2").tobytes()

    scan = open_series(write_series(tmp_path, some_hu(), oblique(5.0), pack, syntax=syntax))
    assert (scan.array() == some_hu()).all()


def packed_by_gdcm(file: Path, kind: str) -> None:
    """Compresses the pixels of a file, in place."""
    gdcm = pytest.importorskip("gdcm")
    reader, change, writer = gdcm.ImageReader(), gdcm.ImageChangeTransferSyntax(), gdcm.ImageWriter()
    reader.SetFileName(str(file))
    assert reader.Read()
    change.SetTransferSyntax(gdcm.TransferSyntax(getattr(gdcm.TransferSyntax, kind)))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    writer.SetFileName(str(file))
    assert writer.Write()


@pytest.mark.parametrize("kind", ["JPEG2000Lossless", "JPEGLosslessProcess14_1"])
@pytest.mark.parametrize("stored", [some_hu(), (some_hu() + 600).astype(np.uint16)])
def test_what_gdcm_compresses_comes_back(tmp_path: Path, kind: str, stored: npt.NDArray[Any]) -> None:
    files = write_series(tmp_path, stored, oblique(5.0))
    for file in files:
        packed_by_gdcm(file, kind)
    scan = open_series(files)
    assert (scan.array() == stored).all()


@pytest.mark.parametrize("kind", ["JPEG2000Lossless", "JPEGLosslessProcess14_1", "JPEGLSLossless"])
def test_a_damaged_picture_ends_in_a_sentence_even_where_its_library_aborts(tmp_path: Path, kind: str) -> None:
    path = write_series(tmp_path, some_hu(0, (40, 50, 1)), oblique(5.0))[0]
    packed_by_gdcm(path, kind)
    whole = path.read_bytes()
    begin = whole.rindex(b"\xe0\x7f\x10\0") + 40
    chance = random.Random(0)
    for _ in range(4):
        content = bytearray(whole)
        for _ in range(8):
            content[chance.randrange(begin, begin + 200)] = chance.randrange(256)
        path.write_bytes(content)
        with contextlib.suppress(VoxloopError):
            open_series([path]).array()


def test_a_compression_that_is_not_known_here_is_named_with_the_way_out(tmp_path: Path) -> None:
    code = encapsulate([b"no real picture!"])
    files = write_series(tmp_path, some_hu(), oblique(5.0), syntax=MPEG4HP41, PixelData=code)
    with pytest.raises(VoxloopError, match=r'MPEG-4 .* which cannot be unpacked here.*"gdcmconv --raw"'):
        open_series(files)


def test_a_file_of_many_frames_is_sorted_and_scaled_frame_by_frame(tmp_path: Path) -> None:
    hu, affine = some_hu(), oblique(11.0)
    scan = open_series([write_enhanced(tmp_path / "enhanced", hu, affine)])
    assert scan.geometry.same_as(Geometry(hu.shape, affine), 1e-3)
    assert (scan.array() == hu.astype(int) * 2 + np.arange(13)).all()


def test_compressed_frames_are_found_in_their_file(tmp_path: Path) -> None:
    def packed(one: Dataset) -> None:
        one.set_original_encoding(False, True)
        one.compress(RLELossless, encoding_plugin="pydicom")

    hu = some_hu()
    scan = open_series([write_enhanced(tmp_path / "enhanced", hu, oblique(11.0), change=packed, syntax=RLELossless)])
    assert (scan.array() == hu.astype(int) * 2 + np.arange(13)).all()


def test_a_file_of_many_times_becomes_channels(tmp_path: Path) -> None:
    hu = np.stack([some_hu(0), some_hu(1), some_hu(2)], -1)
    scan = open_series([write_enhanced(tmp_path / "enhanced", hu, oblique(11.0), times=3)])
    assert scan.channels == 3
    assert (scan.array() == hu.astype(int) * 2 + np.arange(13)[:, None]).all()


def test_a_missing_slice_is_refused_with_its_place(tmp_path: Path) -> None:
    affine = np.diag([0.8, 1.1, 5.0, 1.0])
    files = write_series(tmp_path, some_hu(), affine)
    with pytest.raises(VoxloopError, match=r"2 slices are missing along the stack \(2 between 15\.0 and 30\.0 mm\)"):
        open_series(files[:4] + files[6:])


def test_a_gap_is_filled_linearly_when_asked_for(tmp_path: Path) -> None:
    ramp = np.broadcast_to(np.arange(13, dtype=np.int16) * 10, (7, 11, 13))
    affine = oblique(9.0)
    files = write_series(tmp_path, ramp, affine)
    scan = open_series(files[:4] + files[6:], fill_missing=True)
    assert scan.geometry.same_as(Geometry((7, 11, 13), affine), 1e-3)
    assert (scan.array() == ramp).all()


def test_uneven_slices_are_refused_and_filled_when_asked_for(tmp_path: Path) -> None:
    heights = np.array([0.0, 2.5, 5, 7.5, 10, 15, 20, 25, 30])

    def lift(one: Dataset, k: int) -> None:
        one.ImagePositionPatient = ds(0, 0, heights[k])

    values = np.broadcast_to((heights * 10).astype(np.int16), (7, 11, 9))
    files = write_series(tmp_path, values, np.diag([1.0, 1.0, 1.0, 1.0]), lift)
    with pytest.raises(VoxloopError, match=r"not evenly spaced \(from 2\.50 to 5\.00 mm"):
        open_series(files)
    scan = open_series(files, fill_missing=True)
    z = scan.geometry.affine[2, 3] + scan.geometry.affine[2, 2] * np.arange(scan.geometry.shape[2])
    np.testing.assert_allclose(scan.array()[0, 0], z * 10, atol=0.51)
    assert (z[0], z[-1]) == (0.0, 30.0)


def test_rounded_positions_are_no_gaps(tmp_path: Path) -> None:
    def rounded(one: Dataset, k: int) -> None:
        one.ImagePositionPatient = ds(0, 0, round(k * 0.625, 1))

    scan = open_series(write_series(tmp_path, some_hu(), np.eye(4), rounded))
    assert scan.geometry.spacing_mm[2] == pytest.approx(0.625, abs=0.01)


def test_slices_beside_their_line_are_refused_in_any_case(tmp_path: Path) -> None:
    def shift(one: Dataset, k: int) -> None:
        if k == 5:
            one.ImagePositionPatient = ds(3, 0, k)

    files = write_series(tmp_path, some_hu(), np.eye(4), shift)
    for fill in (False, True):
        with pytest.raises(VoxloopError, match="do not lie in a line"):
            open_series(files, fill_missing=fill)


@pytest.mark.parametrize(
    ("values", "part"),
    [
        ({"PhotometricInterpretation": "MONOCHROME1"}, "MONOCHROME1"),
        ({"RescaleSlope": "0"}, "a slope of 0"),
        ({"RescaleSlope": "1e300"}, "beyond any number"),
        ({"ImagePositionPatient": None}, "does not say where it lies"),
        ({"ImageOrientationPatient": ["1", "0", "0", "1", "0", "0"]}, "no right angle"),
        ({"PixelSpacing": ["0", "1"]}, "how large its pixels are"),
        ({"BitsStored": 17}, "17 of 16 bits"),
    ],
)
def test_a_slice_that_cannot_be_understood_is_refused(tmp_path: Path, values: dict[str, Any], part: str) -> None:
    files = write_series(tmp_path, some_hu(), np.eye(4), **values)
    with pytest.raises(VoxloopError, match=part):
        open_series(files)


def test_several_volumes_are_not_mixed(tmp_path: Path) -> None:
    one = write_series(tmp_path / "one", some_hu(), np.eye(4))
    with pytest.raises(VoxloopError, match="no single volume: 13 slices have another orientation"):
        open_series(one + write_series(tmp_path / "two", some_hu(), oblique(20.0, (1.0, 1.0, 1.0))))
    with pytest.raises(VoxloopError, match="no single volume: 13 slices have the same positions once more"):
        open_series(one + write_series(tmp_path / "again", some_hu(), np.eye(4)))
    with pytest.raises(VoxloopError, match="1 of the slices lie where others do"):
        open_series([*one, write_series(tmp_path / "single", some_hu()[..., :1], np.eye(4))[0]])


def test_nothing_is_no_series(tmp_path: Path) -> None:
    with pytest.raises(VoxloopError, match="at least one file"):
        open_series([])
    with pytest.raises(VoxloopError, match="No slice is at"):
        open_series([tmp_path / "no"])


REAL = Path(pydicom.__file__).parent / "data" / "test_files"


@pytest.mark.parametrize(
    "name", ["CT_small.dcm", "MR_small.dcm", "MR_small_RLE.dcm", "693_J2KI.dcm", "J2K_pixelrep_mismatch.dcm"]
)
def test_files_of_real_scanners_read_as_itk_reads_them(name: str) -> None:
    path = REAL / name
    if not path.is_file():
        pytest.skip("this pydicom comes without its test files")
    image = SimpleITK.ReadImage(str(path))
    scan = open_series([path])
    assert (SimpleITK.GetArrayFromImage(image).transpose(2, 1, 0) == scan.array()).all()
    x, y, z = image.GetOrigin()
    np.testing.assert_allclose(scan.geometry.affine[:3, 3], (-x, -y, z), atol=1e-3)
    assert scan.geometry.spacing_mm[:2] == pytest.approx(image.GetSpacing()[:2])
