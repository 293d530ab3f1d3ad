"""Reading is the inverse of writing: voxels, dtype, place and names come back from every format, and others agree on the millimetres."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import numpy.typing as npt
import pytest
import SimpleITK
from hypothesis import given, settings
from hypothesis import strategies as st

from voxloop.data.formats.nrrd import segment_names
from voxloop.data.formats.writing import write_volume
from voxloop.data.geometry import Affine, Geometry
from voxloop.data.scans import open_labels, open_scan
from voxloop.errors import VoxloopError

ENDINGS = (".nii.gz", ".nii", ".nrrd", ".mha")
DTYPES = ("i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8")
SIGNED_AXES = [
    np.array([[sign * (axis == row) for axis, sign in zip(order, signs, strict=True)] for row in range(3)], float)
    for order in itertools.permutations(range(3))
    for signs in itertools.product((1, -1), repeat=3)
]


def tilt(degrees: float) -> npt.NDArray[np.float64]:
    """A turn about an axis that is none of the patient's."""
    x, y, z = np.array([2.0, 3.0, 6.0]) / 7
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    angle = np.deg2rad(degrees)
    turned: npt.NDArray[np.float64] = np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
    return turned


def placed(
    shape: tuple[int, int, int] = (7, 11, 13),
    axes: int = 0,
    degrees: float = 0.0,
    spacing_mm: tuple[float, float, float] = (0.7, 0.8, 5.0),
    shear: float = 0.0,
) -> Geometry:
    affine: Affine = np.eye(4)
    sheared = np.eye(3)
    sheared[0, 1] = shear
    affine[:3, :3] = tilt(degrees) @ SIGNED_AXES[axes] @ sheared @ np.diag(spacing_mm)
    affine[:3, 3] = (-151.3, 42.1, 1003.7)
    return Geometry(shape, affine)


def filled(shape: tuple[int, ...], dtype: str = "i2", seed: int = 0) -> npt.NDArray[Any]:
    rng = np.random.default_rng(seed)
    if dtype[0] == "f":
        return (rng.standard_normal(shape) * 1e3).astype(dtype)
    limits = np.iinfo(dtype)
    return rng.integers(limits.min, limits.max, shape, dtype=np.dtype(dtype), endpoint=True)


sides = st.tuples(*[st.integers(1, 6)] * 3)
spacings = st.tuples(*[st.sampled_from([0.33, 0.7, 1.0, 2.64])] * 3)


@settings(deadline=None, max_examples=150)
@given(
    shape=sides,
    axes=st.integers(0, 47),
    degrees=st.sampled_from([0.0, 7.0, 33.3]),
    spacing_mm=spacings,
    shear=st.sampled_from([0.0, 0.0, 0.2]),
    channels=st.integers(0, 4),
    first=st.booleans(),
    dtype=st.sampled_from(DTYPES),
    ending=st.sampled_from(ENDINGS),
)
def test_reading_is_the_inverse_of_writing(
    tmp_path_factory: pytest.TempPathFactory,
    shape: tuple[int, int, int],
    axes: int,
    degrees: float,
    spacing_mm: tuple[float, float, float],
    shear: float,
    channels: int,
    first: bool,
    dtype: str,
    ending: str,
) -> None:
    path = tmp_path_factory.getbasetemp() / f"volume{ending}"
    geometry = placed(shape, axes, degrees, spacing_mm, shear)
    voxels = filled((*shape, channels) if channels else shape, dtype)
    given_voxels = np.moveaxis(voxels, -1, 0) if channels and first else voxels
    write_volume(path, given_voxels, geometry, channels_last=not first)
    scan = open_scan(path)
    # Of one channel a volume has three axes.
    expected = voxels[..., 0] if channels == 1 else voxels
    assert scan.channels == max(1, channels)
    assert scan.dtype == scan.array().dtype == expected.dtype
    assert np.array_equal(scan.array(), expected)
    assert scan.geometry.shape == shape
    if ending.startswith(".nii"):
        assert np.array_equal(scan.geometry.affine, geometry.affine.astype(np.float32))
    elif ending == ".nrrd":
        assert np.array_equal(scan.geometry.affine, geometry.affine)
    else:
        # Spacing and direction are numbers of their own, and their product is rounded.
        assert np.allclose(scan.geometry.affine, geometry.affine, rtol=1e-15, atol=1e-15)


