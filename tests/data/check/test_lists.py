"""The folder, dataset.json and splits.json: whatever is wrong with the list is said, and the rest is checked all the same."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.data.check.datasets import bad, change, checked, describe, kinds, listed, rewrite, save, told, voxels_of
from voxloop.data.check import Report
from voxloop.errors import VoxloopError

CASES = ["a_1", "a_2", "a_10"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three small bodies with something round in them."""
    rng = np.random.default_rng(3)
    i, j, k = np.ogrid[:24, :26, :12]
    for number, case in enumerate(CASES):
        body = (i - 12) ** 2 + (j - 13) ** 2 < 100
        organ = (i - 9) ** 2 + (j - 12) ** 2 + (2 * (k - 6)) ** 2 < 16 + 3 * number
        hu = np.where(body, 50, -1000) + np.where(organ, 60, 0) + rng.normal(0, 12, (24, 26, 12))
        affine = np.diag([-8.0, -8.0, 8.0, 1.0])
        save(tmp_path / "imagesTr" / f"{case}.nii.gz", hu.astype(np.int16), affine)
        save(tmp_path / "labelsTr" / f"{case}.nii.gz", organ.astype(np.uint8) * np.ones_like(hu, np.uint8), affine)
    describe(tmp_path, CASES)
    return tmp_path


def said(report: Report) -> set[str]:
    return kinds(bad(report))


def test_nothing_is_wrong_with_it(folder: Path) -> None:
    assert checked(folder).findings == ()


@pytest.mark.parametrize(
    ("changes", "kind", "part"),
    [
        ({"numTraining": 4}, "json_counts", "numTraining says 4, and 3 are listed"),
        ({"numTest": 20}, "json_counts", "numTest says 20, and 0"),
        ({"labels": {"0": "background", "2": "spleen"}}, "label_numbering", "0, 2 instead of 0 to 1"),
        ({"labels": {"0": "background", "1": " "}}, "label_names", "Label 1 has an empty name"),
        ({"labels": {"0": "background", "1": "Background"}}, "label_names", "more than one"),
        ({"labels": {"background": 0, "spleen": 1}}, "json_form", "nnU-Net"),
        ({"labels": ["background", "spleen"]}, "json_form", "no labels from number to name"),
        ({"modality": {"0": "CT", "1": "PET"}}, "channels", "has 1 channels, and modality names 2"),
        ({"modality": None}, "json_form", "does not say the modality"),
        ({"modality": ["CT"]}, "json_form", "no list from channel to name"),
        ({"labels": {"0": "background", "1": "spleen", "2": "liver"}}, "class_absent", "None of 3 labels"),
    ],
)
def test_a_dataset_json_against_itself_and_its_files(
    folder: Path, changes: dict[str, Any], kind: str, part: str
) -> None:
    change(folder, **changes)
    report = checked(folder)
    assert kind in said(report)
    assert part in told(report)[kind]
    # A wrong number leaves voxels without a name, and a lost modality a scan that is not known as CT; nothing else follows.
    assert said(report) <= {kind, "label_value", "class_absent"}


def test_the_typo_of_task04_is_harmless(folder: Path) -> None:
    change(folder, relase="2.0")
    assert checked(folder).findings == ()


@pytest.mark.parametrize("content", ["{", "\x00\xff", '{"labels": ', "[" * 100_000])
def test_a_damaged_dataset_json_hides_no_case(folder: Path, content: str) -> None:
    (folder / "dataset.json").write_text(content, encoding="latin-1")
    rewrite(folder / "labelsTr" / "a_2.nii.gz", voxels_of(folder / "labelsTr" / "a_2.nii.gz")[:, :, :-1])
    report = checked(folder)
    assert said(report) == {"json_damaged", "label_shape"}
    assert len(report.cases) == 3


def test_a_folder_without_dataset_json_is_checked_and_told_so(folder: Path) -> None:
    (folder / "dataset.json").unlink()
    report = checked(folder)
    assert said(report) == {"no_dataset_json"}
    assert set(report.cases) == set(CASES)


