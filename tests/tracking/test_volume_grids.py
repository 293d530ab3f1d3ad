"""A volume keeps every value, and a layer lies on its grid or is refused."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import numpy.typing as npt
import pytest

import voxloop as vx
from voxloop.data.geometry import Geometry
from voxloop.store.blobs import Blobs

SHAPE = (7, 11, 13)


def oblique() -> npt.NDArray[np.float64]:
    angle = np.deg2rad(12)
    affine = np.eye(4)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    affine[:3, :3] = turn @ np.diag([-0.8, 1.1, 5.0])
    affine[:3, 3] = (120.5, -33.25, 810.0)
    return affine


def scan(dtype: npt.DTypeLike = np.int16) -> npt.NDArray[Any]:
    return np.random.default_rng(3).integers(0, 100, SHAPE).astype(dtype)


def labels() -> npt.NDArray[np.uint8]:
    return (scan() > 50).astype(np.uint8)


def stored(content: bytes) -> Any:
    return nib.Nifti1Image.from_bytes(gzip.decompress(content))


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs(tmp_path / "blobs")


def test_equal_content_is_one_blob_whenever_it_is_logged(tmp_path: Path) -> None:
    with vx.Run(project=tmp_path) as run:
        for epoch in range(3):
            volume = vx.Volume(scan(), {"truth": labels(), "prediction": np.roll(labels(), epoch)}, affine=oblique())
            run.log({"val/scan": volume}, step=epoch, epoch=epoch, context={"case": "spleen_12"})
    with vx.open(tmp_path) as project:
        found = project.media_of(run.id, kind="volume", name="val/scan", context={"case": "spleen_12"})
        assert [(one.step, one.epoch, one.context) for one in found] == [
            (n, n, {"case": "spleen_12"}) for n in range(3)
        ]
        assert len({one.data["image"]["digest"] for one in found}) == 1
        # The scan, and three predictions of which the first is the truth.
        layers = {layer["digest"] for one in found for layer in one.data["layers"]}
        assert len(layers) == 3
        assert all(digest in project.blobs for digest in layers)
        assert [one.step for one in project.media_of(run.id, step=1)] == [1]
        assert project.media_of(run.id, context={"case": "other"}) == []


@pytest.mark.parametrize(
    "dtype", ["int8", "uint8", "int16", "uint16", "int32", "int64", "uint64", "float16", "float32", "float64", "bool"]
)
def test_every_kind_of_number_keeps_its_values(blobs: Blobs, dtype: str) -> None:
    voxels = scan(dtype)
    data = vx.Volume(voxels).store(blobs)
    np.testing.assert_array_equal(np.asarray(stored(blobs.get(data["image"]["digest"])).dataobj), voxels)


def test_an_integer_beyond_32_bits_is_not_wrapped_around(blobs: Blobs) -> None:
    data = vx.Volume(np.full(SHAPE, 2**40)).store(blobs)
    assert np.asarray(stored(blobs.get(data["image"]["digest"])).dataobj).max() == 2**40


def test_a_tensor_with_a_channel_and_an_affine_is_a_volume() -> None:
    import torch
    from monai.data import MetaTensor

    image = MetaTensor(torch.from_numpy(scan(np.float32))[None], affine=torch.from_numpy(oblique()))
    volume = vx.Volume(
        image, {"truth": MetaTensor(torch.from_numpy(labels())[None], affine=torch.from_numpy(oblique()))}
    )
    assert volume.geometry.same_as(Geometry(SHAPE, oblique()))
    shifted = oblique()
    shifted[2, 3] += 5.0
    with pytest.raises(vx.VoxloopError, match=r"lies up to 5\.0 mm away"):
        vx.Volume(image, {"truth": MetaTensor(torch.from_numpy(labels())[None], affine=torch.from_numpy(shifted))})


@pytest.mark.parametrize(
    ("image", "layers", "affine", "sentence"),
    [
        (scan(), {"truth": labels()[:, :, 1:]}, None, 'The layer "truth" has 7×11×12 voxels'),
        (scan(), {"truth": labels() * 0.5}, None, "is no label map"),
        (scan(), {"truth": labels().astype(int) * 300}, None, "is no label map"),
        (scan(), {"truth": np.full(SHAPE, np.nan)}, None, "is no label map"),
        (np.zeros((2, 3)), {}, None, "has three axes"),
        (np.zeros((2, *SHAPE)), {}, None, "has three axes"),
        (np.zeros((0, 2, 2)), {}, None, "has three axes"),
        (np.full(SHAPE, "a"), {}, None, "holds numbers"),
        (scan(), {}, np.zeros((4, 4)), "invertible 4×4 matrix"),
        (scan(), {}, np.full((4, 4), np.nan), "invertible 4×4 matrix"),
        (scan(), {}, np.eye(3), "invertible 4×4 matrix"),
        ("nowhere.nii.gz", {}, None, "nowhere.nii.gz"),
    ],
)
def test_what_is_no_volume_is_refused_in_a_sentence(
    image: Any, layers: dict[str, Any], affine: Any, sentence: str
) -> None:
    with pytest.raises(vx.VoxloopError, match=sentence):
        vx.Volume(image, layers, affine=affine)


def test_a_file_of_colours_is_refused_in_a_sentence(tmp_path: Path) -> None:
    colours = np.zeros(SHAPE, np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")]))
    for name in ("colours.nii.gz", "colours.nii"):
        nib.save(nib.Nifti1Image(colours, oblique()), tmp_path / name)
        for reference in (False, True):
            with pytest.raises(vx.VoxloopError, match=rf"{name} holds colours; .* save it as such\.$"):
                vx.Volume(tmp_path / name, reference=reference)
        with pytest.raises(vx.VoxloopError, match=f"{name} holds colours"):
            vx.Volume(scan(), {"truth": tmp_path / name}, affine=oblique())


def test_a_label_file_on_another_grid_is_refused(tmp_path: Path) -> None:
    shifted = oblique()
    shifted[0, 3] += 3.0
    nib.save(nib.Nifti1Image(scan(), oblique()), tmp_path / "scan.nii.gz")
    nib.save(nib.Nifti1Image(labels(), shifted), tmp_path / "label.nii.gz")
    with pytest.raises(vx.VoxloopError, match=r"layer truth: the label lies up to 3\.0 mm away"):
        vx.Volume(tmp_path / "scan.nii.gz", {"truth": tmp_path / "label.nii.gz"})
