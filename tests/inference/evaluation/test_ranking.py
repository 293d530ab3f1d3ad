"""Rankings agree with counting by hand, resample by resample, and Kendall's tau with scipy."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean, median

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tests.inference.evaluation.made import evaluation_of
from voxloop.inference.evaluation import Evaluation
from voxloop.inference.evaluation.ranking import Ranking, kendall, rank_all
from voxloop.inference.evaluation.resampling import Resampling, draws
from voxloop.inference.evaluation.wording import stability

FEW = Resampling(resamples=100)


def of_dice(evaluations: Sequence[Evaluation], how: Resampling = FEW) -> dict[str, Ranking]:
    return {one.by: one for one in rank_all(evaluations, how) if one.metric.key == "dice" and one.name == "spleen"}


def by_hand(figures: list[list[float]], by: str) -> list[int]:
    """Ranks of models from [model][case], more being better."""
    if by == "cases":
        found = [
            mean(_rank(one, each) for one, each in zip(row, zip(*figures, strict=True), strict=True)) for row in figures
        ]
    else:
        found = [-(mean if by == "mean" else median)(row) for row in figures]
    return [1 + sum(other < one - 1e-9 for other in found) for one in found]


def _rank(one: float, each: Sequence[float]) -> float:
    """Its place in one case; equals share the mean of theirs."""
    return sum(other > one for other in each) + (1 + sum(other == one for other in each)) / 2


@pytest.mark.parametrize(("seed", "models", "cases"), [(0, 2, 3), (1, 3, 6), (2, 4, 7)])
def test_every_ranking_is_the_one_by_hand(seed: int, models: int, cases: int) -> None:
    # Few different values, so that models and cases tie.
    figures = np.random.default_rng(seed).integers(0, 4, (models, cases)) / 4
    evaluations = [evaluation_of({"spleen": {"dice": row}}, f"m{number}") for number, row in enumerate(figures)]
    weights = np.concatenate(list(draws(cases, FEW))).astype(int)
    for by, found in of_dice(evaluations).items():
        assert list(found.ranks) == by_hand(figures.tolist(), by)
        resampled = [by_hand(np.repeat(figures, row, axis=1).tolist(), by) for row in weights]
        for model, shares in enumerate(found.shares):
            expected = [mean(ranks[model] == place for ranks in resampled) for place in range(1, models + 1)]
            assert shares == pytest.approx(expected)
        assert found.tau == pytest.approx(kendall(np.array(resampled), np.array(found.ranks)).mean())


@settings(deadline=None)
@given(st.lists(st.integers(1, 4), min_size=2, max_size=6), st.integers(0, 99))
def test_tau_is_scipys_and_defined_where_all_are_equal(full: list[int], seed: int) -> None:
    other = np.random.default_rng(seed).integers(1, 4, (1, len(full)))
    (found,) = kendall(other, np.array(full))
    theirs = stats.kendalltau(other[0], full).statistic
    if np.isnan(theirs):
        assert found == (1.0 if len(set(full)) == len(set(other[0].tolist())) == 1 else 0.0)
    else:
        assert found == pytest.approx(theirs)


def test_a_clear_winner_is_first_in_every_resample_and_by_every_way() -> None:
    evaluations = [
        evaluation_of({"spleen": {"dice": [value] * 6}}, name) for name, value in (("A", 0.5), ("B", 0.9), ("C", 0.7))
    ]
    found = of_dice(evaluations)
    for one in found.values():
        assert one.ranks == (3, 1, 2)
        assert one.shares == ((0, 0, 1), (1, 0, 0), (0, 1, 0))
        assert (one.tau, one.tau_low, one.first) == (1.0, 1.0, "B")
    assert stability(list(found.values())) == (
        "B is first in mean Dice of spleen, and in 100% of resamples; "
        "mean, median and ranks by case give the same order (Kendall's tau 1.00)."
    )


def test_mean_and_median_may_choose_differently_and_it_is_told() -> None:
    """One lost spleen costs A the mean."""
    a = evaluation_of({"spleen": {"dice": [0.9, 0.9, 0.9, 0.9, 0.0]}}, "A")
    found = of_dice([a, evaluation_of({"spleen": {"dice": [0.8] * 5}}, "B")])
    assert {by: one.first for by, one in found.items()} == {"mean": "B", "median": "A", "cases": "A"}
    assert "give different orders" in stability(list(found.values()))


def test_equals_share_the_place() -> None:
    evaluations = [evaluation_of({"spleen": {"dice": [0.5, 0.6]}}, name) for name in "AB"]
    found = of_dice(evaluations)
    assert all(one.ranks == (1, 1) and one.tau == 1.0 for one in found.values())
    assert stability(list(found.values())) == "A, B share the first place in Dice of spleen."


def test_who_has_no_answer_for_a_case_is_last_there() -> None:
    a = evaluation_of({"spleen": {"dice": [0.9, float("nan"), float("nan")]}}, "A")
    found = of_dice([a, evaluation_of({"spleen": {"dice": [0.1, 0.1, 0.1]}}, "B")])
    assert found["cases"].first == "B"
    assert found["mean"].first == "A", "over the one case that both have an answer for"
    assert found["mean"].cases == 1


def test_patients_are_drawn_and_not_cases() -> None:
    """A is ahead with one patient of two, whatever the number of her scans; a draw without her makes B the first."""
    patients = ["P"] * 8 + ["Q"]
    a = evaluation_of({"spleen": {"dice": [0.9] * 8 + [0.1]}}, "A", patients)
    b = evaluation_of({"spleen": {"dice": [0.5] * 9}}, "B", patients)
    share = of_dice([a, b], Resampling(1000))["mean"].shares[1][0]
    assert share == pytest.approx(0.25, abs=0.05)
