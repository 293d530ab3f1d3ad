"""How much a param goes with a metric, held to SciPy's word and to what a person would see in the plot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from voxloop.store.results import importance
from voxloop.store.results.columns import Column
from voxloop.store.results.importance import Importance, of_param
from voxloop.store.results.values import Level, Values

few = st.integers(-3, 3).map(float)
pairs = st.lists(st.tuples(few, few), min_size=4, max_size=30)


def number(values: Sequence[float | None]) -> Values:
    return Values("params.lr", "run.params.lr", "number", tuple(values))


def level(values: Sequence[int | None], count: int) -> Values:
    levels = tuple(Level(chr(ord("a") + place), f'"{place}"') for place in range(count))
    return Values("params.net", "run.params.net", "level", tuple(values), levels)


def judged(param: Values, metric: Sequence[float | None], lower: bool = False) -> Importance:
    return of_param(param, Values("metrics.d", 'run.metrics["d"].best', "number", tuple(metric)), lower)


@given(pairs)
def test_ranks_and_their_correlation_are_scipys(points: list[tuple[float, float]]) -> None:
    x, y = (np.array(one) for one in zip(*points, strict=True))
    assert importance.ranks(x).tolist() == scipy.stats.rankdata(x).tolist()
    if len(set(x)) > 1 and len(set(y)) > 1:
        assert importance.spearman(x, y) == pytest.approx(scipy.stats.spearmanr(x, y).statistic, abs=1e-12)
    else:
        assert importance.spearman(x, y) == 0


@given(pairs)
def test_what_lies_between_groups_is_kruskals_h(points: list[tuple[float, float]]) -> None:
    x, y = (np.array(one) for one in zip(*points, strict=True))
    names, groups = np.unique(x, return_inverse=True)
    if len(names) > 1 and len(set(y)) > 1:
        h = scipy.stats.kruskal(*(y[groups == one] for one in range(len(names)))).statistic
        assert importance.epsilon_squared(groups, y) == pytest.approx(h / (len(y) - 1), abs=1e-12)


@pytest.mark.parametrize("freedom", [1, 2, 5, 20])
def test_the_mark_of_chance_is_the_quantile_that_it_says(freedom: int) -> None:
    assert importance._chi_squared_95(freedom) == pytest.approx(scipy.stats.chi2.ppf(0.95, freedom), rel=0.03)


def test_chance_stays_below_its_mark_in_nineteen_of_twenty_cases() -> None:
    rng = np.random.default_rng(3)
    beyond = 0
    for _ in range(400):
        one = judged(level(rng.integers(0, 3, 30).tolist(), 3), rng.normal(size=30).tolist())
        assert one.share is not None
        assert one.chance is not None
        beyond += one.share > one.chance
    assert 8 <= beyond <= 34


def test_a_param_that_decides_takes_all_and_one_that_does_not_takes_nothing() -> None:
    metric = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
    rising = judged(number([1, 2, 3, 4, 5, 60]), metric)
    assert (rising.share, rising.rho, rising.shape, rising.best, rising.runs) == (1, 1, "rises", None, 6)
    falling = judged(number([3, 3, 2, 2, 1, 1]), metric)
    assert falling.rho is not None
    assert falling.rho < -0.9
    assert (falling.shape, falling.best) == ("falls", "1")
    assert judged(number([3, 3, 2, 2, 1, 1]), metric, lower=True).best == "3"
    groups = judged(level([0, 0, 0, 1, 1, 1], 2), metric)
    assert groups.share is not None
    assert 0.6 < groups.share < 1
    assert (groups.shape, groups.best, groups.rho) == ("groups", "b", None)
    assert judged(level([0, 1, 0, 1, 1, 0], 2), metric).share == 0


def test_a_middle_that_is_best_is_seen_though_no_line_rises_or_falls() -> None:
    rng = np.random.default_rng(5)
    powers = rng.uniform(-5, -1, 60)
    one = judged(number((10**powers).tolist()), (-((powers + 3) ** 2)).tolist())
    assert one.shape == "bends"
    assert one.share is not None
    assert one.share > 0.5
    assert one.best is not None
    low, high = map(float, one.best.split(" to "))
    assert low < 1e-3 < high


@pytest.mark.parametrize(
    ("param", "metric", "why"),
    [
        (number([1, 2, None, None]), [1, 2, 3, 4], "only 2 of the runs have both"),
        (number([1, 1, 1, 1, 2]), [1, 2, 3, 4, None], "always the same where the metric is known"),
        (number([1, 2, 3, 4]), [5, 5, 5, 5], "the metric is always the same"),
        (level([0, 1, 2, 3, 3], 4), [1, 2, 3, 4, 5], "almost every run has a value of its own"),
        (number([float("nan"), float("inf"), 1, 2, 3]), [1, 2, 3, 4, 5], "only 3 of the runs have both"),
    ],
)
def test_where_nothing_can_be_said_it_says_why(param: Values, metric: list[Any], why: str) -> None:
    one = judged(param, metric)
    assert (one.share, one.rho, one.why) == (None, None, why)


def test_validations_are_asked_about_first() -> None:
    def metric(key: str, runs: int, differs: bool = True) -> Column:
        return Column(f"metrics.{key}", f'run.metrics["{key}"]', "metric", runs, differs, True)

    known = [
        Column("name", "run.name", "run", 9, True, False),
        metric("loss", 9),
        metric("eval/dice", 9),
        metric("val/flat", 9, False),
        metric("val/some", 2),
        metric("val/dice", 7),
    ]
    order = [column.key.removeprefix("metrics.") for column in importance.by_likelihood(known)]
    assert order == ["val/dice", "val/some", "val/flat", "eval/dice", "loss"]
