"""How long a training waits for its data: the first thing to know about a GPU that idles."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Any, Generic, TypeVar

Batch = TypeVar("Batch")


class Timed(Generic[Batch]):
    """A data loader that measures how much of its loop's time goes by until it has a batch.

        loader = vx.timed(loader)
        for batch in loader:
            ...
        run.log({"system/loader_wait": loader.wait_share})

    Everything else about the loader stays what it was.
    """

    def __init__(self, loader: Iterable[Batch]) -> None:
        self._loader = loader
        self.waited_s = 0.0
        self.worked_s = 0.0

    @property
    def wait_share(self) -> float:
        """From 0 to 1, in the pass that runs or ran last; 0 before the first."""
        whole = self.waited_s + self.worked_s
        return self.waited_s / whole if whole else 0.0

    def __iter__(self) -> Iterator[Batch]:
        self.waited_s = self.worked_s = 0.0
        mark = time.perf_counter()
        # The start of the workers is waited for as well.
        batches = iter(self._loader)
        while True:
            try:
                batch = next(batches)
            except StopIteration:
                self.waited_s += time.perf_counter() - mark
                return
            handed = time.perf_counter()
            self.waited_s += handed - mark
            try:
                yield batch
            finally:
                mark = time.perf_counter()
                self.worked_s += mark - handed

    def __len__(self) -> int:
        return len(self._loader)  # type: ignore[arg-type]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or "_loader" not in self.__dict__:
            raise AttributeError(name)
        return getattr(self._loader, name)


def timed(loader: Iterable[Batch]) -> Timed[Batch]:
    """A loader that tells how long its loop waited: see `Timed`."""
    return Timed(loader)
