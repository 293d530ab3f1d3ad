"""A dataset.json is believed only as far as its files are there; a split is a partition that no order decides."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voxloop.data.decathlon import read_dataset, require_labels, split_cases
from voxloop.errors import VoxloopError


def dataset(folder: Path, ids: list[str], **changes: Any) -> Path:
    """A dataset whose scans are empty files: nothing here reads a voxel."""
    for name in ("imagesTr", "labelsTr", "imagesTs"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for one in ids:
        for name in ("imagesTr", "labelsTr"):
            (folder / name / f"{one}.nii.gz").touch()
    content = {
        "name": "Spleen",
        "relase": "1.0",
        "modality": {"0": "CT"},
        "labels": {"0": "background", "1": "spleen"},
        "training": [{"image": f"./imagesTr/{one}.nii.gz", "label": f"./labelsTr/{one}.nii.gz"} for one in ids],
        "test": [],
        **changes,
    }
    (folder / "dataset.json").write_text(json.dumps(content))
    return folder


def test_cases_are_known_by_their_file_names(tmp_path: Path) -> None:
    read = read_dataset(dataset(tmp_path, ["spleen_2", "spleen_10"]))
    assert [case.id for case in read.training] == ["spleen_2", "spleen_10"]
    assert read.labels == {0: "background", 1: "spleen"}
    assert read.case("spleen_10").label == tmp_path / "labelsTr" / "spleen_10.nii.gz"


def test_what_macos_leaves_beside_scans_is_no_case(tmp_path: Path) -> None:
    dataset(tmp_path, ["._spleen_2", "spleen_2"], test=["./imagesTs/._spleen_3.nii.gz"])
    read = read_dataset(tmp_path)
    assert [case.id for case in read.training] == ["spleen_2"]
    assert read.test == ()


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"training": []}, "no training case"),
        ({"labels": ["spleen"]}, "not in the Decathlon's form"),
        ({"labels": {"one": "spleen"}}, "not in the Decathlon's form"),
        ({"labels": {"0": "background", "300": "spleen"}}, "0 to 255"),
        ({"training": [{"image": "./imagesTr/a.nii.gz"}]}, "not in the Decathlon's form"),
        ({"training": [{"image": "./imagesTr/no.nii.gz", "label": "./labelsTr/a.nii.gz"}]}, "not there"),
        ({"training": [{"image": "../../etc/passwd", "label": "./labelsTr/a.nii.gz"}]}, "outside the dataset"),
        ({"training": [{"image": "./imagesTr/a.nii.gz", "label": "./labelsTr/a.nii.gz"}] * 2}, "more than once"),
    ],
)
def test_a_wrong_list_is_refused_in_a_sentence(tmp_path: Path, changes: dict[str, Any], part: str) -> None:
    dataset(tmp_path, ["a"], **changes)
    with pytest.raises(VoxloopError, match=part) as caught:
        read_dataset(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", ["{", "[]", "\x00", '"text"'])
def test_what_is_no_json_object_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "dataset.json").write_text(content)
    with pytest.raises(VoxloopError, match=r"dataset\.json"):
        read_dataset(tmp_path)


def test_a_missing_folder_suggests_its_neighbour(tmp_path: Path) -> None:
    dataset(tmp_path / "Task09_Spleen", ["a"])
    with pytest.raises(VoxloopError, match='Did you mean "Task09_Spleen"'):
        read_dataset(tmp_path / "Task9_Spleen")


def test_another_task_and_another_modality_are_refused(tmp_path: Path) -> None:
    read = read_dataset(dataset(tmp_path, ["a"]))
    require_labels(read, ["Spleen"], modality="ct")
    with pytest.raises(VoxloopError, match='no label "liver"'):
        require_labels(read, ["liver"])
    with pytest.raises(VoxloopError, match="is CT, and the recipe is for MRI"):
        require_labels(read, ["spleen"], modality="MRI")


ids = st.lists(st.integers(0, 999).map(lambda number: f"case_{number}"), min_size=2, max_size=30, unique=True)


@settings(deadline=None, max_examples=40)
@given(ids=ids, seed=st.randoms())
def test_the_default_split_is_a_partition_that_no_order_decides(
    tmp_path_factory: pytest.TempPathFactory, ids: list[str], seed: Any
) -> None:
    parts = split_cases(dataset(tmp_path_factory.mktemp("one"), ids))
    shuffled = list(ids)
    seed.shuffle(shuffled)
    again = split_cases(dataset(tmp_path_factory.mktemp("two"), shuffled))
    names = {part: [pair["case"] for pair in pairs] for part, pairs in parts.items()}
    assert sorted(names["training"] + names["validation"]) == sorted(ids)
    assert not set(names["training"]) & set(names["validation"])
    assert len(names["validation"]) == max(1, round(len(ids) / 5))
    assert {part: [pair["case"] for pair in pairs] for part, pairs in again.items()} == names


def test_a_stored_split_stays_when_cases_come_later(tmp_path: Path) -> None:
    first = split_cases(dataset(tmp_path, [f"case_{number}" for number in range(10)]))
    dataset(tmp_path, [f"case_{number}" for number in range(20)])
    assert split_cases(tmp_path) == first


def test_a_named_split_is_used_and_an_unknown_one_is_not_made_up(tmp_path: Path) -> None:
    dataset(tmp_path, ["a", "b", "c"])
    (tmp_path / "splits.json").write_text('{"by-scanner": {"training": ["c", "a"], "validation": ["b"]}}')
    parts = split_cases(tmp_path, "by-scanner")
    assert [pair["case"] for pair in parts["training"]] == ["c", "a"]
    with pytest.raises(VoxloopError, match='Did you mean "by-scanner"'):
        split_cases(tmp_path, "by-scaner")
    assert set(split_cases(tmp_path)) == {"training", "validation"}
    assert set(json.loads((tmp_path / "splits.json").read_text())) == {"by-scanner", "default"}


@pytest.mark.parametrize(
    ("stored", "part"),
    [
        ('{"s": {"training": ["a"], "validation": ["a"]}}', "in training and in validation"),
        ('{"s": {"training": ["nobody"], "validation": ["a"]}}', "nobody"),
        ('{"s": ["a"]}', "damaged"),
        ("{", "damaged"),
    ],
)
def test_a_wrong_split_is_refused(tmp_path: Path, stored: str, part: str) -> None:
    dataset(tmp_path, ["a", "b"])
    (tmp_path / "splits.json").write_text(stored)
    with pytest.raises(VoxloopError, match=part):
        split_cases(tmp_path, "s")
