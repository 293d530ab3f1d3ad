"""What a run says about where it came from: code, command line, packages, machine. Nothing is imported for it."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = ("voxloop", "torch", "monai", "numpy", "nibabel", "pytorch-ignite")


def describe() -> dict[str, Any]:
    return {
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
        "python": platform.python_version(),
        "host": platform.node(),
        "system": f"{platform.system()} {platform.release()}",
        "cpus": os.cpu_count(),
        "pid": os.getpid(),
    }


def describe_code() -> dict[str, Any]:
    """What takes a moment to find out: packages, and the state of the working folder's repository."""
    return {"packages": dict(_packages()), "git": _git(str(Path.cwd()))}


@cache
def _packages() -> tuple[tuple[str, str], ...]:
    """Installed versions, read from what pip wrote down. They do not change while a process runs."""
    found = []
    for name in PACKAGES:
        try:
            found.append((name, metadata.version(name)))
        except metadata.PackageNotFoundError:
            continue
    return tuple(found)


@cache
def _git(folder: str) -> dict[str, Any] | None:
    """The commit of the working folder and whether it had changes at the process's first run; nothing without a repository."""

    def ask(*words: str) -> str | None:
        try:
            done = subprocess.run(
                ["git", *words], cwd=folder, capture_output=True, text=True, errors="replace", timeout=5, check=False
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    commit = ask("rev-parse", "HEAD")
    if commit is None:
        return None
    return {
        "commit": commit,
        "branch": ask("rev-parse", "--abbrev-ref", "HEAD"),
        "dirty": bool(ask("status", "--porcelain", "-uno")),
    }
