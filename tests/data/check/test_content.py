"""What no header tells: the same voxels twice, channels in another order, classes in another numbering."""

from __future__ import annotations

import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from tests.data.check.datasets import bad, change, checked, kinds, listed, of_case, rewrite, save, voxels_of
from voxloop.data.phantom import make_brain_tumour

# Task01's names, and where each value of another convention belongs in them.
BRATS21 = {1: 2, 2: 1, 3: 3}
BRATS23_READ_AS_21 = {1: 3, 2: 2, 3: 1}


@pytest.fixture(scope="module")
def brains(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "Task01"
    make_brain_tumour(folder, 6, 1, "small", test_cases=0)
    return folder


@pytest.fixture
def brain(brains: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(brains, tmp_path / "Task01"))


def image(folder: Path, number: int) -> Path:
    return folder / "imagesTr" / f"BRATS_{number}.nii.gz"


def label(folder: Path, number: int) -> Path:
    return folder / "labelsTr" / f"BRATS_{number}.nii.gz"


def reorder(path: Path, order: list[int]) -> None:
    rewrite(path, np.ascontiguousarray(voxels_of(path)[..., order]))


def renumber(path: Path, mapping: dict[int, int]) -> None:
    values = voxels_of(path)
    table = np.arange(256, dtype=np.uint8)
    table[list(mapping)] = list(mapping.values())
    rewrite(path, table[values])


@pytest.mark.parametrize("order", [[3, 1, 2, 0], [0, 2, 1, 3], [2, 1, 3, 0], [1, 0, 2, 3]], ids=str)
def test_a_case_with_its_channels_in_another_order_is_found(brain: Path, order: list[int]) -> None:
    reorder(image(brain, 1), order)
    findings = bad(checked(brain))
    assert [(one.kind, one.case) for one in findings] == [("channel_order", "BRATS_1")]
    assert list(findings[0].numbers["order"]) == order
    names = [listed(brain)["modality"][str(number)] for number in order]
    assert f"look like {', '.join(names)}" in findings[0].what


def test_a_case_without_a_tumour_is_judged_by_the_others(brain: Path) -> None:
    rewrite(label(brain, 2), np.zeros_like(voxels_of(label(brain, 2))))
    reorder(image(brain, 2), [1, 0, 3, 2])
    assert of_case(checked(brain), "BRATS_2") == {"channel_order", "label_empty"}


def test_all_cases_in_another_order_contradict_dataset_json(brain: Path) -> None:
    change(brain, modality={"0": "T1gd", "1": "T1w", "2": "FLAIR", "3": "T2w"})
    (finding,) = bad(checked(brain))
    assert (finding.kind, finding.case, finding.file) == ("channel_order", None, "dataset.json")
    assert "look like FLAIR, T1w, T1gd, T2w" in finding.what


@pytest.mark.parametrize("mapping", [BRATS21, BRATS23_READ_AS_21, {1: 2, 2: 3, 3: 1}], ids=str)
def test_a_case_in_another_numbering_is_found_with_what_its_values_look_like(
    brain: Path, mapping: dict[int, int]
) -> None:
    renumber(label(brain, 1), mapping)
    findings = bad(checked(brain))
    assert [(one.kind, one.case) for one in findings] == [("class_numbering", "BRATS_1")]
    names = listed(brain)["labels"]
    truly = {str(new): names[str(old)] for old, new in mapping.items() if old != new}
    assert findings[0].numbers["suspected"] == truly


def test_a_dataset_named_after_another_convention_is_told_once(brain: Path) -> None:
    change(brain, labels={"0": "background", "1": "NCR", "2": "ED", "3": "ET"})
    (finding,) = bad(checked(brain))
    assert (finding.kind, finding.case) == ("class_numbering", None)
    assert finding.numbers["suspected"] == {"1": "ED", "2": "NCR"}


def test_the_right_names_of_another_convention_are_right(brain: Path) -> None:
    for number in range(6):
        renumber(label(brain, number), BRATS21)
    change(brain, labels={"0": "background", "1": "NCR/NET", "2": "peritumoral oedema", "3": "GD-enhancing tumour"})
    assert bad(checked(brain)) == []


def test_a_channel_that_was_stored_twice(brain: Path) -> None:
    reorder(image(brain, 0), [0, 1, 1, 3])
    assert of_case(checked(brain), "BRATS_0") == {"same_channels"}


def test_the_same_voxels_are_found_however_they_are_stored(brain: Path) -> None:
    """Another type, another packing, another header, another orientation: the scan stays the scan."""
    old = nib.load(image(brain, 0))
    voxels = np.asanyarray(old.dataobj)
    save(image(brain, 1), voxels.astype(np.float32), old.affine @ np.diag([1, 1, 1.1, 1]))
    save(label(brain, 1), voxels_of(label(brain, 0)), old.affine @ np.diag([1, 1, 1.1, 1]))
    save(brain / "imagesTr" / "BRATS_2.nii", voxels.astype(np.int32), old.affine)
    pairs = listed(brain)["training"]
    pairs[2]["image"] = "imagesTr/BRATS_2.nii"
    image(brain, 2).unlink()
    change(brain, training=pairs)
    rewrite(image(brain, 3), np.ascontiguousarray(voxels[:, ::-1]))
    shutil.copyfile(label(brain, 0), label(brain, 4))
    report = checked(brain)
    assert {one.case: one.kind for one in bad(report) if one.numbers.get("other") == "BRATS_0"} == {
        "BRATS_1": "duplicate",
        "BRATS_2": "two_labels",
        "BRATS_3": "duplicate",
        "BRATS_4": "same_label",
    }
    assert "another orientation" in next(one.what for one in report.findings if one.case == "BRATS_3")


def test_mri_values_that_are_those_of_a_ct(brain: Path) -> None:
    values = voxels_of(image(brain, 3))
    rewrite(image(brain, 3), np.where(values == 0, -1000, values).astype(np.int16))
    assert "modality" in of_case(checked(brain), "BRATS_3")


def test_a_label_outside_of_the_patient(brain: Path) -> None:
    values = voxels_of(label(brain, 2))
    moved = np.zeros_like(values)
    moved[1:9, 1:9, 1:9] = 1
    rewrite(label(brain, 2), moved)
    assert "class_intensity" in kinds([one for one in bad(checked(brain)) if one.case == "BRATS_2"])
