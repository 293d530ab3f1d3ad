"""The writer's side: a run, what it logs, and what it says about the machine it ran on.

Writes into `store` and reads nothing else. Imported by training, and by any script through `import voxloop as vx`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from voxloop.tracking.media import Volume
    from voxloop.tracking.run import Run

__all__ = ["Run", "Volume"]

_PLACES = {"Run": "run", "Volume": "media"}


def __getattr__(name: str) -> Any:
    # Lazy: a script that logs numbers needs no library for volumes.
    if name not in _PLACES:
        raise AttributeError(f"module 'voxloop.tracking' has no attribute '{name}'")
    value = getattr(import_module(f"voxloop.tracking.{_PLACES[name]}"), name)
    globals()[name] = value
    return value
