"""How a process that draws begins; apart from its work, so that the server need not import what the work needs."""

from __future__ import annotations

import os
import signal


def begin() -> None:
    # Ctrl-C goes to every process of the terminal; when to end is the server's to say.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"
