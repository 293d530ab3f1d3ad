"""Every object that an engine holds on to, at any depth, under a path that is the same in the next process."""

from __future__ import annotations

import functools
import types
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

# What is told about a training draws no chance and holds the whole project; machinery of the interpreter holds everything.
CLOSED = ("asyncio", "concurrent", "logging", "multiprocessing", "queue", "rich", "socket", "sqlalchemy", "threading")
CLOSED_OURS = ("voxloop.tracking", "voxloop.store", "voxloop.monai")
PLAIN = (bool, int, float, complex, str, bytes, type(None), type, types.ModuleType)
# Of an engine: what it works on at the moment, and is made anew for each epoch.
MOMENTARY = ("state", "_dataloader_iter", "_internal_run_generator")


def reachable(roots: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Each object below `roots` once, the nearest first: `trainer.optimizer`, `trainer.data_loader.dataset.transform.R`.

    Follows attributes, containers, the closures of functions and the owners of methods. A network, an optimizer, a schedule
    and a tensor are given, and not looked into.
    """
    waiting = deque(roots.items())
    # Held until the end: the id of an object that is gone may be given to another one.
    seen: dict[int, Any] = {}
    while waiting:
        path, thing = waiting.popleft()
        if isinstance(thing, PLAIN) or id(thing) in seen:
            continue
        seen[id(thing)] = thing
        yield path, thing
        waiting.extend((path + step, inner) for step, inner in _inside(thing) if not isinstance(inner, PLAIN))


def _inside(thing: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(thing, dict):
        # Any other key than a text by its place: an event has no name of its own.
        for number, (key, inner) in enumerate(list(thing.items())):
            yield (f"[{key!r}]" if isinstance(key, str) else f"[{number}]"), inner
    elif isinstance(thing, list | tuple | deque):
        yield from ((f"[{number}]", inner) for number, inner in enumerate(list(thing)))
    elif isinstance(thing, types.MethodType):
        yield ".owner", thing.__self__
    elif isinstance(thing, types.FunctionType):
        for name, cell in zip(thing.__code__.co_freevars, thing.__closure__ or (), strict=True):
            try:
                yield f".{name}", cell.cell_contents
            except ValueError:  # a name that has no value yet
                continue
    elif isinstance(thing, functools.partial):
        yield from ((".func", thing.func), (".args", thing.args), (".keywords", thing.keywords))
    elif not _is_closed(thing):
        yield from ((f".{name}", inner) for name, inner in _attributes(thing))


def _attributes(thing: Any) -> Iterator[tuple[str, Any]]:
    from ignite.engine import Engine
    from monai.transforms import Randomizable

    own = dict(getattr(thing, "__dict__", {}))
    for kind in type(thing).__mro__:
        for name in kind.__dict__.get("__slots__", ()):
            if isinstance(name, str) and name not in own and hasattr(thing, name):
                own[name] = getattr(thing, name)
    if isinstance(thing, Randomizable):
        # One that nobody has seeded draws from its class's generator.
        own.setdefault("R", thing.R)
    for name, inner in own.items():
        if not (isinstance(thing, Engine) and name in MOMENTARY):
            yield name, inner


def _is_closed(thing: Any) -> bool:
    import numpy as np
    import torch
    from torch.utils.data.dataloader import _BaseDataLoaderIter

    leaves = (torch.Tensor, torch.nn.Module, torch.optim.Optimizer, np.ndarray, _BaseDataLoaderIter)
    if isinstance(thing, leaves) or is_schedule(thing):
        return True
    module = type(thing).__module__
    return module.partition(".")[0] in CLOSED or any(f"{module}.".startswith(f"{one}.") for one in CLOSED_OURS)


def is_schedule(thing: Any) -> bool:
    """Whether this moves a learning rate, as torch's schedulers do; the one that waits for a plateau among them."""
    from torch.optim import lr_scheduler

    return isinstance(thing, lr_scheduler.LRScheduler | lr_scheduler.ReduceLROnPlateau)
