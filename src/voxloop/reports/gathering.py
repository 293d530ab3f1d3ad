"""What a report tells of a run, read from the project."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from voxloop.errors import VoxloopError
from voxloop.reports.slices import Seen, worst_slice
from voxloop.store import MediaRecord, Points, Project, RunRecord, SeriesRecord
from voxloop.store.contents import VolumeContents, contents
from voxloop.store.results.cases import Key, key_of

MOST_CURVES = 12
MOST_POINTS = 400
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class Choice:
    """What goes into a report. Names of cases and pictures of scans leave the building with it, unless they are left out."""

    metric: str | None = None
    worst: int = 6
    pictures: bool = True
    anonymous: bool = False


@dataclass(frozen=True, slots=True)
class Figure:
    """A series that stands for the run, in numbers."""

    name: str
    last: float | None
    best: float | None
    points: Points


@dataclass(frozen=True, slots=True)
class ClassFigures:
    """How the cases of a class lie at the last step."""

    name: str
    count: int
    # Cases that were told of with NaN or infinity, or not at all.
    without: int
    median: float
    low: float
    high: float
    worst: float


@dataclass(frozen=True, slots=True)
class WorstCase:
    """A class of a case, with the slice in which it is most wrong; `why_not` says why there is none."""

    case: str
    class_name: str
    value: float
    step: int | None
    seen: Seen | None
    why_not: str


@dataclass(frozen=True, slots=True)
class Report:
    run: RunRecord
    figures: tuple[Figure, ...]
    # As many series of the whole run as there was no room for.
    more_figures: int
    metric: str
    goal: str
    classes: tuple[ClassFigures, ...]
    worst: tuple[WorstCase, ...]
    # How cases are called here and nowhere else, when nobody outside is to know them.
    secret: tuple[str, ...]
    made: tuple[str, ...]
    used: tuple[str, ...]


def gather(project: Project, reference: str, choice: Choice | None = None, progress: Progress | None = None) -> Report:
    """Everything that a report of a run tells."""
    choice = choice or Choice()
    run = project.run(reference)
    board = project.case_board([run.id], choice.metric)
    if choice.metric is not None and not board.rows:
        known = ", ".join(one.name for one in board.metrics) or "none"
        raise VoxloopError(f"Run {run.name} says nothing of single cases by {choice.metric}; it has: {known}.")
    series = {key_of(one.context): one for one in project.series_of(run.id, board.metric) if "case" in one.context}
    last = board.columns[0].last
    told = [(*key, value) for key, value in zip(board.rows, last, strict=True) if value is not None]
    told.sort(key=lambda row: (row[2] if board.goal == "max" else -row[2], row[0], row[1]))
    worst = told[: max(0, choice.worst)]
    plain = _plain(project, run)
    named = {case: f"Case {nth}" for nth, case in enumerate(dict.fromkeys(row[0] for row in worst), start=1)}
    cases = []
    for nth, (case, class_name, value) in enumerate(worst):
        if progress:
            progress(nth, len(worst), case)
        step = series[case, class_name].last_step
        seen, why_not = _seen(project, run.id, case, class_name, step) if choice.pictures else (None, "")
        if choice.anonymous and why_not:
            # It may name a file.
            why_not = "There is no picture of this case."
        cases.append(WorstCase(named[case] if choice.anonymous else case, class_name, value, step, seen, why_not))
    if progress:
        progress(len(worst), len(worst), "")
    return Report(
        run=run,
        figures=tuple(_figures(project, plain[:MOST_CURVES])),
        more_figures=max(0, len(plain) - MOST_CURVES),
        metric=board.metric,
        goal=board.goal,
        classes=tuple(_by_class(told, series, board.goal)),
        worst=tuple(cases),
        secret=tuple(_cases_of(project, run.id)) if choice.anonymous else (),
        made=tuple(version.ref for version in project.made(run.id)),
        used=tuple(version.ref for version in project.used(run.id)),
    )


def _cases_of(project: Project, run_id: str) -> set[str]:
    told = [one.context for one in project.series_of(run_id)] + [one.context for one in project.media_of(run_id)]
    return {str(context["case"]) for context in told if "case" in context} - {""}


def _plain(project: Project, run: RunRecord) -> list[SeriesRecord]:
    """The series of the whole run, those of validations first; the machine's are left out."""
    plain = [
        one for one in project.series_of(run.id) if not one.context and not one.name.startswith("system/") and one.count
    ]
    return sorted(plain, key=lambda one: (0 if one.name.startswith(("val/", "eval/")) else 1, one.name))


def _figures(project: Project, plain: Iterable[SeriesRecord]) -> list[Figure]:
    return [Figure(one.name, one.last, one.best, project.points(one.id, MOST_POINTS)) for one in plain]


def _by_class(told: Sequence[tuple[str, str, float]], all_keys: Iterable[Key], goal: str) -> list[ClassFigures]:
    found = []
    logged = Counter(name for _, name in all_keys)
    for name in sorted({row[1] for row in told}):
        values = np.array([row[2] for row in told if row[1] == name])
        # Between two infinities there is nothing to blend.
        method: Literal["linear", "nearest"] = "linear" if np.isfinite(values).all() else "nearest"
        low, median, high = np.percentile(values, [25, 50, 75], method=method).tolist()
        worst = float(values.min() if goal == "max" else values.max())
        found.append(ClassFigures(name, len(values), logged[name] - len(values), median, low, high, worst))
    return found


def _seen(project: Project, run_id: str, case: str, class_name: str, step: int | None) -> tuple[Seen | None, str]:
    """Of the step that the number is of; where none was kept then, of the last one, and it says so."""
    volumes = [one for one in project.media_of(run_id, kind="volume") if str(one.context.get("case", one.name)) == case]
    if not volumes:
        return None, "No volume of this case was logged."
    chosen: MediaRecord = max(volumes, key=lambda one: (one.step == step, one.step, one.id))
    try:
        found = contents(project.blobs, chosen)
    except VoxloopError as error:
        return None, str(error)
    assert isinstance(found, VolumeContents)
    seen = worst_slice(found, class_name)
    if chosen.step != step:
        seen = replace(seen, said=f"{seen.said}; the picture is of step {chosen.step}, the number of step {step}")
    return seen, ""
