"""Voxloop: the open loop for 3D medical image segmentation on one's own machine.

import voxloop as vx

`vx.Run` tracks, `vx.Volume` is a scan with label maps and `vx.Image`, `vx.Table` and the others are what else a run can log,
`vx.open` reads a project, `vx.contents` what was logged. Each is imported when first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from voxloop.errors import VoxloopError
    from voxloop.store import open_project as open  # noqa: A004 - `vx.open` is how a project is opened
    from voxloop.store.contents import contents
    from voxloop.tracking import (
        Audio,
        Box,
        Distribution,
        Figure,
        Image,
        Run,
        Table,
        Text,
        Video,
        Volume,
        gradients,
        parameters,
        timed,
    )

__version__ = "0.1.0"
__all__ = [
    "Audio",
    "Box",
    "Distribution",
    "Figure",
    "Image",
    "Run",
    "Table",
    "Text",
    "Video",
    "Volume",
    "VoxloopError",
    "__version__",
    "contents",
    "gradients",
    "open",
    "parameters",
    "timed",
]

_PLACES = {
    "Audio": ("voxloop.tracking", "Audio"),
    "Box": ("voxloop.tracking", "Box"),
    "Distribution": ("voxloop.tracking", "Distribution"),
    "Figure": ("voxloop.tracking", "Figure"),
    "Image": ("voxloop.tracking", "Image"),
    "Run": ("voxloop.tracking", "Run"),
    "Table": ("voxloop.tracking", "Table"),
    "Text": ("voxloop.tracking", "Text"),
    "Video": ("voxloop.tracking", "Video"),
    "Volume": ("voxloop.tracking", "Volume"),
    "VoxloopError": ("voxloop.errors", "VoxloopError"),
    "contents": ("voxloop.store.contents", "contents"),
    "gradients": ("voxloop.tracking", "gradients"),
    "open": ("voxloop.store", "open_project"),
    "parameters": ("voxloop.tracking", "parameters"),
    "timed": ("voxloop.tracking", "timed"),
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
