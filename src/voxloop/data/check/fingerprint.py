"""A dataset in numbers: per case and over all, what plans of a training are made from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from voxloop.data.check.case import Case
from voxloop.data.check.facts import PERCENTILES, Spread
from voxloop.data.check.listing import Listing


def fingerprint(listing: Listing, cases: list[Case]) -> dict[str, Any]:
    """Plain values for JSON. Intensities under all classes together are the foreground, as nnU-Net calls it."""
    seen = [case for case in cases if case.facts.image is not None]
    each = {case.id: _case(case) for case in seen if not case.entry.test}
    grids = [one for one in each.values() if "spacing_mm" in one]
    return {
        "cases": each,
        "test": {case.id: _case(case) for case in seen if case.entry.test},
        "dataset": {
            "name": listing.name,
            "cases": len(each),
            "spacing_mm": _range([one["spacing_mm"] for one in grids]),
            "shape": _range([one["shape"] for one in grids]),
            "size_mm": _range([one["size_mm"] for one in grids]),
            "orientations": _counts([one["orientation"] for one in grids]),
            "foreground": _foreground(listing, cases),
            "class_ml": _volumes(listing, each),
        },
    }


def _case(case: Case) -> dict[str, Any]:
    image = case.facts.image
    if image is None or not image.affine or image.error is not None:
        return {}
    grid = image.geometry
    size = [side * step for side, step in zip(grid.shape, grid.spacing_mm, strict=True)]
    return {
        "shape": list(grid.shape),
        "channels": image.channels,
        "spacing_mm": [round(side, 5) for side in grid.spacing_mm],
        "size_mm": [round(side, 2) for side in size],
        "orientation": grid.orientation,
        "dtype": image.dtype,
        "intensity": [
            {"all": _spread(channel.all), "foreground": _spread(channel.foreground)} for channel in case.facts.channels
        ],
        "classes": {
            case.name_of(one): {
                "value": one.value,
                "voxels": one.voxels,
                "ml": None if (ml := case.ml(one)) is None else round(ml, 3),
                "intensity": [_spread(spread) for spread in one.under],
            }
            for one in case.facts.classes
            if case.labelled
        },
    }


def _spread(spread: Spread | None) -> dict[str, Any] | None:
    if spread is None:
        return None
    named = {f"p{percent:g}": round(value, 4) for percent, value in zip(PERCENTILES, spread.percentiles, strict=True)}
    return {
        "mean": round(spread.mean, 4),
        "std": round(spread.std, 4),
        "min": spread.least,
        "max": spread.most,
        **named,
    }


def _range(rows: Sequence[Sequence[float]]) -> dict[str, list[float]] | None:
    if not rows:
        return None
    table = np.asarray(rows, dtype=np.float64)
    return {
        name: [round(float(value), 5) for value in values]
        for name, values in (
            ("median", np.median(table, axis=0)),
            ("min", table.min(axis=0)),
            ("max", table.max(axis=0)),
        )
    }


def _counts(values: list[str]) -> dict[str, int]:
    return {value: values.count(value) for value in sorted(set(values))}


def _foreground(listing: Listing, cases: list[Case]) -> list[dict[str, Any]]:
    """Per channel, over all labelled voxels: each case weighs as its voxels, its percentiles as so many equal parts."""
    channels = max((len(case.facts.channels) for case in cases), default=0)
    answer = []
    for number in range(channels):
        spreads = [
            one.under[number]
            for case in cases
            if case.labelled and case.placed
            for one in case.facts.classes
            if len(one.under) > number
        ]
        weight = np.array([spread.count for spread in spreads], dtype=np.float64)
        if not spreads or weight.sum() == 0:
            continue
        means = np.array([spread.mean for spread in spreads])
        squares = np.array([spread.std**2 + spread.mean**2 for spread in spreads])
        mean = float((means * weight).sum() / weight.sum())
        std = float(np.sqrt(max(0.0, (squares * weight).sum() / weight.sum() - mean**2)))
        answer.append(
            {
                "channel": listing.modality.get(number, str(number)),
                "voxels": int(weight.sum()),
                "mean": round(mean, 4),
                "std": round(std, 4),
                "min": min(spread.least for spread in spreads),
                "max": max(spread.most for spread in spreads),
                **{f"p{percent:g}": round(_mixed(spreads, weight, percent), 4) for percent in (0.5, 50.0, 99.5)},
            }
        )
    return answer


def _mixed(spreads: list[Spread], weight: np.ndarray[Any, np.dtype[np.float64]], percent: float) -> float:
    """A percentile of a mixture: the value below which the parts together have that share."""
    parts = np.array([[spread.least, *spread.percentiles, spread.most] for spread in spreads])
    steps = np.array([0.0, *PERCENTILES, 100.0])
    low, high = float(parts.min()), float(parts.max())
    for _ in range(50):
        middle = (low + high) / 2
        below = sum(
            share * np.interp(middle, np.maximum.accumulate(row), steps, left=0.0, right=100.0)
            for row, share in zip(parts, weight, strict=True)
        )
        low, high = (middle, high) if below < percent * weight.sum() else (low, middle)
    return high


def _volumes(listing: Listing, each: dict[str, dict[str, Any]]) -> dict[str, Any]:
    answer = {}
    for value, name in sorted(listing.labels.items()):
        ml = [
            one["classes"][name]["ml"]
            for one in each.values()
            if one.get("classes", {}).get(name) is not None and one["classes"][name]["ml"] is not None
        ]
        if value > 0 and ml:
            answer[name] = {
                "cases": len(ml),
                "median": round(float(np.median(ml)), 3),
                "min": min(ml),
                "max": max(ml),
            }
    return answer
