"""A contest in the terminal: the worst cases first, what they say together, and what lies between the models."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from voxloop.inference.evaluation.resampling import Resampling
from voxloop.inference.evaluation.statistics import summarise
from voxloop.inference.evaluation.wording import interval, number, sentence, stability, title
from voxloop.inference.metrics import Metric

if TYPE_CHECKING:
    from rich.console import Console

    from voxloop.inference.evaluation.contest import Contest
    from voxloop.inference.evaluation.results import Evaluation

# More belongs into a file.
MOST_ROWS = 40
MOST_SENTENCES = 12


def show(contest: Contest, how: Resampling, metrics: Sequence[Metric], out: Console) -> None:
    """Tables and sentences, and at the end what failed."""
    if len(contest.evaluations) == 1:
        _cases(contest.evaluations[0], metrics, out)
    _summary(contest, how, metrics, out)
    _comparisons(contest, metrics, out)
    for one in contest.evaluations:
        for note in one.notes:
            out.print(note, markup=False)


def _cases(evaluation: Evaluation, metrics: Sequence[Metric], out: Console) -> None:
    from rich.table import Table
    from rich.text import Text

    count = len(evaluation.cases)
    cases = f"{count} case{'' if count == 1 else 's'}"
    table = Table(title=Text(f"{evaluation.model}: mean Dice {evaluation.mean_dice:.3f} on {cases}, worst first"))
    table.add_column("case", overflow="fold")
    table.add_column("class", overflow="fold")
    for metric in metrics:
        table.add_column(title(metric), justify="right")
    rows = [(case.case, one) for case in evaluation.cases for one in case.classes]
    for case, one in rows[:MOST_ROWS]:
        table.add_row(Text(case), Text(one.name), *(number(metric, one.values[metric.key]) for metric in metrics))
    out.print(table)
    if len(rows) > MOST_ROWS:
        out.print(f"and {len(rows) - MOST_ROWS} better rows: --out DIR writes all of them, --json prints them.")


def _summary(contest: Contest, how: Resampling, metrics: Sequence[Metric], out: Console) -> None:
    from rich.table import Table
    from rich.text import Text

    several = len(contest.evaluations) > 1
    table = Table(title=f"mean ± SD, with the {how.confidence:g} % confidence interval of the mean")
    if several:
        table.add_column("model", overflow="fold")
    for column in ("class", "n"):
        table.add_column(column, overflow="fold", justify="right" if column == "n" else "left")
    for metric in metrics:
        table.add_column(title(metric), justify="right")
    absent = False
    for one in contest.evaluations:
        for name, each in summarise(one, how).items():
            cells = []
            for metric in metrics:
                said = each[metric.key]
                ends = interval(metric, said.low, said.high)
                fewer = f", n = {said.n}" if said.n < len(one.cases) else ""
                cells.append(
                    f"{number(metric, said.mean)} ± {number(metric, said.sd)}\n{ends}{fewer}" if said.n else "–"
                )
            any_of = next(iter(each.values()))
            absent = absent or any_of.absent > 0
            count = f"{len(one.cases)} ({any_of.absent})" if any_of.absent else str(len(one.cases))
            models = [Text(one.model)] if several else []
            table.add_row(*models, Text(name), count, *map(Text, cells))
    out.print(table)
    if absent:
        out.print("In brackets: cases whose truth has nothing of the class; each metric has its own rule for these.")


def _comparisons(contest: Contest, metrics: Sequence[Metric], out: Console) -> None:
    chosen = [one for one in contest.comparisons if one.metric in metrics]
    if not chosen:
        return
    if len(chosen) > MOST_SENTENCES:
        # The first metric is the one that was asked about.
        rest = len(chosen)
        chosen = [one for one in chosen if one.metric == chosen[0].metric]
        rest -= len(chosen)
    else:
        rest = 0
    for one in chosen:
        out.print(sentence(one), markup=False)
    if len(contest.evaluations) > 2:
        ranked = [one for one in contest.rankings if one.metric in {each.metric for each in chosen}]
        for _, ways in groupby(ranked, key=lambda one: (one.metric.key, one.name)):
            out.print(stability(list(ways)), markup=False)
    if rest:
        out.print(f"{rest} more comparisons: --out DIR writes all of them, --json prints them.")
