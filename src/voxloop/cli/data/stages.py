"""One progress bar after another, for work that has several stages."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING

from voxloop.cli.console import Bar

if TYPE_CHECKING:
    from rich.console import Console


class Stages:
    """Shows a new bar whenever the one before is done; the last one is gone with the `with`, also after an error."""

    def __init__(self, out: Console, title: str) -> None:
        self._out, self._title = out, title
        self._bar: Bar | None = None

    def __enter__(self) -> Stages:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar(1, 1)

    def __call__(self, done: int, total: int, what: str = "") -> None:
        if self._bar is None:
            self._bar = Bar(self._out, self._title)
        self._bar(done, total, what)
        if done >= total:
            self._bar = None
