"""Two models on the same cases: who is ahead follows the metric, swapping them swaps all, and equals are equal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.inference.evaluation.made import evaluation_of
from voxloop.errors import VoxloopError
from voxloop.inference.evaluation import Evaluation
from voxloop.inference.evaluation.comparing import Comparison, comparable, compare_all
from voxloop.inference.evaluation.resampling import Resampling
from voxloop.inference.evaluation.wording import sentence

FEW = Resampling(resamples=200)
DICE = st.lists(st.floats(0, 1).map(lambda value: round(value, 3)), min_size=2, max_size=12)


def between(a: Evaluation, b: Evaluation, key: str = "dice", how: Resampling = FEW) -> Comparison:
    return next(one for one in compare_all([a, b], how) if one.metric.key == key)


def pair(
    first: list[float], second: list[float], key: str = "dice", patients: Sequence[str | None] | None = None
) -> Comparison:
    a, b = (evaluation_of({"spleen": {key: values}}, name, patients) for name, values in (("A", first), ("B", second)))
    return between(a, b, key, Resampling())


@settings(deadline=None, max_examples=20)
@given(DICE)
def test_a_model_is_not_better_than_itself(values: list[float]) -> None:
    one = evaluation_of({"spleen": {"dice": values}}, "A")
    for found in compare_all([one, replace(one, model="B")], FEW):
        assert (found.p, found.p_holm, found.mean, found.effect, found.favours) == (1.0, 1.0, 0.0, 0.0, None)
        assert (found.mean_low, found.mean_high) == (0.0, 0.0)
        assert f"A and B are equal in {found.metric.title} of spleen in all {len(values)} cases." == sentence(found)


@settings(deadline=None, max_examples=20)
@given(DICE, st.integers(0, 99))
def test_swapping_two_models_swaps_what_is_said_of_them(values: list[float], seed: int) -> None:
    rng = np.random.default_rng(seed)
    a = evaluation_of({"spleen": {"dice": values, "difference_ml": rng.normal(size=len(values))}}, "A")
    b = evaluation_of({"spleen": {"dice": rng.random(len(values)), "difference_ml": rng.normal(size=len(values))}}, "B")
    for one, other in zip(compare_all([a, b], FEW), compare_all([b, a], FEW), strict=True):
        assert one.mean == pytest.approx(-other.mean)
        assert one.median == pytest.approx(-other.median)
        assert one.p == pytest.approx(other.p)
        assert (one.better_a, one.favours) == (other.better_b, other.favours)
        assert one.effect == pytest.approx(-other.effect)
        assert one.mean_low <= one.mean <= one.mean_high


@settings(deadline=None, max_examples=10)
@given(st.permutations(range(8)))
def test_the_order_of_cases_says_nothing(order: list[int]) -> None:
    rng = np.random.default_rng(1)
    a, b = (
        evaluation_of({"spleen": {"dice": rng.random(8)}}, name, ["P", "P", None, "Q", "R", "Q", "S", "T"])
        for name in "AB"
    )
    shuffled = [
        replace(one, cases=tuple(sorted(one.cases, key=lambda case: order[int(case.case[-1])]))) for one in (a, b)
    ]
    assert compare_all(shuffled, FEW) == compare_all([a, b], FEW)


@pytest.mark.parametrize("metric", comparable(), ids=lambda metric: metric.key)
def test_which_way_is_better_is_the_metrics_word(metric: object) -> None:
    """A's figures are better by the metric's own direction; 0.1 is nearer to zero than -0.9."""
    key, better = metric.key, metric.better  # type: ignore[attr-defined]
    good, bad = {"max": (0.9, 0.1), "min": (0.1, 0.9), "zero": (0.1, -0.9)}[better]
    found = pair([good] * 7, [bad] * 7, key)
    assert (found.favours, found.better_a, found.effect) == ("A", 7, 1.0)
    assert found.p == 2 / 2**7
    assert sentence(found).startswith("A is nearer to zero than B" if better == "zero" else "A is better than B")


def test_volumes_are_measured_and_not_compared() -> None:
    one = evaluation_of({"spleen": {"truth_ml": [1.0, 2.0]}}, "A")
    assert "truth_ml" not in {found.metric.key for found in compare_all([one, replace(one, model="B")], FEW)}


def test_a_result_in_a_sentence() -> None:
    first = [0.90, 0.91, 0.93, 0.95, 0.94, 0.92, 0.96, 0.97, 0.90, 0.93]
    second = [value - 0.01 * (1 + number % 3) for number, value in enumerate(first)]
    second[0] = first[0]
    assert sentence(pair(first, second)) == (
        "A is better than B in Dice of spleen by 0.018 [0.012, 0.024], in 9 of 10 cases, p = 0.004."
    )
    assert sentence(pair(second, first)).startswith("B is better than A in Dice of spleen by 0.018 [0.012, 0.024]")


def test_what_is_not_shown_is_not_claimed() -> None:
    found = pair([0.9, 0.8, 0.7, 0.9, 0.8, 0.75, 0.9], [0.8, 0.9, 0.75, 0.8, 0.9, 0.7, 0.85])
    assert sentence(found).startswith("No difference in Dice of spleen is shown between A and B: A is ahead by 0.007 [")
    assert not found.significant


def test_too_few_cases_are_said_to_be_too_few() -> None:
    found = pair([0.9] * 5, [0.1] * 5)
    assert found.too_few
    assert sentence(found) == (
        "5 cases are too few to show a difference in Dice of spleen (p cannot fall below 0.062): "
        "A is ahead of B by 0.800 [0.800, 0.800], better in 5 of 5 cases."
    )


def test_a_mean_against_the_majority_is_told() -> None:
    """One disaster makes A's mean the worse, though A wins every other case."""
    found = pair([*(0.9 + 0.001 * number for number in range(30)), 0.0], [0.88] * 30 + [0.95])
    assert found.significant
    assert "but not one way: the mean speaks for B, by" not in sentence(pair([0.9] * 9, [0.8] * 9))
    found = pair([0.81] * 30 + [0.0], [0.8] * 30 + [0.95])
    assert "not one way: the mean speaks for B, by 0.021" in sentence(found)
    assert "most cases for A, 30 of 31; look at the cases." in sentence(found)


