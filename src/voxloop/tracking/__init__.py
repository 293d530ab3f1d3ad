"""The writer's side: a run, what it logs, and what it says about the machine it ran on.

Writes into `store` and reads nothing else. Imported by training, and by any script through `import voxloop as vx`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from voxloop.tracking.loader_wait import Timed, timed
    from voxloop.tracking.media import (
        Audio,
        Box,
        Distribution,
        Figure,
        Image,
        Media,
        Table,
        Text,
        Video,
        Volume,
        gradients,
        parameters,
    )
    from voxloop.tracking.run import Run

__all__ = [
    "Audio",
    "Box",
    "Distribution",
    "Figure",
    "Image",
    "Media",
    "Run",
    "Table",
    "Text",
    "Timed",
    "Video",
    "Volume",
    "gradients",
    "parameters",
    "timed",
]

_PLACES = {"Run": "run", "Timed": "loader_wait", "timed": "loader_wait"}


def __getattr__(name: str) -> Any:
    # Lazy: a script that logs numbers needs no library for volumes.
    if name not in __all__:
        raise AttributeError(f"module 'voxloop.tracking' has no attribute '{name}'")
    value = getattr(import_module(f"voxloop.tracking.{_PLACES.get(name, 'media')}"), name)
    globals()[name] = value
    return value
