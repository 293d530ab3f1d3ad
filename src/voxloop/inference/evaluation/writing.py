"""A contest as files: tables of every figure for a spreadsheet or pandas, JSON for programs, tables and a figure for a paper."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voxloop.data.whole import whole, write_json
from voxloop.errors import VoxloopError
from voxloop.inference.evaluation import paper
from voxloop.inference.evaluation.resampling import Resampling
from voxloop.inference.evaluation.statistics import summarise
from voxloop.inference.evaluation.wording import sentence
from voxloop.inference.metrics import METRICS, Metric
from voxloop.store.results import tables

if TYPE_CHECKING:
    from voxloop.inference.evaluation.contest import Contest

EVALUATION = "evaluation.json"
WAY_OUT = "free some space or choose another --out"
Rows = list[dict[str, Any]]


def require_free(folder: Path, overwrite: bool) -> None:
    """Makes the folder, before hours of work; refused where an earlier evaluation lies there."""
    if (folder / EVALUATION).exists() and not overwrite:
        raise VoxloopError(f"{folder} holds an evaluation already; choose another --out, or add --overwrite.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise VoxloopError(f"{folder} cannot be made ({error.strerror}); choose another --out.") from error


def write(contest: Contest, folder: Path, how: Resampling, metrics: Sequence[Metric]) -> list[Path]:
    """Writes all of it, each file whole or not at all; `metrics` are those that the paper's tables and the figure show."""
    from voxloop.inference.evaluation import plots

    written = [_csv(folder / "cases.csv", _cases(contest)), _csv(folder / "summary.csv", _summary(contest, how))]
    if contest.comparisons:
        written.append(_csv(folder / "comparison.csv", _comparisons(contest)))
        written.append(_csv(folder / "ranking.csv", _ranking(contest)))
    for name, text in (
        ("table.md", paper.markdown(contest, how, metrics)),
        ("table.tex", paper.latex(contest, how, metrics)),
    ):
        with whole(folder / name, WAY_OUT) as partial:
            partial.write_text(text, encoding="utf-8")
        written.append(folder / name)
    written += plots.draw(contest, folder, metrics)
    write_json(folder / EVALUATION, contest.as_dict(how))
    return [*written, folder / EVALUATION]


def _cases(contest: Contest) -> Rows:
    return [
        {
            "model": one.model,
            "case": case.case,
            "patient": case.patient,
            "class": score.name,
            **{metric.key: _cell(score.values[metric.key]) for metric in METRICS},
        }
        for one in contest.evaluations
        for case in one.cases
        for score in case.classes
    ]


def _summary(contest: Contest, how: Resampling) -> Rows:
    keys = ("mean", "sd", "median", "q1", "q3")
    return [
        {
            "model": one.model,
            "class": name,
            "metric": key,
            "n": summary.n,
            "absent": summary.absent,
            **{part: _cell(getattr(summary, part)) for part in keys},
            "ci_low": _cell(summary.low),
            "ci_high": _cell(summary.high),
            "unit": next(metric.unit for metric in METRICS if metric.key == key),
        }
        for one in contest.evaluations
        for name, each in summarise(one, how).items()
        for key, summary in each.items()
    ]


def _comparisons(contest: Contest) -> Rows:
    return [
        {
            "a": one.a,
            "b": one.b,
            "class": one.name,
            "metric": one.metric.key,
            "n": one.cases,
            "only_a": one.only_a,
            "only_b": one.only_b,
            "units": one.units,
            "units_are": f"{one.unit}s",
            "mean": _cell(one.mean),
            "mean_ci_low": _cell(one.mean_low),
            "mean_ci_high": _cell(one.mean_high),
            "median": _cell(one.median),
            "median_ci_low": _cell(one.median_low),
            "median_ci_high": _cell(one.median_high),
            "better_a": one.better_a,
            "better_b": one.better_b,
            "p": one.p,
            "p_holm": one.p_holm,
            "effect": one.effect,
            "sentence": sentence(one),
        }
        for one in contest.comparisons
    ]


def _ranking(contest: Contest) -> Rows:
    return [
        {
            "class": one.name,
            "metric": one.metric.key,
            "by": one.by,
            "model": model,
            "rank": rank,
            **{f"share_{place}": share for place, share in enumerate(shares, start=1)},
            "tau": one.tau,
        }
        for one in contest.rankings
        for model, rank, shares in zip(one.models, one.ranks, one.shares, strict=True)
    ]


def _cell(value: float) -> float | None:
    """No answer is an empty cell."""
    return value if math.isfinite(value) else None


def _csv(path: Path, rows: Rows) -> Path:
    columns: tables.Table = {key: [row[key] for row in rows] for key in rows[0]}
    text = tables.to_csv(columns, None, spreadsheet=True)
    with whole(path, WAY_OUT) as partial:
        # A spreadsheet knows by the mark that letters beyond English are UTF-8; where there are none, nothing needs it.
        partial.write_bytes(text.encode("utf-8" if text.isascii() else "utf-8-sig"))
    return path
