"""A recipe's reader opens every format; of NIfTI it is NibabelReader to the bit, under the MONAI of the day and under an old one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import numpy.typing as npt
import pytest

from tests.data.test_formats_writing import filled, placed
from tests.peers import OLD_MONAI
from voxloop.data.formats.reference import write_reference
from voxloop.data.formats.writing import write_volume
from voxloop.errors import VoxloopError

READER = "voxloop.recipes.reader.VolumeReader"
ROOT = Path(__file__).parents[2]


def load(path: Path | Sequence[Path], reader: str = READER, **how: Any) -> Any:
    """As a recipe's config asks for it."""
    from monai.transforms import LoadImage

    return LoadImage(reader=reader, **how)(path)


def nifti(folder: Path) -> list[Path]:
    """Files in which readers might differ: scaled, big-endian, of channels, of one slice, and with matrices that disagree."""
    voxels, affine = filled((7, 11, 13)), placed(degrees=8).affine
    scaled = nib.Nifti1Image(voxels, affine)
    scaled.header.set_slope_inter(0.5, -1024)
    apart = nib.Nifti1Image(voxels, affine)
    apart.header["pixdim"][1:4] = (2, 2, 2)
    turned = nib.Nifti1Image(voxels, affine)
    turned.header.set_qform(placed(axes=5, spacing_mm=(2, 2, 2)).affine, 1)
    made = {
        "plain.nii.gz": nib.Nifti1Image(voxels, affine),
        "plain.nii": nib.Nifti1Image(voxels.astype(np.float32), affine),
        "second.nii.gz": nib.Nifti2Image(voxels, affine),
        "scaled.nii.gz": scaled,
        "big.nii.gz": nib.Nifti1Image(voxels, affine, nib.Nifti1Header(endianness=">")),
        "channels.nii.gz": nib.Nifti1Image(filled((7, 11, 13, 3)), affine),
        "one-channel.nii.gz": nib.Nifti1Image(voxels[..., None], affine),
        "one-slice.nii.gz": nib.Nifti1Image(voxels[..., :1], affine),
        "sheared.nii.gz": nib.Nifti1Image(voxels, placed(shear=0.2).affine),
        "apart.nii.gz": apart,
        "turned.nii.gz": turned,
        "nowhere.nii.gz": nib.Nifti1Image(voxels, None),
    }
    for name, image in made.items():
        nib.save(image, folder / name)
    return [folder / name for name in made]


def same(one: Any, other: Any) -> None:
    """The same tensor, with everything that MONAI knows about it."""
    assert one.dtype == other.dtype
    assert np.array_equal(np.asarray(one), np.asarray(other), equal_nan=True)
    assert np.array_equal(np.asarray(one.affine), np.asarray(other.affine))
    assert one.meta.keys() == other.meta.keys()
    for key, value in one.meta.items():
        assert np.array_equal(np.asarray(value), np.asarray(other.meta[key]), equal_nan=_is_number(value)), key


def _is_number(value: Any) -> bool:
    return np.asarray(value).dtype.kind in "fc"


def check(folder: Path) -> None:
    """What holds under every MONAI."""
    from monai.transforms import EnsureChannelFirst

    folder.mkdir(exist_ok=True)
    for path in nifti(folder):
        same(load(path), load(path, "NibabelReader"))
        # MONAI leaves a file's byte order as it is, and then torch refuses it.
        if path.name != "big.nii.gz":
            same(load(path, dtype=None), load(path, "NibabelReader", dtype=None))
    assert np.array_equal(np.asarray(load(folder / "big.nii.gz", dtype=None)), filled((7, 11, 13)))
    pair = [folder / "plain.nii.gz", folder / "scaled.nii.gz"]
    same(load(pair), load(pair, "NibabelReader"))
    voxels, geometry = filled((7, 11, 13, 3)), placed(degrees=8)
    for name in ("a.nii.gz", "a.nrrd", "a.mha"):
        write_volume(folder / name, voxels, geometry)
        write_volume(folder / f"one-{name}", voxels[..., 0], geometry)
        image, single = EnsureChannelFirst()(load(folder / name)), EnsureChannelFirst()(load(folder / f"one-{name}"))
        expect(image, voxels, folder / name)
        expect(single, voxels[..., :1], folder / f"one-{name}")
    files = [folder / f"one-a.{ending}" for ending in ("nii.gz", "nrrd", "mha")]
    write_reference(folder / "case.volume.json", files)
    image = EnsureChannelFirst()(load(folder / "case.volume.json"))
    expect(image, np.repeat(voxels[..., :1], 3, axis=3), folder / "case.volume.json")
    expect(EnsureChannelFirst()(load(files)), np.repeat(voxels[..., :1], 3, axis=3), files[0])


