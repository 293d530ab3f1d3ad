"""Voxloop: the open loop for 3D medical image segmentation on one's own machine.

import voxloop as vx

`vx.Run` tracks, `vx.Volume` is a scan with label maps, `vx.open` reads a project. Each is imported when first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from voxloop.errors import VoxloopError
    from voxloop.store import open_project as open  # noqa: A004 - `vx.open` is how a project is opened
    from voxloop.tracking import Run, Volume

__version__ = "0.1.0"
__all__ = ["Run", "Volume", "VoxloopError", "__version__", "open"]

_PLACES = {
    "Run": ("voxloop.tracking", "Run"),
    "Volume": ("voxloop.tracking", "Volume"),
    "VoxloopError": ("voxloop.errors", "VoxloopError"),
    "open": ("voxloop.store", "open_project"),
}


def __getattr__(name: str) -> Any:
    # Lazy, so that `import voxloop` costs nothing in a script that only wants the version.
    if name not in _PLACES:
        raise AttributeError(f"module 'voxloop' has no attribute '{name}'")
    from importlib import import_module

    module, attribute = _PLACES[name]
    value = getattr(import_module(module), attribute)
    globals()[name] = value
    return value
