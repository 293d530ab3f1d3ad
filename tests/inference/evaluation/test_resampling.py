"""The interval of a mean is what scipy's BCa gives, a patient's cases come together, and the order of cases says nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from voxloop.errors import VoxloopError
from voxloop.inference.evaluation.resampling import Resampling, draws, mean_intervals, median_interval, units_of

FEW = Resampling(resamples=400)


@pytest.mark.parametrize("count", [6, 30, 300])
def test_the_interval_is_scipys_bca(count: int) -> None:
    """Dice-like figures, piled up near 1; chance moves the ends of an interval by some hundredths of its width."""
    values = 1 - np.random.default_rng(count).gamma(0.7, 0.06, count)
    low, high = mean_intervals(values[:, None], np.arange(count), Resampling())[:, 0]
    theirs = stats.bootstrap((values,), np.mean, n_resamples=10_000, method="BCa", rng=np.random.default_rng(7))
    expected = theirs.confidence_interval
    assert (low, high) == pytest.approx((expected.low, expected.high), abs=0.05 * (expected.high - expected.low))


def test_a_patients_cases_are_one_piece_of_evidence() -> None:
    """Ten scans of each patient that say the same are worth as much as one."""
    once = np.random.default_rng(0).normal(0.8, 0.1, (12, 1))
    alone = mean_intervals(once, np.arange(12), Resampling())
    tenfold = np.repeat(once, 10, axis=0)
    together = mean_intervals(tenfold, np.repeat(np.arange(12), 10), Resampling())
    assert together == pytest.approx(alone)
    narrower = mean_intervals(tenfold, np.arange(120), Resampling())
    assert np.diff(narrower, axis=0)[0, 0] < 0.5 * np.diff(alone, axis=0)[0, 0]


def test_a_case_whose_patient_is_not_known_is_one_by_itself() -> None:
    units = units_of(["a", "b", "c", "d"], {"a": "P1", "b": None, "c": "P1", "d": None})
    assert units.tolist() == [0, 1, 0, 2]
    assert len(set(units_of(["a", "b"], {"a": "b", "b": None}).tolist())) == 2, "a case is no patient of the same name"


@settings(deadline=None, max_examples=60)
@given(
    values=st.lists(st.one_of(st.floats(-100, 100), st.just(float("nan"))), min_size=1, max_size=15),
    confidence=st.sampled_from([50.0, 95.0, 99.9]),
)
def test_an_interval_holds_its_mean_and_stays_among_the_values(values: list[float], confidence: float) -> None:
    column = np.array(values)[:, None]
    low, high = mean_intervals(column, np.arange(len(values)), Resampling(400, confidence))[:, 0]
    there = column[~np.isnan(column)]
    if len(there) < 2:
        assert np.isnan(low)
        assert np.isnan(high)
    else:
        assert low <= there.mean() + 1e-9
        assert high >= there.mean() - 1e-9
        assert there.min() - 1e-9 <= low <= high <= there.max() + 1e-9


def test_equal_figures_have_no_width() -> None:
    low, high = mean_intervals(np.full((9, 1), 0.1), np.arange(9), FEW)[:, 0]
    assert low == high == 0.1


def test_columns_do_not_know_of_each_other() -> None:
    """So a figure has the same interval whatever else is asked; and a case without an answer is as if it were not there."""
    table = np.random.default_rng(0).random((20, 3))
    table[3:9, 1] = np.nan
    together = mean_intervals(table, np.arange(20), FEW)
    for column in range(3):
        assert mean_intervals(table[:, [column]], np.arange(20), FEW)[:, 0] == pytest.approx(together[:, column])
    left_out = mean_intervals(table[~np.isnan(table[:, [1]])[:, 0]][:, [1]], np.arange(14), Resampling())
    kept = mean_intervals(table[:, [1]], np.arange(20), Resampling())
    assert kept == pytest.approx(left_out, abs=0.1 * float(np.ptp(left_out)))


def test_the_same_seed_draws_the_same_patients_and_another_one_does_not() -> None:
    first, again, other = (np.concatenate(list(draws(5, Resampling(100, seed=seed)))) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert (first.sum(axis=1) == 5).all()


@pytest.mark.parametrize("count", [5, 6, 15, 40])
def test_the_median_of_anything_lies_in_its_interval_as_often_as_was_asked(count: int) -> None:
    """Exactly: the chance that at least `depth` of n fall on either side is binomial, and one value deeper would be too little."""
    low, high = median_interval(np.arange(count, dtype=float), Resampling())
    if count < 6:
        assert np.isnan(low), "five values reach 93.75 % at most"
        return
    beyond = int(low)
    assert high == count - 1 - beyond
    assert 2 * stats.binom.cdf(beyond, count, 0.5) <= 0.05 < 2 * stats.binom.cdf(beyond + 1, count, 0.5)


@pytest.mark.parametrize("how", [Resampling(resamples=1), Resampling(confidence=100), Resampling(seed=-1)])
def test_what_gives_no_interval_is_refused(how: Resampling) -> None:
    with pytest.raises(VoxloopError, match="no choice; take"):
        how.check()
