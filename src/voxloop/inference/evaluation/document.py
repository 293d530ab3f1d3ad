"""evaluation.json: an evaluation, or a comparison of several, as other programs read it. Its schema lies beside this module."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voxloop.inference.evaluation.resampling import Resampling
from voxloop.inference.evaluation.statistics import Summary, summarise
from voxloop.inference.metrics import METRICS, Scoring

if TYPE_CHECKING:
    from voxloop.inference.evaluation.comparing import Comparison
    from voxloop.inference.evaluation.ranking import Ranking
    from voxloop.inference.evaluation.results import Evaluation

VERSION = 1
FOLDERS = re.compile(r"(?<![\w.])(?:[A-Za-z]:)?[/\\](?:[^/\\\s'\"]+[/\\])+")
SCHEMA = Path(__file__).with_name("evaluation.schema.json")


def schema() -> dict[str, Any]:
    """The JSON schema that every evaluation.json of this version keeps to."""
    content: dict[str, Any] = json.loads(SCHEMA.read_text(encoding="utf-8"))
    return content


def document_of(evaluation: Evaluation, how: Resampling | None = None) -> dict[str, Any]:
    """One model on one dataset."""
    how = how or Resampling()
    return {**_head(evaluation, how), **_body(evaluation, how)}


def document_of_several(
    evaluations: Sequence[Evaluation],
    comparisons: Sequence[Comparison],
    rankings: Sequence[Ranking],
    failed: Mapping[str, str],
    how: Resampling | None = None,
) -> dict[str, Any]:
    """Several models on the same cases, and what lies between them."""
    how = how or Resampling()
    return {
        **_head(evaluations[0], how),
        "complete": not failed and all(one.complete for one in evaluations),
        "models": [_body(one, how) for one in evaluations],
        "failed_models": [{"model": model, "why": without_paths(why)} for model, why in failed.items()],
        "comparisons": [_comparison(one) for one in comparisons],
        "ranking": [_ranking(one) for one in rankings],
    }


def _head(evaluation: Evaluation, how: Resampling) -> dict[str, Any]:
    patients = [one for one in evaluation.patients().values() if one is not None]
    return {
        "voxloop": "evaluation",
        "version": VERSION,
        "dataset": {"name": evaluation.dataset, "ref": evaluation.dataset_ref},
        "split": evaluation.split,
        "part": evaluation.part,
        "scoring": scoring_of(evaluation.scoring),
        "statistics": {
            **asdict(how),
            "interval": "BCa bootstrap of the mean",
            "unit": "patient" if len(set(patients)) < len(patients) else "case",
        },
        "metrics": {
            metric.key: {key: value for key, value in asdict(metric).items() if key != "key"} for metric in METRICS
        },
    }


def scoring_of(scoring: Scoring) -> dict[str, Any]:
    """How was scored, as plain values."""
    content = {one.name: getattr(scoring, one.name) for one in fields(scoring)}
    return {key: dict(value) if isinstance(value, Mapping) else value for key, value in content.items()}


def _body(evaluation: Evaluation, how: Resampling) -> dict[str, Any]:
    return {
        "model": evaluation.model,
        "complete": evaluation.complete,
        "mean_dice": evaluation.mean_dice,
        "failed": [{"case": one.case, "why": without_paths(one.why)} for one in evaluation.failed],
        "notes": list(evaluation.notes),
        "cases": [
            {
                "case": case.case,
                "patient": case.patient,
                "classes": {
                    one.name: {metric.key: _plain(one.values[metric.key]) for metric in METRICS} for one in case.classes
                },
            }
            for case in evaluation.cases
        ],
        "summary": {
            name: {key: _summary(one) for key, one in each.items()} for name, each in summarise(evaluation, how).items()
        },
    }


def _summary(one: Summary) -> dict[str, Any]:
    keys = ("mean", "sd", "median", "q1", "q3")
    return {
        **{key: _plain(getattr(one, key)) for key in keys},
        "n": one.n,
        "absent": one.absent,
        "ci": [_plain(one.low), _plain(one.high)],
    }


def _comparison(one: Comparison) -> dict[str, Any]:
    from voxloop.inference.evaluation.wording import sentence

    return {
        "a": one.a,
        "b": one.b,
        "class": one.name,
        "metric": one.metric.key,
        "n": one.cases,
        "only_a": one.only_a,
        "only_b": one.only_b,
        "units": one.units,
        "unit": one.unit,
        "mean": _plain(one.mean),
        "mean_ci": [_plain(one.mean_low), _plain(one.mean_high)],
        "median": _plain(one.median),
        "median_ci": [_plain(one.median_low), _plain(one.median_high)],
        "better_a": one.better_a,
        "better_b": one.better_b,
        "p": one.p,
        "p_holm": one.p_holm,
        "family": one.family,
        "exact": one.exact,
        "least_p": one.least_p,
        "effect": one.effect,
        "significant": one.significant,
        "sentence": sentence(one),
    }


def _ranking(one: Ranking) -> dict[str, Any]:
    return {
        "class": one.name,
        "metric": one.metric.key,
        "by": one.by,
        "n": one.cases,
        "ranks": dict(zip(one.models, one.ranks, strict=True)),
        "bootstrap": {model: list(shares) for model, shares in zip(one.models, one.shares, strict=True)},
        "tau": {"mean": one.tau, "low": one.tau_low},
    }


def without_paths(sentence: str) -> str:
    """Files by their names: the figures travel, and how somebody's disk is laid out is not for others.

    >>> without_paths("/home/anna/scans/a.nii is damaged")
    'a.nii is damaged'
    """
    return FOLDERS.sub("", sentence)


def _plain(value: float) -> float | None:
    return value if math.isfinite(value) else None