def expect(image: Any, voxels: npt.NDArray[Any], path: Path) -> None:
    """Channels first, at the millimetres where they were written."""
    assert np.array_equal(np.asarray(image), np.moveaxis(voxels, -1, 0).astype(np.float32))
    assert np.allclose(np.asarray(image.affine), placed(degrees=8).affine, atol=1e-3)
    assert str(image.meta["space"]) == "RAS"
    assert tuple(np.asarray(image.meta["spatial_shape"])) == (7, 11, 13)
    assert image.meta["filename_or_obj"] == str(path)


def test_every_format_under_the_monai_of_the_day(tmp_path: Path) -> None:
    check(tmp_path)


@pytest.mark.slow
def test_every_format_under_an_old_monai(tmp_path: Path) -> None:
    old = Path(sys.prefix) / "peers" / f"monai-{OLD_MONAI}"
    assert (old / "monai").is_dir(), f"MONAI {OLD_MONAI} is not installed; run: python -m tests.peers {old.parent}"
    program = (
        f"import monai, pathlib, tests.data.test_reader as t; assert monai.__version__ == {OLD_MONAI!r}; "
        f"t.check(pathlib.Path({str(tmp_path)!r}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(map(str, (old, ROOT / "src", ROOT)))},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.parametrize("axes", [0, 9, 30])
def test_a_scan_and_its_label_of_any_two_formats_are_resampled_alike(tmp_path: Path, axes: int) -> None:
    """MONAI's Spacing turns a difference in the last digit into a grid that lies half a millimetre away."""
    from monai.transforms import Compose, EnsureChannelFirst, LoadImage, Orientation, Spacing

    codes = Orientation("RAS", labels=(("L", "R"), ("P", "A"), ("I", "S")))
    steps = Compose([LoadImage(reader=READER), EnsureChannelFirst(), codes, Spacing((2.0, 2.0, 2.0))])
    made = []
    for ending in ("nii.gz", "nrrd", "mha"):
        write_volume(tmp_path / f"a.{ending}", filled((7, 11, 13)), placed(axes=axes, degrees=8))
        made.append(steps(tmp_path / f"a.{ending}"))
    for other in made[1:]:
        assert np.array_equal(np.asarray(other.affine), np.asarray(made[0].affine))
        assert np.array_equal(np.asarray(other), np.asarray(made[0]))


def test_what_we_refuse_no_other_reader_is_asked_for(tmp_path: Path) -> None:
    voxels = filled((7, 11, 13)).astype(np.complex64)
    nib.save(nib.Nifti1Image(voxels, np.eye(4)), tmp_path / "complex.nii.gz")
    with pytest.raises(VoxloopError, match="holds complex numbers"):
        load(tmp_path / "complex.nii.gz")
    with pytest.raises(VoxloopError, match="No scan is at"):
        load(tmp_path / "no.nrrd")
    write_volume(tmp_path / "a.nrrd", filled((7, 11, 13)), placed())
    write_volume(tmp_path / "moved.nrrd", filled((7, 11, 13)), placed(degrees=20))
    write_volume(tmp_path / "two.nrrd", filled((7, 11, 13, 2)), placed())
    with pytest.raises(VoxloopError, match="mm away from the first one"):
        load([tmp_path / "a.nrrd", tmp_path / "moved.nrrd"])
    with pytest.raises(VoxloopError, match="differ in their channels"):
        load([tmp_path / "a.nrrd", tmp_path / "two.nrrd"])


def test_the_reader_knows_its_endings() -> None:
    from voxloop.recipes.reader import VolumeReader

    reader = VolumeReader()
    assert reader.verify_suffix(["a.nii.gz", Path("b.NRRD"), "c.volume.json"])
    assert not reader.verify_suffix(["a.nii.gz", "b.png"])
    assert not reader.verify_suffix("a.json")
