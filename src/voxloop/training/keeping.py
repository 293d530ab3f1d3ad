"""What a training holds besides weights and chance: its engines' scores, its handlers' counters, its samplers' epochs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from voxloop.training.walking import reachable

# An engine is made with these by its config; they do not come from what happened.
GIVEN = ("max_epochs", "max_iters", "epoch_length", "rank", "seed", "key_metric_name")
# Restored by whoever loads the checkpoint, before the engine runs.
COUNTERS = ("epoch", "iteration")
# A handler may ask for them in an epoch that validates nothing.
RESULTS = ("metrics", "metric_details")


class UnstorableError(Exception):
    """A state that holds more than tensors, numbers and texts."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Every part of a training that has a state of its own; `apart` are those that somebody else writes down."""

    roots: Mapping[str, Any]
    apart: tuple[Any, ...] = ()

    def state(self) -> dict[str, Any]:
        """The states by the paths of their parts; nothing stands for one that cannot be written down."""
        found = {}
        for path, part in self._parts():
            try:
                found[path] = stored(_state_of(part))
            except Exception:  # the part may be anybody's
                found[path] = None
        return found

    def restore(self, state: Mapping[str, Any]) -> list[str]:
        """Gives each part its state; answers with the parts that got none."""
        here = dict(self._parts())
        missed = {path for path in here.keys() | state.keys() if path not in here or state.get(path) is None}
        for path in here.keys() - missed:
            try:
                _give(here[path], state[path])
            except Exception:  # the part may be anybody's, or another one than it was
                missed.add(path)
        return sorted(missed)

    def _parts(self) -> list[tuple[str, Any]]:
        apart = {id(one) for one in self.apart if one is not None}
        return [(path, part) for path, part in reachable(self.roots) if id(part) not in apart and _has_state(part)]


def stored(value: Any) -> Any:
    """A state as weights are stored: tensors, numbers, texts and their collections, which any reader takes."""
    import numpy as np
    import torch

    if isinstance(value, np.generic):
        # First, for a double of numpy's is a float, and yet no reader of weights takes it.
        return value.item()
    if isinstance(value, bool | int | float | str | bytes | type(None)):
        return value
    if isinstance(value, torch.Tensor):
        return value.detach().as_subclass(torch.Tensor)
    if isinstance(value, np.ndarray):
        return torch.from_numpy(value.copy())
    if isinstance(value, dict):
        kept = {stored(key): stored(inner) for key, inner in value.items()}
        return Counter(kept) if isinstance(value, Counter) else kept
    if isinstance(value, list | tuple):
        # Of a named tuple its values are enough.
        kind = list if isinstance(value, list) else tuple
        return kind(stored(one) for one in value)
    raise UnstorableError(type(value).__name__)


def _has_state(part: Any) -> bool:
    from ignite.engine import Engine
    from ignite.metrics import Metric, RunningAverage

    if isinstance(part, Engine):
        return True
    if isinstance(part, Metric):
        # Any other begins anew with each epoch.
        return isinstance(part, RunningAverage)
    if _counts_epochs(part):
        return True
    return all(callable(getattr(type(part), name, None)) for name in ("state_dict", "load_state_dict"))


def _counts_epochs(part: Any) -> bool:
    """Whether this is a sampler that is told the epoch, such as one that gives each rank its share."""
    return callable(getattr(type(part), "set_epoch", None)) and isinstance(getattr(part, "epoch", None), int)


def _state_of(part: Any) -> Any:
    from ignite.engine import Engine

    if isinstance(part, Engine):
        return _said(part.state)
    return {"epoch": part.epoch} if _counts_epochs(part) else part.state_dict()


def _give(part: Any, state: Any) -> None:
    from ignite.engine import Engine
    from ignite.handlers import Checkpoint

    if isinstance(part, Engine):
        for name, value in state.items():
            setattr(part.state, name, value)
    elif _counts_epochs(part):
        part.set_epoch(state["epoch"])
    elif isinstance(part, Checkpoint):
        part.load_state_dict({**state, "_saved": [one for one in state["_saved"] if _is_there(part, one[1])]})
    else:
        part.load_state_dict(state)


def _said(state: Any) -> dict[str, Any]:
    """What an engine says of itself: its best score and epoch, the metrics of its last run, counters of a bundle's own."""
    found = {}
    for name, value in vars(state).items():
        if name in GIVEN or name in COUNTERS or not (name in RESULTS or _is_number(value)):
            continue
        try:
            found[name] = stored(value)
        except UnstorableError:
            continue
    return found


def _is_number(value: Any) -> bool:
    """A number or a text; not the batch that an engine worked on last."""
    import numpy as np
    import torch

    if isinstance(value, torch.Tensor):
        return value.ndim == 0
    return isinstance(value, bool | int | float | str | np.generic)


def _is_there(saver: Any, filename: str) -> bool:
    """Whether a file that a saver of the bundle's own remembers still is: the process that died may have replaced it."""
    handler = saver.save_handler
    folder = getattr(handler, "dirname", None)
    return folder is None or (Path(folder) / (getattr(handler, "filename", None) or filename)).is_file()
