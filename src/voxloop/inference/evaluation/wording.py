"""Figures and comparisons in words, as a paper or a person says them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from voxloop.inference.evaluation.comparing import Comparison
from voxloop.inference.evaluation.ranking import Ranking
from voxloop.inference.metrics import BY_KEY, Metric

# What a table shows unless somebody asks for others, as far as the catalogue has it.
USUAL = ("dice", "nsd", "hd95_mm", "difference_ml")
# Digits after the point by unit; shares and overlaps have none.
DIGITS = {"": 3, "mm": 2, "mL": 1, "%": 1}


def usual() -> list[Metric]:
    return [BY_KEY[key] for key in USUAL if key in BY_KEY]


def title(metric: Metric) -> str:
    """A metric as the head of a column: `HD95 (mm)`."""
    return f"{metric.title} ({metric.unit})" if metric.unit else metric.title


def number(metric: Metric, value: float) -> str:
    """A figure with the digits of its unit; a dash where there is no answer."""
    if not math.isfinite(value):
        return "–"
    # Beyond 1 there are no shares: what has no unit is then a count.
    digits = DIGITS.get(metric.unit, 2) if metric.unit or abs(value) <= 1 else 0 if value.is_integer() else 2
    return f"{value:.{digits}f}"


def interval(metric: Metric, low: float, high: float) -> str:
    return f"[{number(metric, low)}, {number(metric, high)}]"


def probability(p: float) -> str:
    """A p value as journals ask for it."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}" if p < 0.1 else f"p = {p:.2f}"


def sentence(one: Comparison) -> str:
    """What a comparison shows, and what it does not, in one sentence."""
    where = f"{one.metric.title} of {one.name}"
    if not one.cases:
        return f"{one.a} and {one.b} cannot be compared in {where}: there is no case that both have an answer for.{_gaps(one)}"
    p = f"{probability(one.p_holm)}{' after Holm' if one.family > 1 else ''}"
    units = f"{one.unit}{'' if one.units == 1 else 's'}"
    measured = f"{_amount(one)} {_interval(one)}"
    if one.favours is None:
        if one.better_a == one.better_b == 0:
            return f"{one.a} and {one.b} are equal in {where} in all {one.units} {units}.{_gaps(one)}"
        return f"{one.a} and {one.b} have the same mean {where}; {_won(one, one.a)} {units} {one.a} is better, {p}.{_gaps(one)}"
    other = one.b if one.favours == one.a else one.a
    said = f"{measured}, better in {_won(one, one.favours)} {units}"
    if one.too_few:
        least = f"p cannot fall below {min(1.0, one.least_p * one.family):.2g}"
        return f"{one.units} {units} are too few to show a difference in {where} ({least}): {one.favours} is ahead of {other} by {said}.{_gaps(one)}"
    if not one.significant:
        return f"No difference in {where} is shown between {one.a} and {one.b}: {one.favours} is ahead by {said}, {p}.{_gaps(one)}"
    if (one.effect > 0) != (one.favours == one.a):
        return (
            f"{one.a} and {one.b} differ in {where}, {p}, but not one way: the mean speaks for {one.favours}, by {measured}, and most "
            f"{units} for {other}, {_won(one, other)}; look at the cases.{_gaps(one)}"
        )
    better = "nearer to zero than" if one.metric.better == "zero" else "better than"
    return f"{one.favours} is {better} {other} in {where} by {measured}, in {_won(one, one.favours)} {units}, {p}.{_gaps(one)}"


def _amount(one: Comparison) -> str:
    unit = f" {one.metric.unit}" if one.metric.unit else ""
    return f"{number(one.metric, abs(one.mean))}{unit}"


def _interval(one: Comparison) -> str:
    """The interval of how much the favoured one is ahead; it reaches below zero where that is not sure."""
    low, high = (one.mean_low, one.mean_high) if one.mean > 0 else (-one.mean_high, -one.mean_low)
    return interval(one.metric, low, high)


def _won(one: Comparison, model: str) -> str:
    return f"{one.better_a if model == one.a else one.better_b} of {one.units}"


def _gaps(one: Comparison) -> str:
    """Cases that could not be compared, for one of the two has no answer: they may be its worst."""
    said = [
        f" {gaps} more {'case has' if gaps == 1 else 'cases have'} an answer by {model} alone, and {'is' if gaps == 1 else 'are'} not counted."
        for model, gaps in ((one.a, one.only_a), (one.b, one.only_b))
        if gaps
    ]
    return "".join(said)


def stability(rankings: Sequence[Ranking]) -> str:
    """How firm a ranking is, from the three ways to make it for one metric and class."""
    by_mean = next(one for one in rankings if one.by == "mean")
    leaders = [model for model, rank in zip(by_mean.models, by_mean.ranks, strict=True) if rank == 1]
    where = f"{by_mean.metric.title} of {by_mean.name}"
    if len(leaders) > 1:
        return f"{', '.join(leaders)} share the first place in {where}."
    share = by_mean.shares[by_mean.models.index(leaders[0])][0]
    agree = len({one.ranks for one in rankings}) == 1
    ways = (
        "mean, median and ranks by case give the same order"
        if agree
        else "mean, median and ranks by case give different orders"
    )
    return f"{leaders[0]} is first in mean {where}, and in {share:.0%} of resamples; {ways} (Kendall's tau {by_mean.tau:.2f})."