def test_scans_of_one_patient_speak_with_one_voice() -> None:
    patients = [f"P{number // 3}" for number in range(15)]
    found = pair([0.9] * 15, [0.8] * 15, patients=patients)
    assert (found.cases, found.units, found.unit, found.p) == (15, 5, "patient", 2 / 2**5)
    assert found.too_few
    assert pair([0.9] * 15, [0.8] * 15, patients=list(map(str, range(15)))).unit == "case"


def test_a_case_that_one_has_no_answer_for_is_left_out_and_told() -> None:
    nan = float("nan")
    found = pair([nan, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, nan], [0.8, nan, 0.8, 0.8, 0.8, 0.8, 0.8, nan])
    assert (found.cases, found.units, found.only_a, found.only_b) == (5, 5, 1, 1)
    assert sentence(found).endswith(
        "1 more case has an answer by A alone, and is not counted. 1 more case has an answer by B alone, and is not counted."
    )
    nothing = pair([nan, nan], [0.8, 0.8])
    assert sentence(nothing).startswith("A and B cannot be compared in Dice of spleen")
    assert (nothing.p, nothing.effect) == (1.0, 0.0)


def test_holms_family_are_the_pairs_and_classes_of_a_metric() -> None:
    rng = np.random.default_rng(0)
    three = [evaluation_of({name: {"dice": rng.random(9)} for name in ("spleen", "liver")}, model) for model in "ABC"]
    dice = [one for one in compare_all(three, FEW) if one.metric.key == "dice"]
    assert [(one.a, one.b, one.name) for one in dice] == [
        (a, b, name) for a, b in (("A", "B"), ("A", "C"), ("B", "C")) for name in ("spleen", "liver")
    ]
    assert {one.family for one in dice} == {6}
    assert all(one.p <= one.p_holm for one in dice)
    assert min(one.p_holm for one in dice) == pytest.approx(min(1.0, 6 * min(one.p for one in dice)))


def test_only_what_all_have_is_compared() -> None:
    a = evaluation_of({"spleen": {"dice": [0.5] * 4}, "liver": {"dice": [0.5] * 4}}, "A")
    b = evaluation_of({"spleen": {"dice": [0.5] * 6}}, "B")
    found = between(a, b)
    assert (found.name, found.cases) == ("spleen", 4)
    with pytest.raises(VoxloopError, match="no class in common"):
        compare_all([a, evaluation_of({"kidney": {"dice": [0.5] * 4}}, "C")], FEW)
    with pytest.raises(VoxloopError, match="A, B have 1 case in common"):
        compare_all([evaluation_of({"spleen": {"dice": [0.5]}}, "A"), b], FEW)
