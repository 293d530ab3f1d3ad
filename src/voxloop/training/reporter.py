"""What a person sees while a recipe trains: a bar with the time left, and a row of Dice for each validation."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console


class Reporter:
    """Draws on a console; follows the engines as one more handler."""

    def __init__(self, console: Console) -> None:
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            SpinnerColumn,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        self.console = console
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left:"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
        )
        self._task: Any = None
        self._loss = math.nan
        self._losses: list[float] = []
        self._header_shown = False

    def preparing(self, scans: int) -> None:
        """Scans are read and resampled once, before the first epoch."""
        self._bar.start()
        self._task = self._bar.add_task(f"Preparing {scans} scans", total=None)

    def attach(self, trainer: Any, evaluator: Any | None, classes: list[str], done_epochs: int) -> None:
        """Follows a trainer that starts after `done_epochs`."""
        from ignite.engine import Events

        length = trainer.state.epoch_length or 1
        self._bar.update(self._task, visible=False)
        self._task = self._bar.add_task(
            f"Epoch {done_epochs + 1}/{trainer.state.max_epochs}",
            total=length * trainer.state.max_epochs,
            completed=length * done_epochs,
        )
        trainer.add_event_handler(Events.EPOCH_STARTED, self._epoch)
        trainer.add_event_handler(Events.ITERATION_COMPLETED, self._iteration)
        if evaluator is not None:
            evaluator.add_event_handler(Events.COMPLETED, self._validated, classes)

    def say(self, sentence: str) -> None:
        """A sentence of its own, above the bar."""
        self.console.print(sentence, highlight=False, markup=False)

    def close(self) -> None:
        self._bar.stop()

    def _epoch(self, trainer: Any) -> None:
        self._losses = []
        self._bar.update(self._task, description=f"Epoch {trainer.state.epoch}/{trainer.state.max_epochs}")

    def _iteration(self, trainer: Any) -> None:
        output = trainer.state.output
        self._losses.append(float((output[0] if isinstance(output, list) else output)["loss"]))
        self._bar.advance(self._task)

    def _validated(self, evaluator: Any, classes: list[str]) -> None:
        names = classes if len(classes) > 1 else []
        if not self._header_shown:
            columns = "".join(f"{name:>{_width(name)}}" for name in names)
            self.console.print(f"[bold]{'epoch':>7}{'loss':>9}{'mean Dice':>12}{columns}{'best':>9}[/bold]")
            self._header_shown = True
        state = evaluator.state
        mean = state.metrics[state.key_metric_name]
        loss = sum(self._losses) / max(1, len(self._losses))
        per_class = _per_class(state, names)
        mark = "  [green]new best[/green]" if state.best_metric_epoch == state.epoch else ""
        self.console.print(
            f"{state.epoch:>7}{loss:>9.3f}{mean:>12.3f}{per_class}{state.best_metric:>9.3f}{mark}",
            highlight=False,
        )


def _per_class(state: Any, names: list[str]) -> str:
    details = state.metric_details.get(state.key_metric_name)
    if not names or details is None:
        return ""
    return "".join(
        f"{float(column.nanmean()):>{_width(name)}.3f}" for name, column in zip(names, details.T, strict=False)
    )


def _width(name: str) -> int:
    return max(12, len(name) + 2)
