"""The writer's side: a run, what it logs, and what it says about the machine it ran on.

Writes into `store` and reads nothing else. Imported by training, and by any script through `import voxloop as vx`.
"""

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
