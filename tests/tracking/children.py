"""Other processes, for what only another process can show: being killed, writing at the same time, a full disk."""

from __future__ import annotations

import os
import subprocess
import sys


def child(code: str, *arguments: object) -> subprocess.Popen[str]:
    """A Python process that runs `code`, with `sys.argv[1:]`."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)], stdout=subprocess.PIPE, text=True, env=environment
    )


def run_script(code: str, *arguments: object) -> str:
    """Runs it to its end and answers with what it printed."""
    with child(code, *arguments) as process:
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 0, said
    return said
