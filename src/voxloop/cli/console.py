"""How commands speak: words for a person on the terminal, JSON on stdout for a program."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID


def console(as_json: bool = False) -> Console:
    """Where a person reads. With `--json`, stdout belongs to the program, so words go to stderr."""
    from rich.console import Console

    return Console(stderr=as_json, highlight=False, soft_wrap=True)


def print_json(value: Any) -> None:
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False, default=str))


_standing: set[Progress] = set()


def clear_bars() -> None:
    """Takes away the bars that still stand, as after an error: they would write over it, and keep the cursor hidden."""
    while _standing:
        _standing.pop().stop()


class Bar:
    """A progress bar for work that tells how far it is: `bar(done, total, what)`. Gone when all is done; more work is a new bar."""

    def __init__(self, out: Console, title: str) -> None:
        self._out, self._title = out, title
        self._shown: tuple[Progress, TaskID] | None = None

    def __call__(self, done: int, total: int, what: str = "") -> None:
        if not self._out.is_terminal:
            return
        from rich.progress import Progress

        if self._shown is None:
            progress = Progress(console=self._out, transient=True)
            progress.start()
            _standing.add(progress)
            self._shown = progress, progress.add_task(self._title, total=total)
        progress, task = self._shown
        progress.update(task, completed=done, description=f"{self._title} {what}")
        if done >= total:
            progress.stop()
            _standing.discard(progress)
            self._shown = None
