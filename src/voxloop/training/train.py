"""Training a recipe: MONAI's own workflow, followed by tracking, checkpoints and a report."""

from __future__ import annotations

import logging
import shutil
import signal
import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from voxloop import recipes
from voxloop.bundles import settings, writing
from voxloop.data.decathlon import Dataset, read_dataset, split_cases
from voxloop.data.scans import open_labels, open_scan
from voxloop.errors import VoxloopError
from voxloop.monai.output import output_of
from voxloop.monai.quiet import quiet_readers
from voxloop.recipes import datalist
from voxloop.training.checkpoints import Checkpoints
from voxloop.training.explain import explain

if TYPE_CHECKING:
    from rich.console import Console

    from voxloop.store import Project
    from voxloop.tracking import Run


@dataclass(frozen=True, slots=True)
class Job:
    """What to train: enough to start it, and to go on with it in another process."""

    recipe: str
    data: Path
    preset: str = "full"
    split: str = "default"
    overrides: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, run: Any) -> Job:
        """The job that a run was started with."""
        said = run.params.get("job")
        if not said:
            raise VoxloopError(f"Run {run.name} was not made by `voxloop train`, so there is nothing to resume.")
        return cls(said["recipe"], Path(said["data"]), said["preset"], said["split"], said["overrides"])

    def as_params(self) -> dict[str, Any]:
        return {
            "recipe": self.recipe,
            "data": str(self.data),
            "preset": self.preset,
            "split": self.split,
            "overrides": dict(self.overrides),
        }


@dataclass(frozen=True, slots=True)
class Trained:
    """What came of it."""

    run_id: str
    model: str
    best_dice: float
    best_epoch: int
    epochs: int
    scores: dict[int, float]


def prepare(recipe: str, data: Path, preset: str, split: str, arguments: Sequence[str]) -> Job:
    """Checks everything that can be known before the first scan is read."""
    files = settings.config_files(recipes.find(recipe), preset)
    dataset = read_dataset(data)
    # MONAI is imported here, seconds after everything that can be told without it.
    config = settings.read(files)
    overrides = settings.overrides(arguments, config)
    applied = settings.applied(config, overrides)
    settings.require_sense(applied)
    channels = _check_names(dataset, applied)
    for case in dataset.training:
        # Headers only: a label on another grid and a file that is cut off are found here, not in epoch one.
        scan = open_scan(case.image)
        if scan.channels < channels:
            raise VoxloopError(
                f"{case.image.name} has {scan.channels} channels, and the recipe takes the one that dataset.json "
                f"numbers {channels - 1}; get the whole scan, or take the case off the list."
            )
        open_labels(case.label, like=scan.geometry)
    parts = split_cases(data, split)
    for part in ("training", "validation"):
        if not parts[part]:
            raise VoxloopError(
                f'{data}: the {part} part of split "{split}" is empty; a training needs at least two cases.'
            )
    return Job(recipe, data.resolve(), preset, split, overrides)


def _check_names(dataset: Dataset, config: Mapping[str, Any]) -> int:
    """Refuses a dataset without the recipe's classes and channels, and says how many channels its scans must have."""
    classes, regions, spellings = (config.get(key) for key in ("class_names", "regions", "spellings"))
    if isinstance(classes, list):
        datalist.class_values(dataset, classes, spellings)
        output_of(classes, regions)
    channels = config.get("channel_names")
    return max(datalist.channel_order(dataset, channels, spellings)) + 1 if isinstance(channels, list) else 1


def train(
    job: Job,
    project: Project,
    *,
    name: str | None = None,
    experiment: str | None = None,
    resume: str | None = None,
    console: Console | None = None,
) -> Trained:
    """Trains a job as a tracked run, or goes on with one, and saves the best weights as a model bundle."""
    from voxloop.store.artifacts import datasets
    from voxloop.tracking import Run

    folder = recipes.find(job.recipe)
    files = settings.config_files(folder, job.preset)
    config = settings.read(files)
    run = Run(
        name=name or f"{folder.name}-{job.preset}",
        experiment=experiment or folder.name,
        params=None if resume else {**settings.searchable({**config, **job.overrides}), "job": job.as_params()},
        project=project.root,
        resume=resume,
    )
    with _terminated_as_interrupt(), _quiet_engines(), run:
        run.define("val/*", axis="epoch", best="max")
        run.define("train/loss", axis="step", best="min")
        datasets.use(project, run.id, job.data)
        return _Session(job, folder, files, config, project, run, console).train()


