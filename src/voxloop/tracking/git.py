"""The code that ran: commit, branch, remote, and what was changed since the commit. Nothing here raises."""

from __future__ import annotations

import os
import subprocess
import threading
from functools import cache
from pathlib import Path
from typing import Any

from voxloop.tracking.secrets import without_login

MOST = 1 << 20
TIMEOUT_S = 10.0


def describe(folder: Path | None = None) -> dict[str, Any] | None:
    """Commit, branch, whether there were changes, and where it came from; nothing without a repository."""
    where = _folder(folder)
    return None if where is None else _described(where)


def diff(folder: Path | None = None) -> str | None:
    """What tracked files held beyond the commit when the process first asked, as a patch of at most a megabyte.

    Of a binary file it says only that it differs. Nothing without a repository, or without a change.
    """
    where = _folder(folder)
    return None if where is None else _diff(where)


@cache
def _described(folder: str) -> dict[str, Any] | None:
    root = _ask(folder, "rev-parse", "--show-toplevel")
    if root is None:
        return None
    branch = _ask(folder, "symbolic-ref", "--short", "-q", "HEAD")
    status = _ask(folder, "status", "--porcelain", "--untracked-files=no")
    remote = _ask(folder, "config", "--get", "remote.origin.url")
    return {
        "commit": _ask(folder, "rev-parse", "-q", "--verify", "HEAD"),
        "branch": branch or "HEAD",
        "dirty": None if status is None else bool(status),
        "remote": without_login(remote) if remote else None,
    }


@cache
def _diff(folder: str) -> str | None:
    words = ("diff", "HEAD", "--no-color", "--no-ext-diff", "--no-textconv", "--ignore-submodules=dirty")
    content = _read(folder, words, MOST + 1)
    if not content:
        return None
    # Windows' line ends, and bytes of other encodings, belong to the patch; what cannot be text becomes a question mark.
    text = content[:MOST].decode("utf-8", "replace")
    return f"{text}\n[the diff is longer than {MOST:,} bytes; the rest was left out]\n" if len(content) > MOST else text


def _ask(folder: str, *words: str) -> str | None:
    content = _read(folder, words, 1 << 16)
    return None if content is None else content.decode("utf-8", "replace").strip()


def _read(folder: str, words: tuple[str, ...], most: int) -> bytes | None:
    """The beginning of what git answers; None where it fails, or takes too long."""
    # Without the lock, so that a commit that is made meanwhile does not fail.
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    try:
        process = subprocess.Popen(
            ["git", *words],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    except (OSError, ValueError):
        return None
    with process:
        assert process.stdout is not None, "it was asked for"
        timer = _killer(process)
        try:
            content = process.stdout.read(most)
            if len(content) == most:
                process.kill()
                return content
            process.wait()
        except OSError:
            return None
        finally:
            timer.cancel()
    return content if process.returncode == 0 else None


def _killer(process: subprocess.Popen[bytes]) -> threading.Timer:
    """Ends a git that takes too long, as on a slow network drive."""
    timer = threading.Timer(TIMEOUT_S, process.kill)
    timer.daemon = True
    timer.start()
    return timer


def _folder(folder: Path | None) -> str | None:
    try:
        return str(folder if folder is not None else Path.cwd())
    except OSError:
        # Somebody has removed the folder that this process works in.
        return None
