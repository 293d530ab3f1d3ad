"""Real scans: nothing is wrong with them as they are, and what is done to them is found. They lie beside the repository."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from tests.data.check.datasets import (
    bad,
    change,
    checked,
    describe,
    kinds,
    listed,
    of_case,
    rewrite,
    save,
    voxels_of,
)

DATA = Path(__file__).parents[4] / "shared" / "data"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the folder of real scans is not beside this repository")

ORGANS = {0: "background", 1: "spleen", 2: "kidney_right", 3: "kidney_left", 5: "liver", 6: "stomach", 52: "aorta"}
LUNGS = {
    10: "lung_upper_left",
    11: "lung_lower_left",
    12: "lung_upper_right",
    13: "lung_middle",
    14: "lung_lower_right",
}
SEQUENCES = {"0": "FLAIR", "1": "T1w", "2": "T1gd", "3": "T2w"}
Mutation = Callable[[Path, Path], None]


@pytest.fixture(scope="module")
def torso(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The CT, with its 117 classes numbered without a gap."""
    folder = tmp_path_factory.mktemp("torso")
    (folder / "imagesTr").mkdir()
    shutil.copyfile(DATA / "totalseg" / "example_ct.nii.gz", folder / "imagesTr" / "torso.nii.gz")
    labels = nib.load(DATA / "totalseg" / "example_seg_fast_force_split.nii.gz")
    values, places = np.unique(np.asanyarray(labels.dataobj), return_inverse=True)
    save(folder / "labelsTr" / "torso.nii.gz", places.reshape(labels.shape).astype(np.uint8), labels.affine)
    names = {
        str(place): (ORGANS | LUNGS).get(value, f"structure {value}") for place, value in enumerate(values.tolist())
    }
    describe(folder, ["torso"], labels=names)
    return folder


