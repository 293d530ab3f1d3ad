"""Training a recipe as a tracked run, from the start or from where a process ended."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from voxloop import recipes
from voxloop.bundles import settings
from voxloop.bundles.trust import Program, require
from voxloop.monai.quiet import quiet_readers
from voxloop.training import resuming
from voxloop.training.configuration import Configuration
from voxloop.training.job import Job as Job
from voxloop.training.job import prepare as prepare
from voxloop.training.resuming import Progress
from voxloop.training.rewinding import rewind
from voxloop.training.session import Session, params_of
from voxloop.training.session import Trained as Trained
from voxloop.training.stopping import Stopped as Stopped
from voxloop.training.stopping import terminated_as_interrupt

if TYPE_CHECKING:
    from rich.console import Console

    from voxloop.store import Project


def train(
    job: Job,
    project: Project,
    *,
    name: str | None = None,
    experiment: str | None = None,
    resume: str | None = None,
    anyway: bool = False,
    console: Console | None = None,
    progress: Progress | None = None,
    trust: Callable[[Program], None] = require,
) -> Trained:
    """Trains a job as a tracked run, and saves the best weights as a model bundle.

    `resume` goes on with a run, bit for bit as if nothing had happened; one that was begun with other settings or data is
    refused, unless `anyway`. A bundle that did not come with voxloop is a program: `trust` raises where it may not run.
    """
    from voxloop.store.artifacts import datasets
    from voxloop.tracking import Run

    folder = recipes.find(job.recipe)
    trust(Program.of(folder))
    files = settings.config_files(folder, job.preset)
    config = settings.read(files)
    now = Configuration.of(folder, config, job.overrides, job.split)
    resumption = None
    if resume is not None:
        resumption = resuming.resume(project, project.run(resume), job, now, anyway, progress)
        # Of an epoch that was not finished nothing stays; where none was, nor does a validation before the first.
        rewind(project, resumption.run, resumption.done or -1)
    run = Run(
        name=name or f"{folder.name}-{job.preset}",
        experiment=experiment or folder.name,
        params=None if resume else params_of(job, now),
        project=project.root,
        resume=resume,
    )
    with terminated_as_interrupt(), _quiet_engines(), run:
        run.define("val/*", axis="epoch", best="max")
        run.define("train/loss", axis="step", best="min")
        session = Session(job, folder, files, config, now, project, run, resumption, console)
        try:
            datasets.use(project, run.id, job.data, progress)
            return session.train()
        except KeyboardInterrupt as error:
            raise Stopped(run.id, session.done) from error


@contextmanager
def _quiet_engines() -> Iterator[None]:
    """The reporter and the error say what the engines' own loggers and known warnings would say once more."""
    before = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        with warnings.catch_warnings():
            # A case without foreground, such as after a splenectomy, gives background crops only, as it should.
            warnings.filterwarnings("ignore", message=".*unable to generate class balanced samples.*")
            with quiet_readers():
                yield
    finally:
        logging.disable(before)
