"""What a run says about where it came from: code, command line, packages, machine. Nothing heavy is imported, nothing raises."""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from voxloop.tracking import git, gpus, packages
from voxloop.tracking.secrets import without_secrets

# Variables that change how a training runs, by their beginnings. Their values may be anyone's business, …
NAMED = re.compile(
    r"(CUDA|CUBLAS|CUDNN|NVIDIA|NCCL|GLOO|TORCH|PYTORCH|OMP|MKL|KMP|OPENBLAS|SLURM|PBS|LSB|HIP|ROCR|HSA|MONAI|VOXLOOP|PYTHON|CONDA"
    r"|VIRTUAL_ENV|RANK$|WORLD_SIZE$|LOCAL_RANK$|MASTER_|LD_PRELOAD|LD_LIBRARY_PATH)"
)
# … but not those of these.
TOLD = re.compile(
    r"(CUDA|NVIDIA|HIP|ROCR)_VISIBLE_DEVICES|CUDA_LAUNCH_BLOCKING|CUBLAS_WORKSPACE_CONFIG|(OMP|MKL)_NUM_THREADS|(WORLD_|LOCAL_WORLD_)SIZE"
    r"|(LOCAL_)?RANK|PYTORCH_(CUDA_)?ALLOC_CONF|PYTHONHASHSEED|CONDA_DEFAULT_ENV|SLURM_(JOB_ID|ARRAY_TASK_ID|NTASKS|PROCID|JOB_NUM_NODES)"
)


def describe() -> dict[str, Any]:
    """What is known at once, without another process."""
    parts: dict[str, Callable[[], Any]] = {
        "command": _command,
        "folder": lambda: str(Path.cwd()),
        "python": platform.python_version,
        "executable": lambda: sys.executable,
        "host": platform.node,
        "system": lambda: f"{platform.system()} {platform.release()}",
        "cpus": os.cpu_count,
        "cpus_usable": lambda: len(os.sched_getaffinity(0)),
        "cpu": _cpu,
        "memory": lambda: os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "pid": os.getpid,
        "variables": _variables,
    }
    return _answers(parts)


def describe_code() -> dict[str, Any]:
    """What takes a moment: git, packages, GPUs. Asked once in a process; fit for a thread in the background."""
    return _answers(
        {"git": git.describe, "packages": packages.installed, "gpus": gpus.describe, "gpu_driver": gpus.driver}
    )


def diff() -> str | None:
    """What the working folder's code held beyond its commit: see `git.diff`."""
    try:
        return git.diff()
    except Exception:  # a run must not end for what is said about it
        return None


def _answers(parts: dict[str, Callable[[], Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, ask in parts.items():
        try:
            found[name] = ask()
        except Exception:  # another system, another user, a folder that was removed: the rest is worth having
            found[name] = None
    return found


def _command() -> list[str]:
    return [Path(sys.argv[0]).name, *without_secrets(sys.argv[1:])]


def _variables() -> dict[str, str | None]:
    """The variables that matter, in order; with their values where these are told."""
    return {
        name: value if TOLD.fullmatch(name) else None for name, value in sorted(os.environ.items()) if NAMED.match(name)
    }


@cache
def _cpu() -> str | None:
    """The processor's model."""
    if sys.platform == "linux":
        with Path("/proc/cpuinfo").open(encoding="utf-8", errors="replace") as file:
            for line in file:
                if line.startswith(("model name", "Model", "Hardware")):
                    return line.partition(":")[2].strip() or None
    return platform.processor() or platform.machine() or None
