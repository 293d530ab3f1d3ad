"""A contest in the terminal: the worst cases first, what they say together, and what lies between the models."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from voxloop.inference.evaluation.resampling import Resampling
from voxloop.inference.evaluation.statistics import Summary, summarise
from voxloop.inference.evaluation.wording import interval, number, sentence, stability, title
from voxloop.inference.metrics import Metric

if TYPE_CHECKING:
    from rich.console import Console

    from voxloop.inference.evaluation.contest import Contest
    from voxloop.inference.evaluation.results import Evaluation

# More belongs into a file.
MOST_ROWS = 40
MOST_SENTENCES = 12
# What 100 characters hold beside the names of case and class.
MOST_COLUMNS = 5


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
    shown = metrics[:MOST_COLUMNS]
    for metric in shown:
        table.add_column(title(metric), justify="right")
    rows = [(case.case, one) for case in evaluation.cases for one in case.classes]
    for case, one in rows[:MOST_ROWS]:
        table.add_row(Text(case), Text(one.name), *(number(metric, one.values[metric.key]) for metric in shown))
    out.print(table)
    if len(rows) > MOST_ROWS:
        out.print(f"and {len(rows) - MOST_ROWS} better rows: --out DIR writes all of them, --json prints them.")


def _summary(contest: Contest, how: Resampling, metrics: Sequence[Metric], out: Console) -> None:
    """Metrics as columns, or as rows where they are too many."""
    from rich.table import Table
    from rich.text import Text

    several, wide = len(contest.evaluations) > 1, len(metrics) <= MOST_COLUMNS
    table = Table(title=f"mean ± SD, with the {how.confidence:g} % confidence interval of the mean")
    heads = [*(["model"] if several else []), "class", *([] if wide else ["metric"])]
    for head in heads:
        table.add_column(head, overflow="fold")
    for head in ["n", *(map(title, metrics) if wide else ["mean ± SD", "interval", "median"])]:
        table.add_column(head, justify="right")
    absent = 0
    for one in contest.evaluations:
        for name, each in summarise(one, how).items():
            missing = next(iter(each.values())).absent
            absent += missing
            count = f"{len(one.cases)} ({missing})" if missing else str(len(one.cases))
            words = [*([one.model] if several else []), name]
            if wide:
                cells = [_stacked(metric, each[metric.key], len(one.cases)) for metric in metrics]
                table.add_row(*map(Text, [*words, count, *cells]))
                continue
            for metric in metrics:
                said = each[metric.key]
                ends = interval(metric, said.low, said.high)
                figures = [str(said.n), _spread(metric, said), ends, number(metric, said.median)]
                table.add_row(*map(Text, [*words, title(metric), *figures]))
    out.print(table)
    if absent and wide:
        out.print("In brackets: cases whose truth has nothing of the class; each metric has its own rule for these.")


def _spread(metric: Metric, one: Summary) -> str:
    return f"{number(metric, one.mean)} ± {number(metric, one.sd)}" if one.n else "–"


def _stacked(metric: Metric, one: Summary, cases: int) -> str:
    fewer = f"\nn = {one.n}" if one.n < cases else ""
    return f"{_spread(metric, one)}\n{interval(metric, one.low, one.high)}{fewer}" if one.n else "–"


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
