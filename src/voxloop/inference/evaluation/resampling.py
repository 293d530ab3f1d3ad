"""Patients drawn again and again with replacement (Efron's bootstrap): how far a mean would move had other patients come.

A patient's cases come together or not at all, for they are no independent evidence. Every column of a table is
resampled by the same draws, so a thousand figures cost two products of matrices.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from voxloop.errors import VoxloopError

Values = npt.NDArray[np.float64]
Units = npt.NDArray[np.intp]
# How many numbers of a draw are in memory at once: 40 MB of them.
AT_ONCE = 5_000_000


@dataclass(frozen=True, slots=True)
class Resampling:
    """How often patients are drawn, from which seed, and how sure an interval is to be, in per cent."""

    resamples: int = 10_000
    confidence: float = 95.0
    seed: int = 0

    def check(self) -> None:
        if not 100 <= self.resamples <= 1_000_000:
            raise VoxloopError(f"{self.resamples} resamples are no choice; take 100 to 1,000,000, such as 10000.")
        if not 50.0 <= self.confidence < 100.0:
            raise VoxloopError(
                f"A confidence of {self.confidence:g} per cent is no choice; take 50 to 99.9, such as 95."
            )
        if self.seed < 0:
            raise VoxloopError(f"The seed {self.seed} is no choice; take a whole number from 0.")

    @property
    def alpha(self) -> float:
        """The chance of an error that is put up with: 0.05 where the confidence is 95 %."""
        return 1.0 - self.confidence / 100.0


def units_of(cases: Sequence[str], patients: Mapping[str, str | None]) -> Units:
    """Numbers the patients of cases; a case whose patient is not known is one by itself."""
    numbers: dict[tuple[str, str], int] = {}
    keys = [("case", case) if (who := patients.get(case)) is None else ("patient", who) for case in cases]
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys], np.intp)


def draws(units: int, how: Resampling) -> Iterator[Values]:
    """How often each unit was drawn, [resamples, units], a block at a time."""
    rng = np.random.default_rng(how.seed)
    block = max(1, AT_ONCE // max(units, 1))
    for start in range(0, how.resamples, block):
        rows = min(block, how.resamples - start)
        drawn = rng.integers(0, units, (rows, units)) + units * np.arange(rows)[:, None]
        yield np.bincount(drawn.ravel(), minlength=rows * units).reshape(rows, units).astype(np.float64)


def by_unit(values: Values, units: Units) -> tuple[Values, Values]:
    """The sums of each unit's cases and their number, [units, columns]; NaN is no answer and does not count."""
    there = ~np.isnan(values)
    shape = (int(units.max(initial=-1)) + 1, values.shape[1])
    sums, counts = np.zeros(shape), np.zeros(shape)
    np.add.at(sums, units, np.where(there, values, 0.0))
    np.add.at(counts, units, there)
    return sums, counts


def mean_intervals(values: Values, units: Units, how: Resampling) -> Values:
    """The interval of each column's mean, [2, columns], by BCa; NaN where fewer than two units have an answer.

    BCa (Efron 1987) rather than plain percentiles: Dice piles up near 1 with a tail of failures, where percentiles sit too
    high, and BCa shifts them by the bias and the skewness it finds.
    """
    centre = _offset(values)
    sums, counts = by_unit(values - centre, units)
    with np.errstate(invalid="ignore"):
        estimate = sums.sum(axis=0) / counts.sum(axis=0)
        means = np.concatenate([(drawn @ sums) / (drawn @ counts) for drawn in draws(len(sums), how)])
    found = np.full((2, values.shape[1]), np.nan)
    for column in np.flatnonzero((counts > 0).sum(axis=0) > 1):
        shares = _bca_shares(means[:, column], estimate[column], sums[:, column], counts[:, column], how)
        low, high = np.nanquantile(means[:, column], shares)
        # So few units may leave their own mean outside, which no reader would understand.
        found[:, column] = min(low, estimate[column]), max(high, estimate[column])
    return found + centre


def _offset(values: Values) -> Values:
    """A value of each column, taken off before it is summed: equal figures then have a mean without rounding."""
    there = ~np.isnan(values)
    first = there.argmax(axis=0)
    return np.where(there.any(axis=0), np.where(there, values, 0.0)[first, np.arange(values.shape[1])], 0.0)


def _bca_shares(means: Values, estimate: float, sums: Values, counts: Values, how: Resampling) -> Values:
    """Which quantiles of the resampled means are the ends of the interval."""
    answered = means[~np.isnan(means)]
    bias = ndtri(((answered < estimate).mean() + (answered <= estimate).mean()) / 2)
    kept = counts.sum() > counts
    left_out = (sums.sum() - sums[kept]) / (counts.sum() - counts[kept])
    # A unit without an answer leaves nothing out.
    left_out = left_out[counts[kept] > 0]
    pull = left_out.mean() - left_out
    ends = np.array([how.alpha / 2, 1 - how.alpha / 2])
    if not np.isfinite(bias) or not pull.any():
        return ends
    # Without a unit, or the powers of small figures vanish.
    pull /= np.abs(pull).max()
    skew = float((pull**3).sum()) / (6.0 * float((pull**2).sum()) ** 1.5)
    reach = bias + ndtri(ends)
    shares: Values = ndtr(bias + reach / (1 - skew * reach))
    return shares


def median_interval(values: Values, how: Resampling) -> tuple[float, float]:
    """The interval of a median by order statistics: exact for any distribution, and NaN where there are too few values."""
    from scipy.stats import binom

    ranked = np.sort(values)
    depth = int(binom.ppf(how.alpha / 2, len(ranked), 0.5)) if len(ranked) else 0
    # The depth-th value from each end holds the median with at least the confidence, if the tail beyond it is no larger.
    while depth > 0 and binom.cdf(depth - 1, len(ranked), 0.5) > how.alpha / 2:
        depth -= 1
    return (float(ranked[depth - 1]), float(ranked[-depth])) if depth > 0 else (float("nan"), float("nan"))
