"""`--fix` makes a copy in which everything is sound: what is safe is mended, what needs a person is left out and named."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import nibabel as nib
import numpy as np
import numpy.typing as npt
import pytest

from voxloop.data.check import Finding, check
from voxloop.data.check.mending import Mended, mend
from voxloop.data.phantom import make_broken, make_spleen
from voxloop.errors import VoxloopError


def fixed(folder: Path, out: Path) -> Mended:
    return mend(folder, check(folder).findings, out)


def digests(folder: Path) -> dict[str, str]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and ".voxloop-check" not in path.parts)
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def errors(folder: Path) -> list[Finding]:
    return [one for one in check(folder).findings if one.severity == "error"]


@pytest.fixture
def spleens(tmp_path: Path) -> Path:
    folder = tmp_path / "spleens"
    make_spleen(folder, cases=3, seed=5, size="small", test_cases=1)
    return folder


def test_of_a_dataset_in_which_everything_is_wrong_what_is_sound_is_left(tmp_path: Path) -> None:
    folder = tmp_path / "broken"
    make_broken(folder)
    before = digests(folder)
    mended = fixed(folder, tmp_path / "mended")
    assert digests(folder) == before, "the dataset itself is as it was"
    assert errors(mended.folder) == []
    assert not [one for one in check(mended.folder).findings if one.fixable], "what can be mended is mended"
    listed = {Path(one["image"]).name for one in json.loads((mended.folder / "dataset.json").read_text())["training"]}
    left_out = {f"{one.case}.nii.gz" for one in mended.left_out}
    all_of_it = {Path(one["image"]).name for one in json.loads((folder / "dataset.json").read_text())["training"]}
    assert listed | left_out == all_of_it
    assert not listed & left_out
    assert "spleen_0.nii.gz" in listed, "the sound one"
    assert all(one.why for one in mended.left_out)
    note = json.loads((mended.folder / "mended.json").read_text())
    assert [one["case"] for one in note["left_out"]] == [one.case for one in mended.left_out]


def test_files_that_need_nothing_are_links_and_a_mended_header_leaves_every_voxel(
    spleens: Path, tmp_path: Path
) -> None:
    image = spleens / "imagesTr" / "spleen_1.nii.gz"
    scan = nib.load(image)
    voxels = np.asarray(scan.dataobj)
    header = scan.header.copy()
    # A scale, as some converters write it, stays what it is.
    header.set_slope_inter(2.0, -1024.0)
    made = nib.Nifti1Image(voxels[..., None], None, header)
    made.header.set_slope_inter(2.0, -1024.0)
    made.header.set_data_dtype(np.int16)
    nib.save(made, image)
    mended = fixed(spleens, tmp_path / "mended")
    assert [(one.case, one.kind) for one in mended.steps if one.kind == "extra_axis"] == [("spleen_1", "extra_axis")]
    copy = nib.load(mended.folder / "imagesTr" / "spleen_1.nii.gz")
    assert copy.shape == voxels.shape
    assert copy.dataobj.slope == nib.load(image).dataobj.slope
    assert np.array_equal(
        np.asarray(copy.dataobj.get_unscaled()), np.asarray(nib.load(image).dataobj.get_unscaled())[..., 0]
    )
    assert np.array_equal(copy.affine, nib.load(image).affine)
    assert (mended.folder / "imagesTr" / "spleen_0.nii.gz").is_symlink()
    assert (mended.folder / "imagesTs" / "spleen_3.nii.gz").is_symlink()


def test_a_label_in_another_order_of_axes_comes_back_to_its_scans_voxels(spleens: Path, tmp_path: Path) -> None:
    path = spleens / "labelsTr" / "spleen_0.nii.gz"
    label = nib.load(path)
    truth = np.asarray(label.dataobj)
    turned = np.ascontiguousarray(truth.transpose(2, 0, 1)[:, ::-1])
    affine = label.affine[:, [2, 0, 1, 3]] @ _mirror(turned.shape[1])
    nib.save(nib.Nifti1Image(turned, affine), path)
    mended = fixed(spleens, tmp_path / "mended")
    assert ("spleen_0", "label_reoriented") in [(one.case, one.kind) for one in mended.steps]
    assert np.array_equal(np.asarray(nib.load(mended.folder / "labelsTr" / "spleen_0.nii.gz").dataobj), truth)


def _mirror(length: int) -> npt.NDArray[np.float64]:
    """The second axis runs the other way, and its origin goes with it."""
    matrix = np.diag([1.0, -1.0, 1.0, 1.0])
    matrix[1, 3] = length - 1
    return matrix


@pytest.mark.parametrize("shift", [0.07, 0.25])
def test_a_header_that_is_off_by_rounding_is_its_scans_again(spleens: Path, shift: float) -> None:
    path = spleens / "labelsTr" / "spleen_0.nii.gz"
    label = nib.load(path)
    affine = label.affine.copy()
    affine[:3, 3] += shift
    nib.save(nib.Nifti1Image(np.asarray(label.dataobj), affine), path)
    mended = fixed(spleens, spleens.with_name("mended"))
    assert "grid_rounding" in [one.kind for one in mended.steps]
    scan = nib.load(mended.folder / "imagesTr" / "spleen_0.nii.gz")
    copy = nib.load(mended.folder / "labelsTr" / "spleen_0.nii.gz")
    assert np.allclose(copy.affine, scan.affine, atol=1e-5)
    assert np.allclose(copy.get_qform(), scan.affine, atol=1e-3)
    assert np.array_equal(np.asarray(copy.dataobj), np.asarray(label.dataobj))


def test_a_split_that_shares_a_case_is_left_out_and_the_others_stay(spleens: Path, tmp_path: Path) -> None:
    sound = {"training": ["spleen_0", "spleen_1"], "validation": ["spleen_2"]}
    leaky = {"training": ["spleen_0", "spleen_2"], "validation": ["spleen_2", "spleen_9"]}
    (spleens / "splits.json").write_text(json.dumps({"sound": sound, "leaky": leaky}))
    mended = fixed(spleens, tmp_path / "mended")
    assert json.loads((mended.folder / "splits.json").read_text()) == {"sound": sound}
    assert mended.cases == 3
    assert errors(mended.folder) == []


def test_nothing_is_written_where_something_is_or_where_nothing_would_be_left(spleens: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "thesis.txt").write_text("three years")
    with pytest.raises(VoxloopError, match="not empty"):
        fixed(spleens, tmp_path / "thesis")
    with pytest.raises(VoxloopError, match="inside the dataset"):
        fixed(spleens, spleens / "mended")
    for path in (spleens / "labelsTr").iterdir():
        path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(VoxloopError, match="no case is left"):
        fixed(spleens, tmp_path / "mended")
    assert not (tmp_path / "mended").exists()
    assert not list(tmp_path.glob(".partial-*"))
