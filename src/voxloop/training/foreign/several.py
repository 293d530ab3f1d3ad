"""torchrun, without the traceback of its own that would bury what a bundle said: `python -m ... several N`."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path


def main(processes: str) -> int:
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.run import main as torchrun

    answers = Path(os.environ["VOXLOOP_BUNDLE_ANSWERS"])
    try:
        torchrun(["--standalone", "--nproc_per_node", processes, "-m", "voxloop.training.foreign.process"])
    except ChildFailedError as error:
        # A process that was killed leaves no word of its own.
        rank, failure = error.get_first_failure()
        (answers / "first.json").write_text(json.dumps({"first": rank, "exit_code": failure.exitcode}))
        return 1
    except (SignalException, KeyboardInterrupt):
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
