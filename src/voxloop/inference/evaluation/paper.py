"""Tables as a paper prints them, in Markdown and in LaTeX: mean ± SD with the interval of the mean, and median with quartiles."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from voxloop.inference.evaluation.comparing import Comparison
from voxloop.inference.evaluation.resampling import Resampling
from voxloop.inference.evaluation.statistics import Summary, summarise
from voxloop.inference.evaluation.wording import interval, number, probability, title
from voxloop.inference.metrics import Metric

if TYPE_CHECKING:
    from voxloop.inference.evaluation.contest import Contest

SPECIAL = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "{": r"\{",
        "}": r"\}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "±": r"$\pm$",
        "–": "--",
        "<": r"$<$",
        ">": r"$>$",
        **{sign: f"\\{sign}" for sign in "&%$#_"},
    }
)


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of words under a head, the first ones to the left, the figures to the right; and what is said below."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    # How many columns are words.
    words: int
    label: str


def tables(contest: Contest, how: Resampling, metrics: Sequence[Metric]) -> list[Table]:
    """Of every model and class the mean, then the median; and every comparison that was made."""
    rows = [
        (one.model, name, len(one.cases), each)
        for one in contest.evaluations
        for name, each in summarise(one, how).items()
    ]
    found = [
        Table(
            f"{_of_what(contest, metrics)} {what}.",
            ("Model", "Class", "n", *(title(metric) for metric in metrics)),
            tuple(
                (model, name, str(cases), *(_cell(cell, metric, each[metric.key], cases) for metric in metrics))
                for model, name, cases, each in rows
            ),
            2,
            label,
        )
        for what, cell, label in (
            (f"Mean ± SD with the {how.confidence:g} % confidence interval of the mean (BCa bootstrap)", _mean, "mean"),
            ("Median with the first and third quartile", _median, "median"),
        )
    ]
    chosen = [one for one in contest.comparisons if one.metric in metrics]
    return [*found, _compared(chosen, how)] if chosen else found


def _cell(said: Callable[[Metric, Summary], str], metric: Metric, one: Summary, cases: int) -> str:
    """A figure of fewer cases than the row's says so."""
    fewer = f" (n = {one.n})" if 0 < one.n < cases else ""
    return f"{said(metric, one)}{fewer}" if one.n else "–"


def _mean(metric: Metric, one: Summary) -> str:
    return f"{number(metric, one.mean)} ± {number(metric, one.sd)} {interval(metric, one.low, one.high)}"


def _median(metric: Metric, one: Summary) -> str:
    return f"{number(metric, one.median)} {interval(metric, one.q1, one.q3)}"


def _compared(chosen: Sequence[Comparison], how: Resampling) -> Table:
    return Table(
        f"Paired differences, the first less the second, with their {how.confidence:g} % confidence interval; Wilcoxon's "
        "signed-rank test (Pratt), corrected by Holm over the pairs and classes of each metric; rank-biserial correlation r.",
        ("Pair", "Class", "Metric", "n", "Difference", "p", "r"),
        tuple(
            (
                f"{one.a} – {one.b}",
                one.name,
                title(one.metric),
                str(one.units),
                f"{number(one.metric, one.mean)} {interval(one.metric, one.mean_low, one.mean_high)}",
                probability(one.p_holm).removeprefix("p ").removeprefix("= "),
                f"{one.effect:.2f}",
            )
            for one in chosen
        ),
        3,
        "comparison",
    )


def _of_what(contest: Contest, metrics: Sequence[Metric]) -> str:
    """What was measured on what, so that a table can stand alone."""
    first = contest.evaluations[0]
    how = first.scoring
    said = (
        f"{first.dataset}, {'all cases' if first.part == 'all' else f'{first.part} part'} of the split {first.split}."
    )
    if any("tolerance" in f"{metric.says} {metric.absent}".casefold() for metric in metrics):
        each = ", ".join(f"{name} {mm:g} mm" for name, mm in how.tolerances_mm.items())
        said += f" Surface tolerance {how.tolerance_mm:g} mm{f' ({each})' if each else ''}."
    missing = sum(len(one.failed) for one in contest.evaluations) + len(contest.failed)
    return said + (f" Incomplete: {missing} without figures." if missing else "")


def markdown(contest: Contest, how: Resampling, metrics: Sequence[Metric]) -> str:
    return "\n".join(_markdown(table) for table in tables(contest, how, metrics))


def _markdown(table: Table) -> str:
    def row(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

    under = ["---" if place < table.words else "---:" for place in range(len(table.head))]
    return "\n".join([table.caption, "", row(table.head), row(under), *map(row, table.rows), ""])


def latex(contest: Contest, how: Resampling, metrics: Sequence[Metric]) -> str:
    """For a document that loads booktabs."""
    return "% Needs \\usepackage{booktabs} in the preamble.\n" + "\n".join(
        _latex(table) for table in tables(contest, how, metrics)
    )


def _latex(table: Table) -> str:
    def row(cells: Sequence[str]) -> str:
        return "  " + " & ".join(escaped(cell) for cell in cells) + r" \\"

    columns = "l" * table.words + "r" * (len(table.head) - table.words)
    return "\n".join(
        [
            r"\begin{table}",
            r"  \centering",
            f"  \\caption{{{escaped(table.caption)}}}",
            f"  \\label{{tab:{table.label}}}",
            f"  \\begin{{tabular}}{{{columns}}}",
            r"  \toprule",
            row(table.head),
            r"  \midrule",
            *map(row, table.rows),
            r"  \bottomrule",
            r"  \end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def escaped(text: str) -> str:
    """Text as LaTeX prints it; a minus is no hyphen."""
    return re.sub(r"(?<![\w])-(?=\d)", "$-$", text.translate(SPECIAL))
