"""A mistake in a setting is told with the key, the value and the nearest right name."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from voxloop import recipes
from voxloop.bundles import settings
from voxloop.errors import VoxloopError
from voxloop.training.explain import explain


@pytest.fixture(scope="module")
def config() -> dict[str, Any]:
    return settings.read(settings.config_files(recipes.find("spleen_ct"), "full"))


@pytest.mark.parametrize(
    ("argument", "key", "value"),
    [
        ("epochs=3", "epochs", 3),
        ("learning_rate=1e-3", "learning_rate", 1e-3),
        ("spacing_mm=[2,2,2]", "spacing_mm", [2, 2, 2]),
        ("amp=False", "amp", False),
        ("network_def#channels=[4,8]", "network_def#channels", [4, 8]),
        ("network_def::dropout=0.2", "network_def#dropout", 0.2),
        ("train#random_transforms#2#prob=0.5", "train#random_transforms#2#prob", 0.5),
        ("device=$torch.device('cpu')", "device", "$torch.device('cpu')"),
    ],
)
def test_monai_syntax_is_understood(config: dict[str, Any], argument: str, key: str, value: Any) -> None:
    assert settings.overrides([argument], config) == {key: value}


@pytest.mark.parametrize(
    ("argument", "parts"),
    [
        ("learning_rat=1e-3", ["learning_rat=0.001", '"learning_rate"']),
        ("lr=1e-3", ["lr=0.001", '"optimizer#lr"']),
        ("network_def#chanels=[4,8]", ["network_def#chanels=[4, 8]", '"network_def#channels"']),
        ("network_def#droput=0.1", ["network_def#droput", '"network_def#dropout"']),
        ("epochs=many", ['epochs="many"', "a number", "800"]),
        ("spacing_mm=3", ["spacing_mm=3", "a list"]),
        ('roi_size=["a","b","c"]', ["roi_size", "a list of numbers"]),
        ("epochs", ["epochs", "key=value"]),
        ("train#random_transforms#99#prob=1", ["99", "train#random_transforms"]),
    ],
)
def test_a_mistake_names_key_value_and_way_out(config: dict[str, Any], argument: str, parts: list[str]) -> None:
    with pytest.raises(VoxloopError) as caught:
        settings.overrides([argument], config)
    sentence = str(caught.value)
    assert "\n" not in sentence
    for part in parts:
        assert part in sentence


def test_an_unknown_preset_lists_those_there_are() -> None:
    with pytest.raises(VoxloopError, match=r'no preset "fast"; it has: full, quick'):
        settings.config_files(recipes.find("spleen_ct"), "fast")


def test_an_unknown_recipe_suggests_the_nearest() -> None:
    with pytest.raises(VoxloopError, match=r'"spleen_tc".*did you mean "spleen_ct"'):
        recipes.find("spleen_tc")


def test_params_hold_values_where_the_config_holds_references(config: dict[str, Any]) -> None:
    params = settings.searchable({**config, "learning_rate": 0.5})
    assert params["optimizer"]["lr"] == 0.5
    assert params["validate"]["inferer"]["roi_size"] == [96, 96, 96]
    assert not {"_meta_", "imports", "run"} & set(params)


@pytest.mark.parametrize(
    ("config", "part"),
    [
        ({"epochs": 0}, "epochs=0"),
        ({"epochs": -1}, "epochs=-1"),
        ({"spacing_mm": [0, 6, 6]}, "spacing_mm"),
        ({"epochs": 1, "val_interval": 5}, "nothing would be validated"),
    ],
)
def test_numbers_under_which_nothing_is_learned_are_refused(config: dict[str, Any], part: str) -> None:
    with pytest.raises(VoxloopError, match=part):
        settings.require_sense(config)
    settings.require_sense({"epochs": 5, "val_interval": 5, "spacing_mm": [1.5, 1.5, 2.0]})


def test_a_label_value_without_a_name_is_told_as_one() -> None:
    with (
        pytest.raises(VoxloopError, match="a label holds the value 2, and the classes are numbered 0 to 1"),
        explain("r", {}),
    ):
        torch.zeros(1, 2).scatter_(1, torch.tensor([[2]]), 1.0)
