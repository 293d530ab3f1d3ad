"""Wilcoxon's test agrees with scipy and with counting every assignment of signs; Holm's correction keeps its order."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from voxloop.inference.evaluation.signed_rank import holm, signed_rank

# Whole numbers, so that zeros and ties come often.
DIFFERENCES = st.lists(st.integers(-4, 4), min_size=1, max_size=9)


@settings(deadline=None)
@given(DIFFERENCES)
def test_the_exact_p_is_a_count_of_all_assignments_of_signs(values: list[int]) -> None:
    differences = np.array(values, np.float64)
    ranks = stats.rankdata(np.abs(differences))[differences != 0]
    found = signed_rank(differences)
    if not len(ranks):
        assert found.p == 1.0
        return
    up = ranks[differences[differences != 0] > 0].sum()
    sums = [
        sum(rank for rank, sign in zip(ranks, signs, strict=True) if sign)
        for signs in product((0, 1), repeat=len(ranks))
    ]
    far = abs(up - ranks.sum() / 2)
    assert found.p == pytest.approx(np.mean([abs(one - ranks.sum() / 2) >= far - 1e-9 for one in sums]))
    assert found.p >= found.least_p


@pytest.mark.parametrize("values", [[1, 0], [0, 1, 2, -2, 0, 3], [1, 1, -1, 2, 2, 0, 3]])
def test_it_is_scipys_with_pratts_zeros(values: list[int]) -> None:
    method = stats.PermutationMethod(n_resamples=10**6)
    theirs = stats.wilcoxon(np.array(values, float), zero_method="pratt", method=method)
    assert signed_rank(np.array(values, float)).p == pytest.approx(theirs.pvalue)


def test_it_is_scipys_where_there_are_many_and_where_there_are_no_ties() -> None:
    rng = np.random.default_rng(0)
    many = rng.integers(-5, 8, 90).astype(float)
    found = signed_rank(many)
    assert not found.exact
    assert found.p == pytest.approx(stats.wilcoxon(many, zero_method="pratt", method="approx").pvalue)
    without_ties = rng.normal(0.3, 1, 45)
    assert signed_rank(without_ties).exact
    assert signed_rank(without_ties).p == pytest.approx(stats.wilcoxon(without_ties, method="exact").pvalue)


@settings(deadline=None)
@given(st.lists(st.floats(-1, 1).map(lambda value: round(value, 6)), min_size=1, max_size=60), st.integers(0, 9))
def test_a_flip_of_direction_flips_the_effect_and_nothing_else(values: list[float], seed: int) -> None:
    differences = np.array(values)
    found, flipped = signed_rank(differences), signed_rank(-differences)
    shuffled = signed_rank(np.random.default_rng(seed).permutation(differences) * 1000)
    assert found.p == pytest.approx(flipped.p) == pytest.approx(shuffled.p)
    assert found.effect == pytest.approx(-flipped.effect) == pytest.approx(shuffled.effect)
    assert 0 < found.p <= 1
    assert -1 <= found.effect <= 1


def test_the_effect_is_one_where_every_case_goes_one_way() -> None:
    assert signed_rank(np.array([0.1, 0.2, 0.0])).effect == 1.0
    assert signed_rank(np.array([-0.1, -0.2])).effect == -1.0
    assert signed_rank(np.array([0.1, -0.1])).effect == 0.0


def test_rounding_of_floating_point_breaks_no_tie() -> None:
    """0.9 - 0.8 and 0.8 - 0.7 are one tenth each, whatever the processor says."""
    assert signed_rank(np.array([0.9 - 0.8, 0.7 - 0.8])) == signed_rank(np.array([0.1, -0.1]))


@pytest.mark.parametrize(("count", "least"), [(4, 0.125), (5, 0.0625), (6, 0.03125)])
def test_few_pairs_can_never_be_significant(count: int, least: float) -> None:
    found = signed_rank(np.arange(1.0, count + 1))
    assert found.p == found.least_p == least


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holms_correction_keeps_the_order_and_only_raises(ps: list[float]) -> None:
    corrected = holm(ps)
    for p, raised in zip(ps, corrected, strict=True):
        assert p <= raised <= min(1.0, p * len(ps)) or raised == max(corrected[i] for i in range(len(ps)) if ps[i] <= p)
    order = np.argsort(ps, kind="stable")
    assert (np.diff(np.array(corrected)[order]) >= 0).all()
    assert min(corrected) == pytest.approx(min(1.0, min(ps) * len(ps)))


def test_holms_own_example() -> None:
    """Holm (1979) multiplies the smallest of n by n, the next by n - 1, and lets none fall below the one before."""
    assert holm([0.01, 0.02, 0.022, 0.09]) == pytest.approx([0.04, 0.06, 0.06, 0.09])
