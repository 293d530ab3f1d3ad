"""The fingerprint as pictures: spacing, size, intensities under the labels, volumes of the classes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from voxloop.data.check.report import Report
from voxloop.errors import VoxloopError


def draw(report: Report, folder: Path) -> list[Path]:
    """Writes SVG files; answers with their paths. What there is nothing to draw of is left out."""
    try:
        # Only this needs it, and it is not among what voxloop installs.
        from matplotlib.backends.backend_svg import FigureCanvasSVG
        from matplotlib.figure import Figure
    except ImportError as error:
        raise VoxloopError("Plots need matplotlib, which is not installed; pip install matplotlib.") from error
    cases = {name: one for name, one in report.fingerprint["cases"].items() if one}
    pictures: dict[str, Callable[[Any, dict[str, Any]], bool]] = {
        "spacing": _spacing,
        "size": _size,
        "intensity": _intensity,
        "volumes": _volumes,
    }
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, picture in pictures.items():
            figure = Figure(figsize=(7, 4), layout="constrained")
            FigureCanvasSVG(figure)
            axes = figure.add_subplot()
            if picture(axes, cases):
                path = folder / f"{name}.svg"
                partial = folder / f".partial-{name}.svg"
                figure.savefig(partial, format="svg")
                partial.replace(path)
                written.append(path)
    except OSError as error:
        raise VoxloopError(f"Cannot write plots into {folder}: {error.strerror}; choose another --plots.") from error
    return written


def _spacing(axes: Any, cases: dict[str, Any]) -> bool:
    rows = [one["spacing_mm"] for one in cases.values()]
    return _boxes(axes, {axis: [row[at] for row in rows] for at, axis in enumerate("ijk")}, "mm between voxels", False)


def _size(axes: Any, cases: dict[str, Any]) -> bool:
    rows = [one["shape"] for one in cases.values()]
    return _boxes(
        axes, {axis: [row[at] for row in rows] for at, axis in enumerate("ijk")}, "voxels along an axis", False
    )


def _intensity(axes: Any, cases: dict[str, Any]) -> bool:
    """The medians under each class, one point a case, in the first channel."""
    groups: dict[str, list[float]] = {}
    for one in cases.values():
        for name, known in one["classes"].items():
            if known["intensity"] and known["intensity"][0] is not None:
                groups.setdefault(name, []).append(known["intensity"][0]["p50"])
    return _boxes(axes, groups, "median intensity under the label", False)


def _volumes(axes: Any, cases: dict[str, Any]) -> bool:
    groups: dict[str, list[float]] = {}
    for one in cases.values():
        for name, known in one["classes"].items():
            if known["ml"]:
                groups.setdefault(name, []).append(known["ml"])
    return _boxes(axes, groups, "ml", True)


def _boxes(axes: Any, groups: dict[str, list[float]], unit: str, logarithmic: bool) -> bool:
    """A box for each group, with all its cases as points."""
    if not any(groups.values()):
        return False
    for number, values in enumerate(groups.values(), start=1):
        axes.boxplot([values], positions=[number], widths=0.5, showfliers=False)
        # Side by side in the order of cases, not by chance: the same data give the same picture.
        across = [number + 0.3 * (place / max(1, len(values) - 1) - 0.5) for place in range(len(values))]
        axes.plot(across, values, ".", alpha=0.6)
    axes.set_xticks(range(1, len(groups) + 1), list(groups), rotation=90 if len(groups) > 8 else 0)
    axes.set_ylabel(unit)
    if logarithmic:
        axes.set_yscale("log")
    return True
