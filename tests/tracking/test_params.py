"""Anything becomes searchable JSON, and nothing is refused."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import json
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxloop.tracking.params import plain


class Mode(str, enum.Enum):  # noqa: UP042 - the kind of enum that MONAI has
    BATCH = "batch"


@dataclasses.dataclass
class Settings:
    lr: float
    sizes: tuple[int, ...]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ((1, 2), [1, 2]),
        ({3: {"a", "b"}}, {"3": ["a", "b"]}),
        (np.float32(0.5), 0.5),
        (np.arange(3), [0, 1, 2]),
        (np.zeros((100, 100)), "<ndarray 100×100 float64>"),
        (Mode.BATCH, "batch"),
        (PurePosixPath("a/b"), "a/b"),
        (Settings(0.1, (1, 2)), {"lr": 0.1, "sizes": [1, 2]}),
        (dt.datetime(2024, 1, 2, 3), "2024-01-02T03:00:00"),
        (2**70, str(2**70)),
        (float("nan"), "nan"),
        (json.dumps, "json.dumps"),
        (b"\x01\x02", "0102"),
    ],
)
def test_each_kind_says_the_same_in_plain_words(value: Any, expected: Any) -> None:
    assert plain(value) == expected


leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.dates()
    | st.complex_numbers()
)
anything = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.integers() | st.text() | st.tuples(st.text()), inner) | st.tuples(inner)
    ),
    max_leaves=30,
)


@given(anything)
def test_nothing_is_refused_and_all_of_it_is_json(value: Any) -> None:
    json.dumps(plain(value), allow_nan=False)


def test_hostile_objects_are_named_and_not_raised() -> None:
    class Angry:
        def __getattr__(self, name: str) -> Any:
            raise RuntimeError("no")

    loop: dict[str, Any] = {}
    loop["self"] = loop
    assert "Angry" in json.dumps(plain({"it": Angry()}))
    json.dumps(plain(loop))


def test_a_monai_pipeline_becomes_a_tree() -> None:
    from monai.transforms import Compose, RandFlipd, ScaleIntensityRanged

    steps = [ScaleIntensityRanged("image", a_min=-57, a_max=164, b_min=0.0, b_max=1.0), RandFlipd("image", prob=0.25)]
    tree = plain(Compose(steps))
    assert tree["name"] == "Compose"
    assert [step["name"] for step in tree["transforms"]] == ["ScaleIntensityRanged", "RandFlipd"]
    assert tree["transforms"][1]["keys"] == ["image"]
    json.dumps(tree)


def test_networks_and_optimizers_become_trees() -> None:
    import torch

    network = torch.nn.Linear(3, 2)
    assert plain(network) == {
        "name": "Linear",
        "parameters": 8,
        "in_features": 3,
        "out_features": 2,
        "bias": [0.0, 0.0],
    } | {"bias": plain(network.bias)}
    tree = plain(torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9))
    assert (tree["name"], tree["lr"], tree["momentum"]) == ("SGD", 0.1, 0.9)
