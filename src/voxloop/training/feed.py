"""A data loader whose place is known, so that another process can go on from it."""

from __future__ import annotations

import weakref
from collections.abc import Generator, Iterator
from typing import Any

from voxloop.training.chance import Chance, State

END = object()


class Feed:
    """Gives what `loader` gives, and knows from which state of chance its pass began and how much of it is taken.

    A pass ends with the epoch, as a rule. Where an epoch is shorter than the data (`epoch_length`), the next one goes on in the
    middle of a pass; `go_on` has that pass begun again as it was begun, and skips what was taken.
    """

    def __init__(self, loader: Any, chance: Chance) -> None:
        self.loader, self._chance = loader, chance
        # The engine holds the pass: where it lets go, as on an error, the workers of a loader are to end at once.
        self._pass: weakref.ref[Generator[Any]] | None = None
        self._begun: State = {}
        self._taken = 0
        self._ahead: list[Any] = []
        self._skip: tuple[State, int] | None = None

    def __len__(self) -> int:
        return len(self.loader)

    def __getattr__(self, name: str) -> Any:
        # Handlers ask the engine's data loader for its dataset, its sampler, its batch size.
        if name == "loader":
            raise AttributeError(name)
        return getattr(self.loader, name)

    def __iter__(self) -> Iterator[Any]:
        skip, self._skip, self._ahead = self._skip, None, []
        if skip is None:
            self._begun, self._taken = self._chance.state(), 0
            source = _shown(self.loader)
        else:
            now = self._chance.state()
            self._begun, self._taken = skip
            self._chance.restore(self._begun)
            source = _shown(self.loader)
            for _ in range(self._taken):
                next(source, END)
            self._chance.restore(now)
        self._pass = weakref.ref(source)
        return self._batches(source)

    def state(self) -> dict[str, Any] | None:
        """Where the pass is; nothing where it is over, and a new one begins from the generators as they are."""
        if self._taken >= self._whole():
            # Its end is asked for now, because a sampler may draw once more when it comes to it.
            source = None if self._pass is None else self._pass()
            batch = END if source is None else next(source, END)
            if batch is END:
                return None
            self._ahead.append(batch)
        return {"begun": self._begun, "taken": self._taken}

    def go_on(self, state: dict[str, Any] | None) -> None:
        """Has the next pass be the one whose state this is."""
        self._skip = None if state is None else (state["begun"], int(state["taken"]))

    def _whole(self) -> float:
        try:
            return len(self.loader)
        except TypeError:
            return float("inf")

    def _batches(self, source: Iterator[Any]) -> Iterator[Any]:
        while (batch := self._ahead.pop() if self._ahead else next(source, END)) is not END:
            self._taken += 1
            yield batch


def _shown(loader: Any) -> Generator[Any]:
    """A pass as a generator: nothing of the loader's own iterator, such as its workers, can be seen from outside."""
    batches = iter(loader)

    def each() -> Generator[Any]:
        yield from batches

    return each()
