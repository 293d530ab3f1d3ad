"""A volume is stored once, by its content, with its layers on its grid."""

from __future__ import annotations

import gzip
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from nibabel.affines import apply_affine

import voxloop as vx
from tests.data.test_grid import SHAPE, oblique, some_labels
from voxloop.data.formats.writing import write_volume
from voxloop.data.geometry import Geometry
from voxloop.errors import VoxloopError
from voxloop.store.blobs import Blobs
from voxloop.store.contents import content_of

SCAN = np.random.default_rng(0).integers(-1000, 1000, SHAPE).astype(np.int16)


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs(tmp_path / "blobs")


def test_it_says_what_anyone_asks_first(tmp_path: Path) -> None:
    nib.save(nib.Nifti1Image(np.zeros((64, 64, 9), np.int16), np.diag([-0.8, 0.8, 5, 1])), tmp_path / "a.nii.gz")
    assert repr(vx.Volume(tmp_path / "a.nii.gz")) == "Volume(64×64×9, 0.80×0.80×5.00 mm, LAS, int16, 0 MB, lazy)"


def test_equal_content_is_one_blob(blobs: Blobs) -> None:
    one = vx.Volume(SCAN, layers={"truth": some_labels()}, affine=oblique(5)).store(blobs)
    two = vx.Volume(SCAN.copy(), layers={"prediction": some_labels()}, affine=oblique(5)).store(blobs)
    assert one["image"] == two["image"]
    assert one["layers"][0]["digest"] == two["layers"][0]["digest"]
    assert len([path for path in blobs.folder.rglob("*") if path.is_file()]) == 2


def test_voxels_and_geometry_come_back(blobs: Blobs) -> None:
    stored = vx.Volume(SCAN, layers={"truth": some_labels() > 1}, classes={1: "spleen"}, affine=oblique(9)).store(blobs)
    image = nib.Nifti1Image.from_bytes(gzip.decompress(blobs.get(stored["image"]["digest"])))
    assert (np.asarray(image.dataobj) == SCAN).all()
    assert (content_of(blobs, "volume", stored).layers["truth"] == (some_labels() > 1)).all()
    assert np.allclose(image.affine, oblique(9), atol=1e-4)
    assert stored["classes"] == {"1": "spleen"}
    assert stored["geometry"]["shape"] == list(SHAPE)


def test_a_layer_is_kept_as_the_box_that_is_marked_in_its_own_place(blobs: Blobs) -> None:
    """To any reader it is a scan of its own: every marked voxel lies where it lay in the patient."""
    labels = np.zeros(SHAPE, np.uint8)
    labels[2:5, 3:9, 4], labels[6, 3, 7] = 1, 200
    marks = np.argwhere(labels)
    (layer,) = vx.Volume(SCAN, {"truth": labels}, affine=oblique(9)).store(blobs)["layers"]
    box = nib.Nifti1Image.from_bytes(gzip.decompress(blobs.get(layer["digest"])))
    assert layer["start"] == marks.min(axis=0).tolist()
    assert box.shape == tuple(marks.max(axis=0) - marks.min(axis=0) + 1)
    assert box.get_data_dtype() == np.uint8
    here, there = np.argwhere(np.asarray(box.dataobj)), apply_affine(oblique(9), marks)
    np.testing.assert_allclose(apply_affine(box.affine, here), there, atol=1e-3)


def test_a_file_is_kept_byte_for_byte(tmp_path: Path, blobs: Blobs) -> None:
    path = tmp_path / "scan.nii.gz"
    nib.save(nib.Nifti1Image(SCAN, oblique(3)), path)
    stored = vx.Volume(path, layers={"prediction": some_labels()}).store(blobs)
    assert blobs.get(stored["image"]["digest"]) == path.read_bytes()
    assert stored["image"]["filename"] == "scan.nii.gz"


SEQUENCES = ("FLAIR", "T1w", "T1gd")


def test_channels_are_kept_under_their_names(tmp_path: Path, blobs: Blobs) -> None:
    """Of an array as MONAI has it, of a NIfTI file, and of one in another format."""
    stack = np.stack([SCAN, SCAN // 2, SCAN // 3], axis=-1)
    write_volume(tmp_path / "mri.nii.gz", stack, Geometry(SHAPE, oblique(9)))
    write_volume(tmp_path / "mri.nrrd", stack, Geometry(SHAPE, oblique(9)))
    given = [np.moveaxis(stack, -1, 0), tmp_path / "mri.nii.gz", tmp_path / "mri.nrrd"]
    for image in given:
        affine = oblique(9) if isinstance(image, np.ndarray) else None
        stored = vx.Volume(image, {"truth": some_labels()}, affine=affine, channels=SEQUENCES).store(blobs)
        back = content_of(blobs, "volume", stored)
        assert (back.image == stack).all()
        assert np.allclose(back.affine, oblique(9), atol=1e-4)
        assert back.channels == SEQUENCES
        assert (back.layers["truth"] == some_labels()).all()
    unnamed = vx.Volume(tmp_path / "mri.nrrd").store(blobs)
    assert content_of(blobs, "volume", unnamed).image.shape == stack.shape
    assert "channels" not in unnamed


def test_channels_and_names_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    write_volume(tmp_path / "two.nii.gz", np.zeros((*SHAPE, 2), np.uint8), Geometry(SHAPE, np.eye(4)))
    with pytest.raises(VoxloopError, match=r"has 2 channels, and 3 are named \(FLAIR, T1w, T1gd\)"):
        vx.Volume(tmp_path / "two.nii.gz", channels=SEQUENCES)
    with pytest.raises(VoxloopError, match=r"has 1 channel, and 3 are named"):
        vx.Volume(SCAN, channels=SEQUENCES)
    with pytest.raises(VoxloopError, match=r"shape 2×7×11×13; give one channel, or say with channels="):
        vx.Volume(np.zeros((2, *SHAPE)), channels=SEQUENCES)
    with pytest.raises(VoxloopError, match='layer "truth" has 2 channels, and a label map has one'):
        vx.Volume(np.zeros(SHAPE), {"truth": tmp_path / "two.nii.gz"})


def test_a_layer_on_another_grid_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VoxloopError, match='layer "prediction" has 7×11×12 voxels'):
        vx.Volume(SCAN, layers={"prediction": some_labels()[..., :-1]}, affine=oblique(0))
    nib.save(nib.Nifti1Image(some_labels(), oblique(20)), tmp_path / "turned.nii.gz")
    with pytest.raises(VoxloopError, match="mm away"):
        vx.Volume(SCAN, layers={"truth": tmp_path / "turned.nii.gz"}, affine=oblique(0))


@pytest.mark.parametrize(
    "values", [np.full(SHAPE, 0.5), np.full(SHAPE, -1), np.full(SHAPE, 300), np.full(SHAPE, np.nan)]
)
def test_what_is_no_label_map_is_refused(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> None:
    with pytest.raises(VoxloopError, match='"truth" is no label map'):
        vx.Volume(SCAN, layers={"truth": values})


@pytest.mark.parametrize("shape", [(4, 4), (2, 4, 4, 4), (0, 4, 4)])
def test_what_is_no_volume_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(VoxloopError, match="three axes"):
        vx.Volume(np.zeros(shape))


def test_a_singular_affine_is_refused() -> None:
    with pytest.raises(VoxloopError, match="invertible"):
        vx.Volume(SCAN, affine=np.zeros((4, 4)))