@pytest.mark.parametrize("axes", range(48))
def test_every_orientation_comes_back(tmp_path: Path, axes: int) -> None:
    geometry = placed((2, 3, 4), axes)
    voxels = filled((2, 3, 4))
    for ending in ENDINGS:
        write_volume(tmp_path / f"a{ending}", voxels, geometry)
        scan = open_scan(tmp_path / f"a{ending}")
        assert scan.geometry.orientation == geometry.orientation
        assert scan.geometry.distance_mm(geometry) < 1e-3
        assert np.array_equal(scan.array(), voxels)


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize(("axes", "degrees"), [(0, 0.0), (7, 0.0), (21, 8.0), (46, 33.3)])
def test_others_find_a_marked_voxel_at_the_same_millimetres(
    tmp_path: Path, ending: str, axes: int, degrees: float
) -> None:
    geometry = placed(axes=axes, degrees=degrees)
    voxels = np.zeros((7, 11, 13), np.int16)
    voxels[5, 2, 11] = 1000
    path = tmp_path / f"marked{ending}"
    write_volume(path, voxels, geometry)
    image = SimpleITK.ReadImage(str(path))
    k, j, i = np.argwhere(SimpleITK.GetArrayFromImage(image) == 1000)[0].tolist()
    assert (i, j, k) == (5, 2, 11)
    lps = image.TransformIndexToPhysicalPoint((i, j, k))
    assert (-lps[0], -lps[1], lps[2]) == pytest.approx(geometry.point_of((5, 2, 11)), abs=2e-3)
    if ending.startswith(".nii"):
        loaded: Any = nib.load(path)
        assert np.argwhere(np.asarray(loaded.dataobj) == 1000).tolist() == [[5, 2, 11]]
        assert loaded.affine @ (5, 2, 11, 1) == pytest.approx((*geometry.point_of((5, 2, 11)), 1), abs=1e-3)


@pytest.mark.parametrize("ending", [".nrrd", ".mha"])
def test_itk_reads_our_channels_and_our_sheared_axes(tmp_path: Path, ending: str) -> None:
    geometry = placed(degrees=8, shear=0.1)
    voxels = filled((7, 11, 13, 3), "f4")
    write_volume(tmp_path / f"a{ending}", voxels, geometry)
    image = SimpleITK.ReadImage(str(tmp_path / f"a{ending}"))
    assert np.array_equal(SimpleITK.GetArrayFromImage(image), voxels.transpose(2, 1, 0, 3))
    lps = image.TransformIndexToPhysicalPoint((5, 2, 11))
    assert (-lps[0], -lps[1], lps[2]) == pytest.approx(geometry.point_of((5, 2, 11)), abs=1e-6)


