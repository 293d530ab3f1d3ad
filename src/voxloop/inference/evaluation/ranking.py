"""Which model comes first, by each of the usual ways to rank, and how often it would stay there had other patients come.

After Wiesenfarth et al., "Methods and open-source toolkit for analyzing and visualizing challenge results" (2021).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from voxloop.inference.evaluation.comparing import badness, comparable, shared_cases, shared_classes
from voxloop.inference.evaluation.resampling import Resampling, Values, draws, units_of
from voxloop.inference.evaluation.results import Evaluation
from voxloop.inference.metrics import Metric

# By the mean over cases; by the median; by the mean of the ranks that models have in each case.
WAYS = ("mean", "median", "cases")
# As many as the paper takes; a rank needs fewer than the end of an interval.
MOST_RESAMPLES = 1000
Ranks = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Ranking:
    """The places of all models in one metric of one class, by one way to rank; equal models share the better place."""

    name: str
    metric: Metric
    by: str
    models: tuple[str, ...]
    ranks: tuple[int, ...]
    # The share of resamples that give a model each place: shares[model][place - 1].
    shares: tuple[tuple[float, ...], ...]
    # Kendall's tau of each resample's ranking against this one: its mean, and what 95 % of them reach.
    tau: float
    tau_low: float
    cases: int

    @property
    def first(self) -> str:
        return self.models[self.ranks.index(1)]


def rank_all(evaluations: Sequence[Evaluation], how: Resampling) -> list[Ranking]:
    """Every metric that has a better way, by class, on the cases that all models have figures for.

    A model without an answer for a case is last there. Mean and median are over the cases that all have an answer for.
    """
    cases, names = shared_cases(evaluations), shared_classes(evaluations)
    units = units_of(cases, evaluations[0].patients())
    models = tuple(one.model for one in evaluations)
    fewer = Resampling(min(how.resamples, MOST_RESAMPLES), how.confidence, how.seed)
    weights = np.concatenate([drawn[:, units] for drawn in draws(int(units.max()) + 1, fewer)])
    found = []
    for metric in comparable():
        for name in names:
            bad = badness(np.stack([one.figures(name, metric.key, cases) for one in evaluations]), metric)
            for by, full, resampled in _rankings(bad, weights):
                places = np.arange(1, len(models) + 1)
                shares = (resampled[:, :, None] == places).mean(axis=0)
                taus = kendall(resampled, full)
                found.append(
                    Ranking(
                        name,
                        metric,
                        by,
                        models,
                        tuple(int(rank) for rank in full),
                        tuple(tuple(row) for row in shares.tolist()),
                        float(taus.mean()),
                        float(np.quantile(taus, 0.05)),
                        int((~np.isnan(bad)).all(axis=0).sum()),
                    )
                )
    return found


def _rankings(bad: Values, weights: Values) -> list[tuple[str, Ranks, Ranks]]:
    """The full ranking and the resampled ones, [resamples, models], of figures of which less is better, [models, cases]."""
    once = np.ones((1, bad.shape[1]))
    found = []
    for by, aggregate in zip(WAYS, (means, medians, case_ranks), strict=True):
        full, resampled = places(aggregate(bad, once))[0], places(aggregate(bad, weights))
        found.append((by, full, resampled))
    return found


def places(aggregated: Values) -> Ranks:
    """1 is the best; equal ones share the better place, and what has no answer is last."""
    # Equal figures that were summed in another order are still equal.
    rounded = np.round(np.where(np.isnan(aggregated), np.inf, aggregated), 9)
    return rankdata(rounded, method="min", axis=1).astype(np.int64)


def means(bad: Values, weights: Values) -> Values:
    """The weighted means, [resamples, models], over the cases that all models have an answer for."""
    kept = ~np.isnan(bad).any(axis=0)
    with np.errstate(invalid="ignore"):
        found: Values = weights[:, kept] @ bad[:, kept].T / weights[:, kept].sum(axis=1, keepdims=True)
    return found


def medians(bad: Values, weights: Values) -> Values:
    """The weighted medians: as if each case were there as often as its weight says."""
    kept = ~np.isnan(bad).any(axis=0)
    found = np.full((len(weights), len(bad)), np.nan)
    if not kept.any():
        return found
    for model, values in enumerate(bad[:, kept]):
        order = np.argsort(values)
        reached = np.cumsum(weights[:, kept][:, order], axis=1)
        total = reached[:, -1:]
        # The one in the middle, or the mean of the two there.
        lower = (reached < total / 2).sum(axis=1).clip(max=len(order) - 1)
        upper = (reached <= total / 2).sum(axis=1).clip(max=len(order) - 1)
        ranked = values[order]
        found[:, model] = np.where(total[:, 0] > 0, (ranked[lower] + ranked[upper]) / 2, np.nan)
    return found


def case_ranks(bad: Values, weights: Values) -> Values:
    """The weighted means of the ranks in each case; who has no answer there is last, and equals share their ranks' mean."""
    rounded = np.round(np.where(np.isnan(bad), np.inf, bad), 9)
    found: Values = weights @ rankdata(rounded, axis=0).T / weights.sum(axis=1, keepdims=True)
    return found


def kendall(resampled: Ranks, full: Ranks) -> Values:
    """Kendall's tau-b of each row against one ranking; 1 where both hold every model for equal, 0 where one does."""
    first, second = np.triu_indices(len(full), 1)
    theirs, ours = np.sign(resampled[:, first] - resampled[:, second]), np.sign(full[first] - full[second])
    reach = np.sqrt((theirs != 0).sum(axis=1) * float((ours != 0).sum()))
    equal = (theirs == 0).all(axis=1) & (ours == 0).all()
    agreement = (theirs * ours).sum(axis=1)
    found: Values = np.where(equal, 1.0, agreement / np.where(reach == 0, 1.0, reach))
    return found
