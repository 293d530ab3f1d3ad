"""What it takes to score one prediction, beside MONAI and DeepMind's surface_distance: `python -m benchmarks.metrics [--scenes organ]`.

Each scores the same masks on one core, in a process of its own. They give Dice, HD95, HD, ASSD and NSD; we give those and all other
metrics of the catalogue. Our figures are those of each peer, which is checked here too.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
from typing import Any

from benchmarks.metrics.scenes import SCENES

PEERS = {"surface_distance": "voxloop, elements", "monai": "voxloop, voxels"}
MUST = {"organ": 3.0, "noise": 1.0}


def measured(library: str, folder: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(said("benchmarks.metrics.scorers", library, folder).splitlines()[-1])
    return found


def said(*words: str) -> str:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, "-m", *words], check=True, stdout=subprocess.PIPE, text=True, env=environment
    ).stdout


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--scenes", nargs="+", choices=SCENES, default=SCENES)
    chosen = options.parse_args()
    print(
        f"{'scene':<8}{'peer':<20}{'voxloop s':>11}{'peer s':>9}{'ratio':>8}{'must':>8}{'voxloop MB':>13}{'peer MB':>10}"
    )
    for name in chosen.scenes:
        with tempfile.TemporaryDirectory() as folder:
            # In a process of its own: on Linux a child starts with the peak of its parent.
            said("benchmarks.metrics.scenes", name, folder)
            for peer, own in PEERS.items():
                compare(name, peer, measured(own, folder), measured(peer, folder))


def compare(name: str, peer: str, ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    for key, value in theirs["figures"].items():
        assert math.isclose(ours["figures"][key], value, rel_tol=1e-4), (name, peer, key, ours, theirs)
    print(
        f"{name:<8}{peer:<20}{ours['s']:>11.2f}{theirs['s']:>9.2f}{theirs['s'] / ours['s']:>7.1f}x{MUST[name]:>7.0f}x"
        f"{ours['MB']:>13.0f}{theirs['MB']:>10.0f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