def test_a_qform_says_what_the_sform_says_or_nothing(tmp_path: Path) -> None:
    write_volume(tmp_path / "square.nii", filled((7, 11, 13)), placed(degrees=8))
    write_volume(tmp_path / "sheared.nii", filled((7, 11, 13)), placed(degrees=8, shear=0.1))
    square: Any = nib.load(tmp_path / "square.nii")
    sheared: Any = nib.load(tmp_path / "sheared.nii")
    assert (int(square.header["qform_code"]), int(square.header["sform_code"])) == (1, 1)
    assert np.allclose(square.get_qform(), square.get_sform(), atol=1e-3)
    assert (int(sheared.header["qform_code"]), int(sheared.header["sform_code"])) == (0, 1)
    assert square.header.get_zooms() == pytest.approx((0.7, 0.8, 5.0))
    assert square.header.get_xyzt_units()[0] == "mm"


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_same_voxels_are_the_same_bytes(tmp_path: Path, ending: str) -> None:
    for name in ("one", "two"):
        write_volume(tmp_path / f"{name}{ending}", filled((7, 11, 13)), placed())
    assert (tmp_path / f"one{ending}").read_bytes() == (tmp_path / f"two{ending}").read_bytes()
    turned = np.asfortranarray(filled((7, 11, 13))).astype(">i2")
    write_volume(tmp_path / f"three{ending}", turned, placed())
    assert (tmp_path / f"three{ending}").read_bytes() == (tmp_path / f"one{ending}").read_bytes()


def test_the_names_of_labels_come_back(tmp_path: Path) -> None:
    path = tmp_path / "organs.seg.nrrd"
    names = {1: "spleen", 3: "tumour: left\\right", 12: "kidney\nleft", 7: "Milz ö"}
    labels = filled((7, 11, 13), "u1") % 13
    write_volume(path, labels, placed(), names=names)
    assert segment_names(path) == names
    assert np.array_equal(open_labels(path, like=placed()).array(), labels)
    assert SimpleITK.ReadImage(str(path)).GetMetaData("Segment0_Name") == "spleen"
    write_volume(tmp_path / "plain.nrrd", labels, placed())
    assert segment_names(tmp_path / "plain.nrrd") == {}


def test_progress_counts_the_slices(tmp_path: Path) -> None:
    said: list[tuple[int, int, str]] = []
    write_volume(tmp_path / "a.nrrd", filled((7, 11, 13)), placed(), progress=lambda *step: said.append(step))
    assert said[0] == (1, 13, "a.nrrd")
    assert said[-1] == (13, 13, "a.nrrd")


def refused(path: Path, voxels: npt.NDArray[Any], part: str, geometry: Geometry | None = None, **how: Any) -> None:
    with pytest.raises(VoxloopError, match=part) as caught:
        write_volume(path, voxels, geometry or placed(), **how)
    assert "\n" not in str(caught.value)
    assert not list(path.parent.iterdir()), "nothing is left behind"


def test_what_cannot_be_held_is_refused(tmp_path: Path) -> None:
    voxels = filled((7, 11, 13))
    refused(tmp_path / "a.png", voxels, "no ending that can be written")
    refused(tmp_path / "a.nii", voxels > 0, "cannot hold bool")
    refused(tmp_path / "a.mha", voxels.astype(np.float16), "cannot hold float16")
    refused(tmp_path / "a.mha", voxels.astype(np.complex64), "cannot hold complex64")
    refused(tmp_path / "a.nii", voxels[:-1], "6×11×13 and their geometry 7×11×13")
    refused(tmp_path / "a.nii", voxels[..., None, None], "same shape")
    refused(tmp_path / "a.nii", voxels, "no place for the names", names={1: "spleen"})
    refused(tmp_path / "a.nii", np.zeros((40_000, 1, 1), np.uint8), "NIfTI goes to", placed((40_000, 1, 1)))
    refused(tmp_path / "a.nrrd", voxels, "lie nowhere", Geometry((7, 11, 13), np.zeros((4, 4))))
    refused(tmp_path / "a.nrrd", voxels[:0], "same shape", placed((0, 11, 13)))


def test_a_file_that_could_not_be_written_whole_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "a.mha"
    write_volume(path, filled((7, 11, 13)), placed())
    before = path.read_bytes()

    def stop(done: int, total: int, what: str) -> None:
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_volume(path, filled((7, 11, 13), seed=1), placed(), progress=stop)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.mha"]
    with pytest.raises(VoxloopError, match="cannot be written"):
        write_volume(tmp_path / "no" / "a.mha", filled((7, 11, 13)), placed())
