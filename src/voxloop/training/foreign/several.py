"""torchrun, without the traceback of its own that would bury what a bundle said: `python -m ... several N`."""

from __future__ import annotations

import sys


def main(processes: str) -> int:
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.run import main as torchrun

    try:
        torchrun(["--standalone", "--nproc_per_node", processes, "-m", "voxloop.training.foreign.process"])
    except (ChildFailedError, SignalException, KeyboardInterrupt):
        # Each process has left word of what happened to it.
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
