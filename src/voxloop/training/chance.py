"""The state of every generator that a training may draw from: the global ones, and those that its objects hold."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from voxloop.training.walking import reachable

State = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Chance:
    """The generators of the process and of all that `roots` hold.

    A transform may be given a new generator at any time, so they are looked for each time anew. What a worker of a data
    loader draws from is made of the main process's generators when it begins an epoch, and needs no state of its own.
    """

    roots: Mapping[str, Any]

    def state(self) -> State:
        """As plain tensors, numbers and texts, by the path of each generator."""
        return {path: kind.state(one) for path, (kind, one) in self._generators().items()}

    def restore(self, state: Mapping[str, Any]) -> list[str]:
        """Sets every generator to what it was; answers with those that are here or there alone."""
        here = self._generators()
        for path, (kind, one) in here.items():
            if path in state:
                kind.restore(one, state[path])
        return sorted(here.keys() ^ state.keys())

    def _generators(self) -> dict[str, tuple[Kind, Any]]:
        kinds = _kinds()
        found = _global()
        for path, one in reachable(self.roots):
            kind = next((kind for of, kind in kinds.items() if isinstance(one, of)), None)
            if kind is not None and not isinstance(one, random.SystemRandom):
                found[path] = (kind, one)
        return found


@dataclass(frozen=True, slots=True)
class Kind:
    """How a generator of one library tells its state and takes it."""

    state: Callable[[Any], Any]
    restore: Callable[[Any, Any], None]


def _kinds() -> dict[type, Kind]:
    """The generators that an object may hold."""
    import numpy as np
    import torch

    return {
        random.Random: Kind(lambda one: one.getstate(), _set_python),
        np.random.RandomState: Kind(lambda one: _packed(one.get_state(legacy=False)), _set_numpy),
        np.random.Generator: Kind(lambda one: _packed(one.bit_generator.state), _set_bits),
        torch.Generator: Kind(lambda one: one.get_state(), lambda one, state: one.set_state(state)),
    }


def _global() -> dict[str, tuple[Kind, Any]]:
    """The generators of the process. The modules answer as their own generators do."""
    import numpy as np
    import torch

    kinds = _kinds()
    found: dict[str, tuple[Kind, Any]] = {
        "python": (kinds[random.Random], random),
        "numpy": (kinds[np.random.RandomState], np.random),
        "torch": (kinds[torch.Generator], torch.default_generator),
    }
    if torch.cuda.is_initialized():
        cuda = Kind(torch.cuda.get_rng_state, lambda number, state: torch.cuda.set_rng_state(state, number))
        found |= {f"cuda:{number}": (cuda, number) for number in range(torch.cuda.device_count())}
    if torch.backends.mps.is_available():
        mps = Kind(lambda one: one.get_rng_state(), lambda one, state: one.set_rng_state(state))
        found["mps"] = (mps, torch.mps)
    return found


def _set_python(one: Any, state: Any) -> None:
    version, numbers, gauss = state
    one.setstate((version, tuple(numbers), gauss))


def _set_numpy(one: Any, state: Any) -> None:
    one.set_state(_unpacked(state))


def _set_bits(one: Any, state: Any) -> None:
    one.bit_generator.state = _unpacked(state)


def _packed(state: Any) -> Any:
    """Arrays as tensors, which every reader of weights takes."""
    import numpy as np
    import torch

    if isinstance(state, dict):
        return {key: _packed(value) for key, value in state.items()}
    if isinstance(state, np.ndarray):
        # As bytes: old readers know no unsigned words.
        return {"dtype": state.dtype.str, "bytes": torch.from_numpy(state.view(np.uint8).copy())}
    return state.item() if isinstance(state, np.generic) else state


def _unpacked(state: Any) -> Any:
    if not isinstance(state, dict):
        return state
    if state.keys() == {"dtype", "bytes"}:
        return state["bytes"].numpy().view(state["dtype"]).copy()
    return {key: _unpacked(value) for key, value in state.items()}
