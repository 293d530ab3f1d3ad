"""How many prepared scans may stay in memory, so that a large dataset does not end a training in its first epoch."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from voxloop.data.scans import open_scan

# The rest is for the network, its crops and everything else on the machine.
SHARE = 0.5
FLOAT32 = 4


def cache_rate(
    data: Mapping[str, Any],
    spacing_mm: Sequence[float],
    roi_size: Sequence[int],
    free_bytes: float | None = None,
) -> float:
    """The share of the scans, from 0 to 1, whose resampled channels fit into half of the memory that is free.

    Told by the headers: voxels at the new spacing, and at least the crop to which smaller scans are padded.
    """
    pairs = [*data["training"], *data["validation"]]
    needed = sum(_prepared_bytes(Path(pair["image"]), spacing_mm, roi_size) for pair in pairs)
    # Each process of a machine keeps a cache of its own.
    free = (free_bytes_here() if free_bytes is None else free_bytes) / int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    return min(1.0, SHARE * free / max(1, needed))


def _prepared_bytes(path: Path, spacing_mm: Sequence[float], roi_size: Sequence[int]) -> int:
    scan = open_scan(path)
    # Orientation may turn the axes, so the volume counts and not each side.
    resampled = float(np.prod(scan.geometry.shape)) * scan.geometry.voxel_ml * 1000 / float(np.prod(spacing_mm))
    # One byte a voxel is the label's.
    return round(max(resampled, float(np.prod(roi_size)))) * (scan.channels * FLOAT32 + 1)


def free_bytes_here(proc: Path = Path("/proc"), cgroup: Path = Path("/sys/fs/cgroup")) -> float:
    """What this process may still take: of the machine, or of the container that it runs in."""
    free = [float("inf")]
    try:
        lines = dict(line.split(":") for line in (proc / "meminfo").read_text().splitlines())
        free.append(1024.0 * int(lines["MemAvailable"].split()[0]))
    except (OSError, ValueError, KeyError):
        pass
    try:
        limit = (cgroup / "memory.max").read_text().strip()
        if limit != "max":
            free.append(max(0.0, float(limit) - float((cgroup / "memory.current").read_text())))
    except (OSError, ValueError):
        pass
    return min(free)
