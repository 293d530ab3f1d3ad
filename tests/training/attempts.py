"""Trainings that end at a known place, and go on: `python attempts.py PLAN.json`.

A plan is a list of attempts. Each is a process of its own, forked once torch and MONAI are imported, which starts or resumes
a training and, where the plan says so, sends itself a signal at an event: the way a cluster or a full memory ends it.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

# Once for all attempts: torch._dynamo is what the first optimizer of a process waits for.
IMPORTED = ("torch._dynamo", "monai.bundle", "monai.engines", "ignite.engine", "rich.progress", "voxloop.store.project")


def attempt(folder: str, job: list[Any], at: list[Any] | None = None, number: int = 0) -> None:
    """Starts the training of a project, or resumes it; `at` is an event of the trainer and its count, `number` a signal."""
    from voxloop.store import open_project
    from voxloop.training.job import Job, prepare
    from voxloop.training.train import train

    if at is not None:
        _end_at(at[0], at[1], number)
    recipe, data, arguments = job
    with open_project(folder, create=True) as project:
        there = list(project.runs())
        if there:
            train(Job.of(there[0]), project, resume=there[0].id)
        else:
            train(prepare(recipe, Path(data), "quick", "default", arguments), project, name="one")


def _end_at(event: str, count: int, number: int) -> None:
    from ignite.engine import Events

    from voxloop.training.checkpoints import Checkpoints

    attach = Checkpoints.attach

    def attached(self: Checkpoints) -> None:
        attach(self)
        once = getattr(Events, event)(once=count)
        self.trainer.add_event_handler(once, lambda engine: os.kill(os.getpid(), number))

    Checkpoints.attach = attached  # type: ignore[method-assign]


def in_a_process(work: Callable[[], None]) -> int:
    """Does something in a child, and says how that ended, as the shell counts."""
    child = os.fork()
    if child == 0:
        code = 0
        try:
            work()
        except KeyboardInterrupt:
            code = 130
        except BaseException:
            traceback.print_exc()
            code = 1
        finally:
            sys.stderr.flush()
            os._exit(code)
    status = os.waitpid(child, 0)[1]
    return os.waitstatus_to_exitcode(status)


def main(plan: str) -> None:
    for name in IMPORTED:
        importlib.import_module(name)
    import torch

    # A pool of threads would not be there in a child.
    assert torch.get_num_threads() == 1, "OMP_NUM_THREADS=1"
    for number, one in enumerate(json.loads(Path(plan).read_text())):
        code = in_a_process(lambda one=one: attempt(**one["attempt"]))  # type: ignore[misc]
        if code != one["ends"]:
            sys.exit(f"attempt {number} ended with {code} rather than {one['ends']}: {one['attempt']}")


if __name__ == "__main__":
    main(sys.argv[1])
