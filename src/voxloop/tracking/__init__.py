"""The writer's side: a run, what it logs, and what it says about the machine it ran on.

Writes into `store` and reads nothing else. Imported by training, and by any script through `import voxloop as vx`.
"""

from voxloop.tracking.media import Volume
from voxloop.tracking.run import Run

__all__ = ["Run", "Volume"]