class _Session:
    """One training in one process."""

    def __init__(
        self,
        job: Job,
        folder: Path,
        files: Sequence[Path],
        config: Mapping[str, Any],
        project: Project,
        run: Run,
        console: Console | None,
    ) -> None:
        self.job, self.folder, self.files, self.config = job, folder, files, config
        self.project, self.run, self.console = project, run, console
        self.work = project.root / "runs" / run.id
        self.work.mkdir(parents=True, exist_ok=True)

    def train(self) -> Trained:
        from rich.console import Console

        from voxloop.training.reporter import Reporter

        reporter = Reporter(self.console or Console(quiet=True))
        parts = split_cases(self.job.data, self.job.split)
        reporter.preparing(len(parts["training"]) + len(parts["validation"]))
        try:
            workflow = self._workflow()
            trainer, evaluator = self._engines(workflow)
            checkpoints = self._checkpoints(workflow)
            done = checkpoints.restore(trainer)
            if evaluator is not None and checkpoints.best_score is not None:
                evaluator.state.best_metric = checkpoints.best_score
                evaluator.state.best_metric_epoch = checkpoints.best_epoch
            scored = self._follow(workflow, trainer, evaluator)
            reporter.attach(trainer, evaluator, scored, done)
            checkpoints.attach(trainer, evaluator)
            if done < trainer.state.max_epochs:
                with explain(self.folder.name, self.config):
                    workflow.run()
                    workflow.finalize()
        finally:
            reporter.close()
        return self._save(workflow, checkpoints, trainer.state.max_epochs)

    def _workflow(self) -> Any:
        from monai.bundle import ConfigWorkflow

        with explain(self.folder.name, self.config):
            workflow = ConfigWorkflow(
                config_file=[str(file) for file in self.files],
                meta_file=str(self.folder / "configs" / "metadata.json"),
                # The console is the reporter's; the log of a run is tracked, not printed.
                logging_file=False,
                workflow_type="train",
                bundle_root=str(self.folder),
                ckpt_dir=str(self.work / "monai"),
                output_dir=str(self.work / "monai"),
                dataset_dir=str(self.job.data),
                split=self.job.split,
                **self.job.overrides,
            )
            workflow.initialize()
        return workflow

    def _engines(self, workflow: Any) -> tuple[Any, Any]:
        with explain(self.folder.name, self.config):
            trainer = workflow.parser.get_parsed_content("train#trainer")
            evaluator = None
            if "validate" in workflow.parser.get():
                evaluator = workflow.parser.get_parsed_content("validate#evaluator")
        return trainer, evaluator

    def _checkpoints(self, workflow: Any) -> Checkpoints:
        parser = workflow.parser
        scheduler = parser.get_parsed_content("lr_scheduler") if "lr_scheduler" in parser.get() else None
        return Checkpoints(
            self.work, parser.get_parsed_content("network"), parser.get_parsed_content("optimizer"), scheduler
        )

    def _follow(self, workflow: Any, trainer: Any, evaluator: Any) -> list[str]:
        """Tracks both engines, and says what is scored."""
        from voxloop.monai import TrackingHandler

        parser = workflow.parser
        regions = parser.get_parsed_content("regions") if "regions" in parser.get() else None
        output = output_of(parser.get_parsed_content("class_names"), regions)
        data = parser.get_parsed_content("data")
        self.run.params["split"] = {part: [one["case"] for one in data[part]] for part in ("training", "validation")}
        TrackingHandler(self.run, "trainer").attach(trainer)
        if evaluator is not None:
            TrackingHandler(
                self.run,
                "validator",
                output=output,
                truth_values=dict(zip(data["label_values"], data["class_values"], strict=True)),
            ).attach(evaluator)
        return [part.name for part in output.parts]

    def _save(self, workflow: Any, checkpoints: Checkpoints, epochs: int) -> Trained:
        """The best weights in a complete bundle whose inference config says what this run really used."""
        target = self.work / "bundle"
        weights = checkpoints.best if checkpoints.best.is_file() else checkpoints.last
        writing.write(self.folder, target, weights, {**self.config, **self.job.overrides}, checkpoints.best_score)
        shutil.rmtree(self.work / "monai", ignore_errors=True)
        version = self.run.save(
            target,
            name=self.folder.name.replace("_", "-"),
            kind="model",
            aliases=["latest", *self._best_alias(checkpoints.best_score)],
            metadata={
                "dice": checkpoints.best_score,
                "epoch": checkpoints.best_epoch,
                "recipe": self.folder.name,
            },
        )
        return Trained(
            run_id=self.run.id,
            model=version.ref,
            best_dice=checkpoints.best_score or 0.0,
            best_epoch=checkpoints.best_epoch,
            epochs=epochs,
            scores=dict(checkpoints.scores),
        )

    def _best_alias(self, score: float | None) -> list[str]:
        """`best` moves only to a model that beats every earlier version of its name."""
        name = self.folder.name.replace("_", "-")
        earlier = [version.metadata.get("dice") or 0.0 for version in self.project.artifacts(name)]
        return ["best"] if not earlier or (score or 0.0) >= max(earlier) else []


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


@contextmanager
def _terminated_as_interrupt() -> Iterator[None]:
    """SIGTERM, as a cluster sends it, ends a training as Ctrl-C does: tidily, with the run marked interrupted."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