@pytest.fixture(scope="module")
def head(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The MRI as one file of four channels, cut to the brain."""
    folder = tmp_path_factory.mktemp("head")
    scans = [nib.load(DATA / "tcga-du-7294" / f"TCGA-DU-7294_{name}_bet.nii.gz") for name in ("fla", "t1", "t1c", "t2")]
    box = (slice(40, 200), slice(20, 220), slice(0, 150))
    voxels = np.stack([np.asanyarray(scan.dataobj)[box] for scan in scans], axis=-1)
    labels = np.asanyarray(nib.load(DATA / "tcga-du-7294" / "mav.nii.gz").dataobj)[box].astype(np.uint8)
    affine = scans[0].affine.copy()
    affine[:3, 3] = (scans[0].affine @ [40, 20, 0, 1])[:3]
    save(folder / "imagesTr" / "head.nii.gz", voxels, affine)
    save(folder / "labelsTr" / "head.nii.gz", labels, affine)
    # This tumour does not enhance, so that its class is left out.
    describe(folder, ["head"], modality=SEQUENCES, labels={"0": "background", "1": "necrotic core", "2": "edema"})
    return folder


def test_nothing_is_wrong_with_them(torso: Path, head: Path) -> None:
    assert bad(checked(torso)) == []
    assert bad(checked(head)) == []
    report = checked(torso).fingerprint
    assert report["cases"]["torso"]["classes"]["spleen"]["ml"] == pytest.approx(261, abs=1)
    assert report["cases"]["torso"]["classes"]["spleen"]["voxels"] == 9668


def _flip_label(image: Path, label: Path) -> None:
    rewrite(label, voxels_of(label)[::-1], nib.load(label).affine @ np.diag([-1, 1, 1, 1]))


def _shift_label(image: Path, label: Path) -> None:
    affine = nib.load(label).affine.copy()
    affine[:3, 3] += (9, 0, -6)
    rewrite(label, affine=affine)


def _transpose_label(image: Path, label: Path) -> None:
    rewrite(label, np.swapaxes(voxels_of(label), 0, 1), nib.load(label).affine[:, [1, 0, 2, 3]])


def _coarse_label(image: Path, label: Path) -> None:
    rewrite(label, voxels_of(label)[::2, ::2, ::2], nib.load(label).affine @ np.diag([2, 2, 2, 1]))


def _short_label(image: Path, label: Path) -> None:
    rewrite(label, voxels_of(label)[:, :, 1:])


def _interpolated(image: Path, label: Path) -> None:
    rewrite(label, voxels_of(label).astype(np.float32) * np.float32(0.9))


def _unnamed(image: Path, label: Path) -> None:
    rewrite(label, np.where(voxels_of(label) == 1, 200, voxels_of(label)).astype(np.uint8))


def _nan(image: Path, label: Path) -> None:
    voxels = voxels_of(image).astype(np.float32)
    voxels[50, 50, 50] = np.nan
    rewrite(image, voxels)


def _cut(image: Path, label: Path) -> None:
    image.write_bytes(image.read_bytes()[:-5000])


def _picture(image: Path, label: Path) -> None:
    rewrite(image, (np.clip(voxels_of(image) + 160, 0, 400) * 255 / 400).astype(np.uint8))


def _no_intercept(image: Path, label: Path) -> None:
    rewrite(image, np.maximum(voxels_of(image) + 1024, 0).astype(np.int16))


def _window(image: Path, label: Path) -> None:
    rewrite(image, np.clip(voxels_of(image), -160, 240).astype(np.int16))


def _metres(image: Path, label: Path) -> None:
    for path in (image, label):
        rewrite(path, affine=nib.load(path).affine @ np.diag([0.001, 0.001, 0.001, 1]))


def _mirror(image: Path, label: Path) -> None:
    """The label's content on the other side of the patient, with a header that does not tell."""
    values = voxels_of(label)
    rewrite(label, np.roll(values, 45, axis=0))


def _huge_spacing(image: Path, label: Path) -> None:
    for path in (image, label):
        rewrite(path, affine=nib.load(path).affine @ np.diag([3, 3, 3, 1]))


@pytest.mark.parametrize(
    ("mutation", "kind"),
    [
        (_flip_label, "label_flipped"),
        (_shift_label, "label_shifted"),
        (_transpose_label, "label_reoriented"),
        (_coarse_label, "label_spacing"),
        (_short_label, "label_shape"),
        (_interpolated, "label_fractions"),
        (_unnamed, "label_value"),
        (_nan, "not_finite"),
        (_cut, "truncated"),
        (_picture, "modality"),
        (_no_intercept, "hu_offset"),
        (_window, "saturated"),
        (_metres, "spacing"),
        (_mirror, "class_intensity"),
        (_huge_spacing, "volume"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_done_to_the_ct_is_found(torso: Path, tmp_path: Path, mutation: Mutation, kind: str) -> None:
    folder = Path(shutil.copytree(torso, tmp_path / "torso"))
    mutation(folder / "imagesTr" / "torso.nii.gz", folder / "labelsTr" / "torso.nii.gz")
    found = kinds([one for one in bad(checked(folder)) if one.case == "torso"])
    assert found == {kind}


@pytest.mark.parametrize("order", [[3, 1, 2, 0], [1, 0, 2, 3], [0, 1, 3, 2]], ids=str)
def test_channels_of_the_mri_in_another_order_are_found(head: Path, tmp_path: Path, order: list[int]) -> None:
    folder = Path(shutil.copytree(head, tmp_path / "head"))
    change(folder, modality={str(place): SEQUENCES[str(number)] for place, number in enumerate(order)})
    assert kinds(bad(checked(folder))) == {"channel_order"}


def test_the_mri_under_the_decathlons_names_is_found(head: Path, tmp_path: Path) -> None:
    """Its masks are numbered as BraTS numbers them, and Task01 numbers otherwise."""
    folder = Path(shutil.copytree(head, tmp_path / "head"))
    names = {"0": "background", "1": "edema", "2": "non-enhancing tumor", "3": "enhancing tumour"}
    change(folder, labels=names)
    report = checked(folder)
    (finding,) = [one for one in bad(report) if one.kind == "class_numbering"]
    assert finding.numbers["suspected"] == {"1": names["2"], "2": names["1"]}


def test_a_channel_twice_and_one_too_many(head: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(head, tmp_path / "head"))
    path = folder / "imagesTr" / "head.nii.gz"
    rewrite(path, voxels_of(path)[..., [0, 1, 1]])
    assert of_case(checked(folder), "head") == {"channels", "same_channels"}
    assert len(listed(folder)["modality"]) == 4
