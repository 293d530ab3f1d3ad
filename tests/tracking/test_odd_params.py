"""What is circular, endless, enormous or hostile becomes JSON too."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import enum
import functools
import json
import math
import os
import uuid
from collections import OrderedDict, deque, namedtuple
from pathlib import Path, PurePosixPath
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxloop.tracking.params import plain


class Mode(enum.Enum):
    BILINEAR = 1
    NEAREST = "nearest"


@dataclasses.dataclass
class Settings:
    lr: float
    shape: tuple[int, ...] = (96, 96)


Pair = namedtuple("Pair", "low high")


class Window:
    """A transform as libraries write them."""

    def __init__(self, low: float, high: float, secret: int = 0) -> None:
        self.low, self.high = low, high

    def __call__(self, image: Any) -> Any:
        return image


class Hostile:
    """Everything that can be asked of it fails."""

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError(name)

    def __repr__(self) -> str:
        raise RuntimeError

    def __hash__(self) -> int:
        raise RuntimeError


class Endless(dict[str, int]):
    def items(self) -> Any:
        while True:
            yield "again", self


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ((1, 2.5, None, True, "x"), [1, 2.5, None, True, "x"]),
        ({3: "a", (1, 2): "b", None: "c"}, {"3": "a", "[1, 2]": "b", "None": "c"}),
        ({"b", "a"}, ["a", "b"]),
        (deque([1, 2]), [1, 2]),
        (OrderedDict(a=Pair(1, 2)), {"a": {"low": 1, "high": 2}}),
        (Mode.BILINEAR, "BILINEAR"),
        (Mode.NEAREST, "nearest"),
        (Settings(1e-4), {"lr": 1e-4, "shape": [96, 96]}),
        (Path("a/b"), "a/b"),
        (dt.datetime(2026, 11, 21, 3, 15), "2026-11-21T03:15:00"),
        (dt.timedelta(minutes=2), 120.0),
        (2**63, str(2**63)),
        (-(2**63), -(2**63)),
        pytest.param(10**5000, hex(10**5000), id="five thousand digits"),
        (math.inf, "inf"),
        (math.nan, "nan"),
        (b"\x00\xff", "00ff"),
        (bytes(100), "<100 bytes>"),
        (range(5), "range(0, 5)"),
        (decimal.Decimal("0.1"), "0.1"),
        (uuid.UUID(int=7), "00000000-0000-0000-0000-000000000007"),
        (np.float32(0.5), 0.5),
        (np.int64(3), 3),
        (np.array([1, 2]), [1, 2]),
        (np.array([1]), [1]),
        (np.zeros((20, 30)), "<ndarray 20×30 float64>"),
        (np.dtype("f4"), "float32"),
        (Settings, "tests.tracking.test_odd_params.Settings"),
        (os.path.join, "posixpath.join"),
        (functools.partial(os.getenv, "A", default=2), {"name": "os.getenv", "args": ["A"], "default": 2}),
        (Window(-57, 164), {"name": "Window", "low": -57, "high": 164}),
        (SimpleNamespace(a=1), "namespace(a=1)"),
        ("lone \ud800 surrogate", "lone ? surrogate"),
    ],
)
def test_what_becomes_of_it(value: Any, expected: Any) -> None:
    assert plain(value) == expected
    assert type(plain(value)) is type(expected)


LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(st.characters()),
    st.binary(max_size=80),
    st.datetimes(),
    st.timedeltas(),
    st.decimals(),
    st.uuids(),
    st.complex_numbers(),
    st.sampled_from([Mode.BILINEAR, Settings(0.1), Pair(1, 2), Window(1, 2), Hostile, len, lambda: 0]),
    st.sampled_from(
        [np.zeros(3), np.zeros((9, 9, 9)), np.float16(1), np.str_("x"), np.datetime64("2026-11-21"), object()]
    ),
    st.builds(PurePosixPath, st.text("ab/.", max_size=5)),
)


ANYTHING = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.tuples(inner, inner),
        st.dictionaries(st.text(max_size=3) | st.integers() | st.tuples(st.booleans()), inner, max_size=4),
        st.builds(lambda value: SimpleNamespace(value=value), inner),
        st.builds(lambda value: functools.partial(print, value), inner),
    ),
    max_leaves=20,
)


@given(ANYTHING)
def test_anything_is_json_and_stays_what_it_became(value: Any) -> None:
    kept = plain(value)
    stored = json.dumps(kept, allow_nan=False)
    stored.encode()
    assert json.loads(stored) == kept
    assert plain(kept) == kept


def test_what_fails_at_every_question_is_named() -> None:
    failed = "<Hostile: RuntimeError>"
    assert plain([Hostile(), {"a": Hostile()}]) == [failed, {"a": failed}]


def test_what_contains_itself_ends() -> None:
    circle: list[Any] = [1]
    circle.append(circle)
    assert plain(circle) == [1, "<list inside itself>"]
    deep: Any = 0
    for _ in range(5_000):
        deep = [deep]
    assert json.dumps(plain(deep))


def test_what_never_ends_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voxloop.tracking.params.MOST_VALUES", 1000)
    wide: Any = [1]
    for _ in range(40):
        wide = [wide, wide]
    assert len(json.dumps(plain(wide))) < 1_000_000
    assert json.dumps(plain(Endless()))


def test_a_million_values_are_kept_whole() -> None:
    values = list(range(900_000))
    assert plain(values) == values


def test_equal_settings_are_equal_texts() -> None:
    """An address in memory is no setting."""
    assert "0x" not in json.dumps(plain([object(), lambda: 0, iter(("a",)), memoryview(b"ab"), Window(1, 2)]))
