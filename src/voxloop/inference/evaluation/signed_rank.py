"""Wilcoxon's signed-rank test for paired differences: zeros by Pratt, ties by mean ranks, exact where there are few."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr
from scipy.stats import rankdata

Values = npt.NDArray[np.float64]
# Beyond, the normal distribution is as good.
MOST_EXACT = 50


@dataclass(frozen=True, slots=True)
class SignedRank:
    """How probable such differences are by chance, two-sided, and how large the effect is.

    `effect` is the matched-pairs rank-biserial correlation (Kerby 2014): 1 where every difference is above zero, -1 where
    every one is below. `least_p` is what the same number of pairs gives at best.
    """

    p: float
    effect: float
    exact: bool
    least_p: float


def signed_rank(differences: Values) -> SignedRank:
    """The test of differences that have no NaN among them.

    >>> signed_rank(np.array([1.0, 2.0, 3.0, 4.0, 5.0])).p
    0.0625
    """
    count = len(differences)
    least = 2.0 ** (1 - count) if count else 1.0
    scale = np.abs(differences).max(initial=0.0)
    if scale == 0.0:
        return SignedRank(1.0, 0.0, True, least)
    # Dice of 0.9 less 0.8 and of 0.8 less 0.7 are a tie; in floating point they are not.
    rounded = np.round(differences / scale, 12)
    # Pratt (1959): zeros have their share of the ranks, and then count for neither side.
    ranks = rankdata(np.abs(rounded))
    up, down = float(ranks[rounded > 0].sum()), float(ranks[rounded < 0].sum())
    signed = ranks[rounded != 0]
    exact = len(signed) <= MOST_EXACT
    p = _exact(signed, min(up, down)) if exact else _normal(signed, up)
    return SignedRank(min(1.0, p), (up - down) / (up + down), exact, least)


def _exact(ranks: Values, lower: float) -> float:
    """Every assignment of signs is equally probable; they are counted by what the ranks above zero sum to."""
    # Mean ranks are halves.
    steps = np.rint(2 * ranks).astype(int)
    share = np.zeros(int(steps.sum()) + 1)
    share[0] = 1.0
    for step in steps:
        share[step:] = (share[step:] + share[: len(share) - step]) / 2
        share[:step] /= 2
    return 2.0 * float(share[: round(2 * lower) + 1].sum())


def _normal(ranks: Values, up: float) -> float:
    mean, variance = ranks.sum() / 2, (ranks**2).sum() / 4
    return 2.0 * float(ndtr(-abs(up - mean) / np.sqrt(variance)))


def holm(ps: list[float]) -> list[float]:
    """Holm's correction of a family of p values: the chance of even one false claim stays below what was asked for.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    corrected, highest = [1.0] * len(ps), 0.0
    for place, index in enumerate(sorted(range(len(ps)), key=lambda one: ps[one])):
        highest = max(highest, min(1.0, ps[index] * (len(ps) - place)))
        corrected[index] = highest
    return corrected
