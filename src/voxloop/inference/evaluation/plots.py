"""A contest as one figure: for each metric a box and every case as a point, class by class and model by model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from voxloop.data.whole import whole
from voxloop.inference.evaluation.wording import title
from voxloop.inference.metrics import Metric

if TYPE_CHECKING:
    from voxloop.inference.evaluation.contest import Contest

WAY_OUT = "free some space or choose another --out"


def draw(contest: Contest, folder: Path, metrics: Sequence[Metric]) -> list[Path]:
    """Writes figure.svg and figure.pdf; nothing where matplotlib is not there."""
    try:
        # Only this needs it, and it is not among what voxloop installs.
        from matplotlib.figure import Figure
    except ImportError:
        return []
    shown = [metric for metric in metrics if any(len(one) for _, _, one in _groups(contest, metric))]
    if not shown:
        return []
    groups = _groups(contest, shown[0])
    figure = Figure(figsize=(max(4.0, 1.2 + 0.6 * len(groups)), 2.6 * len(shown)), layout="constrained")
    for place, metric in enumerate(shown, start=1):
        _boxes(figure.add_subplot(len(shown), 1, place), contest, metric, names=place == len(shown))
    written = []
    for ending, about in (("svg", {"Date": None}), ("pdf", {"CreationDate": None})):
        path = folder / f"figure.{ending}"
        with whole(path, WAY_OUT) as partial:
            # Without a date, the same figures give the same file.
            figure.savefig(partial, format=ending, metadata=about)
        written.append(path)
    return written


def _groups(contest: Contest, metric: Metric) -> list[tuple[str, str, Any]]:
    """Class, model and the figures of its cases, class by class."""
    names = dict.fromkeys(name for one in contest.evaluations for name in one.classes)
    found = []
    for name in names:
        for one in contest.evaluations:
            if name in one.classes:
                values = one.figures(name, metric.key)
                found.append((name, one.model, values[~np.isnan(values)]))
    return found


def _boxes(axes: Any, contest: Contest, metric: Metric, names: bool) -> None:
    models = [one.model for one in contest.evaluations]
    labels, groups = [], _groups(contest, metric)
    for number, (name, model, values) in enumerate(groups, start=1):
        colour = f"C{models.index(model) % 10}"
        labels.append(f"{name}, {model}" if len(models) > 1 else name)
        if not len(values):
            continue
        axes.boxplot([values], positions=[number], widths=0.5, showfliers=False, medianprops={"color": "black"})
        # Side by side in the order of cases, not by chance: the same figures give the same picture.
        across = [number + 0.3 * (place / max(1, len(values) - 1) - 0.5) for place in range(len(values))]
        axes.plot(across, values, ".", color=colour, alpha=0.6)
    # As many letters as stand beside each other.
    turned = 90 if len(labels) > 1 and max(map(len, labels)) > 8 else 0
    axes.set_xticks(range(1, len(labels) + 1), labels if names else [""] * len(labels), rotation=turned)
    axes.set_xlim(0.4, len(labels) + 0.6)
    axes.set_ylabel(title(metric))
