"""nnU-Net's raw data: channels in files of their own, names before values, regions asked about."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.data.importing.sources import label, scan, write
from voxloop.data.decathlon import read_dataset, split_cases
from voxloop.data.importing import Wanted, bring_in
from voxloop.data.scans import open_scan
from voxloop.errors import VoxloopError


def raw(folder: Path, cases: int = 3, channels: int = 1, ending: str = ".nii.gz", **changes: Any) -> Path:
    for case in range(cases):
        for channel in range(channels):
            scan(folder / f"imagesTr/brain_{case}_{channel:04d}{ending}", case * 10 + channel)
        label(folder / f"labelsTr/brain_{case}{ending}", (1, 2))
    for channel in range(channels):
        scan(folder / f"imagesTs/brain_9_{channel:04d}{ending}", 90 + channel)
    content = {
        "channel_names": {str(channel): f"T{channel + 1}" for channel in range(channels)},
        "labels": {"background": 0, "edema": 1, "core": 2},
        "numTraining": cases,
        "file_ending": ending,
        **changes,
    }
    write(folder / "dataset.json", {key: value for key, value in content.items() if value is not None})
    return folder


@pytest.mark.parametrize("ending", [".nii.gz", ".nrrd", ".mha"])
@pytest.mark.parametrize("channels", [1, 2])
def test_a_raw_dataset_is_seen_for_what_it_is(tmp_path: Path, channels: int, ending: str) -> None:
    made = bring_in(raw(tmp_path / "Dataset001_Brain", channels=channels, ending=ending), tmp_path / "brain")
    assert made.layout == "nnunet"
    dataset = read_dataset(made.folder)
    assert [case.id for case in dataset.training] == ["brain_0", "brain_1", "brain_2"]
    assert [path.name.partition(".")[0] for path in dataset.test] == ["brain_9"]
    assert dataset.labels == {0: "background", 1: "edema", 2: "core"}
    assert list(dataset.modality.values()) == ["T1", "T2"][:channels]
    opened = open_scan(dataset.training[1].image)
    assert opened.channels == channels
    second = open_scan(tmp_path / f"Dataset001_Brain/imagesTr/brain_1_{channels - 1:04d}{ending}").array()
    assert ((opened.array() if channels == 1 else opened.array()[..., 1]) == second).all()


def test_the_list_in_dataset_json_counts_where_there_is_one(tmp_path: Path) -> None:
    source = raw(tmp_path / "source")
    listed = {
        "mine": {"images": ["imagesTr/brain_2_0000.nii.gz"], "label": "labelsTr/brain_2.nii.gz"},
        "lost": {"images": ["imagesTr/gone_0000.nii.gz"], "label": "labelsTr/brain_1.nii.gz"},
    }
    raw(source, dataset=listed)
    made = bring_in(source, tmp_path / "brain")
    assert [row.id for row in made.rows if row.label] == ["mine"]
    assert any("lost (gone_0000.nii.gz is not there)" in one for one in made.said)


def test_a_case_without_label_or_channel_is_told_and_shifts_no_other(tmp_path: Path) -> None:
    source = raw(tmp_path / "source", channels=2)
    (source / "labelsTr/brain_0.nii.gz").unlink()
    (source / "imagesTr/brain_1_0001.nii.gz").unlink()
    scan(source / "imagesTr/._brain_2_0000.nii.gz")
    made = bring_in(source, tmp_path / "brain")
    assert [row.id for row in made.rows if row.label] == ["brain_2"]
    told = " ".join(made.said)
    assert "labelsTr has no label for it: brain_0" in told
    assert "not having just the channels 0000 to 0001: brain_1" in told


def test_regions_are_asked_about_and_flattened_by_name(tmp_path: Path) -> None:
    regions = {"background": 0, "whole tumour": [1, 2], "core": [2]}
    source = raw(tmp_path / "source", labels=regions, regions_class_order=[1, 2])
    with pytest.raises(VoxloopError, match="--label 1=NAME --label 2=NAME"):
        bring_in(source, tmp_path / "brain")
    made = bring_in(source, tmp_path / "brain", wanted=Wanted(names={1: "edema", 2: "core"}))
    assert made.labels == {0: "background", 1: "edema", 2: "core"}


def test_an_older_raw_dataset_is_read_too(tmp_path: Path) -> None:
    training = [{"image": "./imagesTr/brain_0.nii.gz", "label": "./labelsTr/brain_0.nii.gz"}]
    source = raw(
        tmp_path / "source",
        channel_names=None,
        file_ending=None,
        modality={"0": "T1"},
        labels={"0": "background", "1": "edema", "2": "core"},
        training=training,
    )
    made = bring_in(source, tmp_path / "brain")
    assert (made.layout, made.labels[2], made.modality) == ("nnunet", "core", ["T1"])


def test_folds_come_along(tmp_path: Path) -> None:
    source = raw(tmp_path / "source")
    folds = [{"train": ["brain_0", "brain_1"], "val": ["brain_2"]}, {"train": ["brain_2"], "val": ["brain_0"]}]
    write(source / "splits_final.json", folds)
    folder = bring_in(source, tmp_path / "brain").folder
    assert [pair["case"] for pair in split_cases(folder, "nnunet/0")["validation"]] == ["brain_2"]


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"channel_names": {}}, "does not say what the channels are"),
        ({"channel_names": ["CT"]}, "does not say what the channels are"),
        ({"labels": {"background": 0, "edema": "many"}}, "no names with values"),
        ({"labels": {"background": 0, "edema": 300}}, "0 to 255"),
        ({"file_ending": ".png"}, "no case with scan and label"),
        ({"dataset": {"a": 3}}, "without images and label"),
    ],
)
def test_a_wrong_description_is_refused_in_a_sentence(tmp_path: Path, changes: dict[str, Any], part: str) -> None:
    with pytest.raises(VoxloopError, match=part) as caught:
        bring_in(raw(tmp_path / "source", **changes), tmp_path / "brain", layout="nnunet")
    assert "\n" not in str(caught.value)
