"""A dataset's names are understood however they are spelled; a name that does not say it is refused, never guessed."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.data.test_decathlon import dataset
from voxloop import recipes
from voxloop.data.decathlon import Dataset, read_dataset
from voxloop.errors import VoxloopError
from voxloop.recipes import datalist
from voxloop.recipes.spelling import recognise

CONFIG = json.loads((recipes.find("brain_tumour") / "configs" / "train.json").read_text())
CLASSES, CHANNELS, SPELLINGS = (CONFIG[key] for key in ("class_names", "channel_names", "spellings"))
TASK01 = {"0": "background", "1": "edema", "2": "non-enhancing tumor", "3": "enhancing tumour"}


def brats(folder: Path, labels: dict[str, str] = TASK01, modality: dict[str, str] | None = None) -> Dataset:
    """A dataset of these names; its scans are empty files."""
    said = modality or {"0": "FLAIR", "1": "T1w", "2": "t1gd", "3": "T2w"}
    return read_dataset(dataset(folder, ["BRATS_1", "BRATS_2"], name="BRATS", labels=labels, modality=said))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "edema",
            "edema oedema Oedema ED|peritumoral edema|Peritumoural Oedema|edema (ED)|peritumoral edema (ED)|SNFH",
        ),
        (
            "non-enhancing tumour",
            "non-enhancing tumor|Non Enhancing Tumour|non_enhancing_tumor|NCR/NET|NCR|NET|necrosis|"
            "necrotic and non-enhancing tumor core|necrotic and non-enhancing tumor core (NCR/NET)|necrotic tumor core",
        ),
        (
            "enhancing tumour",
            "enhancing tumor|Enhancing Tumour|GD-enhancing tumor|ET|gd-enhancing tumour (ET)|Enhancing-Tumor",
        ),
    ],
)
def test_classes_as_datasets_write_them(name: str, said: str) -> None:
    for one in said.replace("edema oedema Oedema ED", "edema|oedema|Oedema|ED").split("|"):
        assert recognise(one, CLASSES, SPELLINGS) == name, one


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("FLAIR", ["FLAIR", "flair", "T2-FLAIR", "T2f"]),
        ("T1w", ["T1w", "T1", "t1", "T1n", "T1-weighted"]),
        ("T1gd", ["T1gd", "T1Gd", "t1gd", "T1c", "T1ce", "T1CE", "T1-Gd"]),
        ("T2w", ["T2w", "T2", "t2"]),
    ],
)
def test_channels_as_datasets_write_them(name: str, said: list[str]) -> None:
    assert {recognise(one, CHANNELS, SPELLINGS) for one in said} == {name}


@pytest.mark.parametrize(
    "said", ["tumor", "tumour core", "whole tumor", "label 1", "1", "", "()", "enhancing tumor edema"]
)
def test_a_name_that_does_not_say_it_is_none(said: str) -> None:
    assert recognise(said, CLASSES, SPELLINGS) is None


def test_no_spelling_means_two_things() -> None:
    for names in (CLASSES, CHANNELS):
        for name, other in itertools.permutations(names, 2):
            for spelling in SPELLINGS.get(name, []):
                assert recognise(spelling, [other], SPELLINGS) is None, (spelling, other)
    assert set(SPELLINGS) <= {*CLASSES, *CHANNELS}


@settings(deadline=None, max_examples=25)
@given(numbers=st.permutations([1, 2, 3, 4, 9, 255]))
def test_any_numbering_is_followed(tmp_path_factory: pytest.TempPathFactory, numbers: list[int]) -> None:
    edema, necrosis, core, enhancing, cavity, _ = numbers
    labels = {edema: "Oedema", necrosis: "necrosis", core: "NET", enhancing: "ET", cavity: "resection cavity"}
    folder = tmp_path_factory.mktemp("numbered")
    found = datalist.class_values(
        brats(folder, {"0": "background", **{str(value): name for value, name in labels.items()}}), CLASSES, SPELLINGS
    )
    assert found == {0: 0, edema: 1, necrosis: 2, core: 2, enhancing: 3, cavity: 0}


@settings(deadline=None, max_examples=25)
@given(order=st.permutations(["flair", "T1", "T1ce", "T2", "DWI"]))
def test_any_order_of_channels_is_followed(tmp_path_factory: pytest.TempPathFactory, order: list[str]) -> None:
    data = brats(tmp_path_factory.mktemp("ordered"), modality={str(at): name for at, name in enumerate(order)})
    found = datalist.channel_order(data, CHANNELS, SPELLINGS)
    assert [order[channel] for channel in found] == ["flair", "T1", "T1ce", "T2"]


@pytest.mark.parametrize(
    ("labels", "parts"),
    [
        ({"0": "background", "1": "tumor"}, ['no label "edema" (or ED, ', "it has: background, tumor"]),
        (
            {"0": "background", "1": "edema", "2": "tumour core", "3": "ET"},
            ['no label "non-enhancing tumour"', "tumour core"],
        ),
        ({"0": "0", "1": "1", "2": "2", "4": "4"}, ['no label "edema"', "0, 1, 2, 4"]),
    ],
)
def test_a_dataset_whose_labels_do_not_say_it_is_refused(
    tmp_path: Path, labels: dict[str, str], parts: list[str]
) -> None:
    check(parts, datalist.class_values, brats(tmp_path, labels), CLASSES, SPELLINGS)


@pytest.mark.parametrize(
    ("modality", "parts"),
    [
        ({"0": "FLAIR", "1": "T1w", "2": "T2w"}, ['no channel "T1gd" (or T1Gd, T1c', "0: FLAIR, 1: T1w, 2: T2w"]),
        ({"0": "FLAIR", "1": "T1", "2": "T1w", "3": "T1c", "4": "T2"}, ['2 channels "T1w"', "1: T1, 2: T1w"]),
        ({"0": "MRI"}, ['no channel "FLAIR"', "0: MRI"]),
    ],
)
def test_a_dataset_whose_channels_do_not_say_it_is_refused(
    tmp_path: Path, modality: dict[str, str], parts: list[str]
) -> None:
    check(parts, datalist.channel_order, brats(tmp_path, modality=modality), CHANNELS, SPELLINGS)


def test_a_recipe_of_one_class_stays_as_simple_as_it_was(tmp_path: Path) -> None:
    folder = dataset(tmp_path, ["a", "b"], labels={"0": "background", "6": "liver", "1": "Spleen"})
    data = datalist.load(str(folder), class_names=["background", "spleen"], modality="CT")
    assert (data["label_values"], data["class_values"]) == ([0, 1, 6], [0, 1, 0])
    assert set(data["training"][0]) == {"image", "label", "case"}


def check(parts: list[str], ask: Any, *asked: Any) -> None:
    with pytest.raises(VoxloopError) as caught:
        ask(*asked)
    assert "\n" not in str(caught.value)
    for part in parts:
        assert part in str(caught.value)