def test_a_folder_that_is_no_dataset_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VoxloopError, match="nothing to check"):
        checked(tmp_path)
    with pytest.raises(VoxloopError, match="No dataset is at"):
        checked(tmp_path / "nowhere")


def test_files_and_list_have_to_agree(folder: Path) -> None:
    shutil.copyfile(folder / "imagesTr" / "a_1.nii.gz", folder / "imagesTr" / "forgotten.nii.gz")
    shutil.copyfile(folder / "labelsTr" / "a_1.nii.gz", folder / "labelsTr" / "alone.nii.gz")
    (folder / "imagesTr" / "._a_1.nii.gz").write_bytes(b"\0\5\26\7")
    (folder / "imagesTr" / ".partial-a_9.nii.gz").write_bytes(b"half")
    (folder / "labelsTr" / "a_2.nii.gz").unlink()
    outside = folder.parent / "outside.nii.gz"
    shutil.copyfile(folder / "imagesTr" / "a_1.nii.gz", outside)
    pairs = listed(folder)["training"]
    change(
        folder,
        training=[*pairs, pairs[0], {"image": f"../{outside.name}", "label": "./labelsTr/a_1.nii.gz"}, {"label": 3}],
        numTraining=6,
    )
    report = checked(folder)
    by_kind = told(report)
    assert said(report) == {
        *("not_listed", "stray_label", "apple_double", "listed_missing"),
        *("listed_twice", "listed_outside", "json_form", "json_counts"),
    }
    assert "forgotten" in by_kind["not_listed"]
    assert "alone" in by_kind["stray_label"]
    assert "labelsTr/a_2.nii.gz" in by_kind["listed_missing"]
    assert by_kind["listed_twice"] == "a_1 is listed more than once."


def test_a_link_to_a_scan_elsewhere_is_a_case_of_the_dataset(folder: Path) -> None:
    elsewhere = folder.parent / "archive.nii.gz"
    shutil.move(folder / "imagesTr" / "a_1.nii.gz", elsewhere)
    (folder / "imagesTr" / "a_1.nii.gz").symlink_to(elsewhere)
    assert checked(folder).findings == ()


def split(folder: Path, **parts: list[str]) -> set[str]:
    (folder / "splits.json").write_text(json.dumps({"mine": parts}))
    report = checked(folder)
    assert all(one.file == "splits.json" for one in bad(report) if one.kind.startswith("split"))
    return said(report)


def test_a_split_parts_cases_contents_and_patients(folder: Path) -> None:
    assert split(folder, training=["a_1", "a_2"], validation=["a_10"]) == set()
    assert split(folder, training=["a_1", "a_2"], validation=["a_2"]) == {"split_overlap"}
    assert split(folder, training=["a_1", "a_2"], validation=["a_11"]) == {"split_unknown"}
    pairs = listed(folder)["training"]
    change(folder, training=[{**pair, "patient": "P7"} for pair in pairs[:2]] + pairs[2:])
    assert split(folder, training=["a_1"], validation=["a_2"]) == {"split_patient"}
    assert split(folder, training=["a_1", "a_2"], validation=["a_10"]) == set()
    for part in ("imagesTr", "labelsTr"):
        shutil.copyfile(folder / part / "a_1.nii.gz", folder / part / "a_10.nii.gz")
    assert split(folder, training=["a_1", "a_2"], validation=["a_10"]) == {"split_content", "duplicate"}
    (folder / "splits.json").write_text('{"mine": [')
    assert said(checked(folder)) == {"split_damaged", "duplicate"}


def test_a_test_scan_that_is_trained_on_is_found(folder: Path) -> None:
    (folder / "imagesTs").mkdir()
    shutil.copyfile(folder / "imagesTr" / "a_2.nii.gz", folder / "imagesTs" / "new.nii.gz")
    change(folder, test=["./imagesTs/new.nii.gz"], numTest=1)
    report = checked(folder)
    assert said(report) == {"test_in_training"}
    assert "imagesTr/a_2.nii.gz" in told(report)["test_in_training"]
