"""One training in one process: MONAI's workflow of a recipe, with handlers that track it, keep its state and report it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voxloop.bundles import settings, writing
from voxloop.data.decathlon import split_cases
from voxloop.monai.output import output_of
from voxloop.training import resuming
from voxloop.training.checkpoints import Checkpoints
from voxloop.training.configuration import Configuration
from voxloop.training.explain import explain
from voxloop.training.history import History
from voxloop.training.job import Job
from voxloop.training.resuming import Resumption
from voxloop.training.saved import Files

if TYPE_CHECKING:
    from rich.console import Console

    from voxloop.store import Project
    from voxloop.tracking import Run
    from voxloop.training.reporter import Reporter


@dataclass(frozen=True, slots=True)
class Trained:
    """What came of it."""

    run_id: str
    model: str
    best_dice: float
    best_epoch: int
    epochs: int
    scores: dict[int, float]


class Session:
    """One training in one process."""

    def __init__(
        self,
        job: Job,
        folder: Path,
        files: Sequence[Path],
        config: Mapping[str, Any],
        configuration: Configuration,
        project: Project,
        run: Run,
        resumption: Resumption | None,
        console: Console | None,
    ) -> None:
        self.job, self.folder, self.files, self.config = job, folder, files, config
        self.configuration, self.resumption = configuration, resumption
        self.project, self.run, self.console = project, run, console
        self.work = resuming.folder_of(project, run.id)
        self.work.mkdir(parents=True, exist_ok=True)
        self.checkpoints: Checkpoints | None = None

    @property
    def done(self) -> int:
        """After which epoch the run could go on."""
        if self.checkpoints is not None:
            return self.checkpoints.done
        return 0 if self.resumption is None else self.resumption.done

    def train(self) -> Trained:
        from rich.console import Console

        from voxloop.training.reporter import Reporter

        reporter = Reporter(self.console or Console(quiet=True))
        parts = split_cases(self.job.data, self.job.split)
        reporter.preparing(len(parts["training"]) + len(parts["validation"]))
        try:
            history = self._describe(reporter)
            workflow = self._workflow()
            trainer, evaluator = self._engines(workflow)
            checkpoints = self.checkpoints = self._checkpoints(workflow, trainer, evaluator)
            scored = self._follow(workflow, trainer, evaluator)
            checkpoints.begin(None if self.resumption is None else self.resumption.saved, history.tell)
            reporter.attach(trainer, evaluator, scored, checkpoints.done)
            checkpoints.attach()
            if not checkpoints.over:
                with explain(self.folder.name, self.config):
                    workflow.run()
                    workflow.finalize()
        finally:
            reporter.close()
        return self._save(checkpoints, trainer.state.max_epochs)

    def _describe(self, reporter: Reporter) -> History:
        """Writes down the settings, and with which the run goes on where it does."""
        history = History(self.run, reporter.say)
        if self.resumption is not None:
            history.begin(self.resumption)
            for sentence in self.resumption.told:
                history.tell(sentence)
            if self.resumption.changed:
                for key, value in params_of(self.job, self.configuration).items():
                    if key != "split" and self.run.params.get(key) != value:
                        self.run.params[key] = value
        if self.resumption is None or self.resumption.changed:
            self.configuration.write(self.work)
        self.run.params["job"] = self.job.as_params()
        return history

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

    def _checkpoints(self, workflow: Any, trainer: Any, evaluator: Any) -> Checkpoints:
        parser = workflow.parser
        schedule = parser.get_parsed_content("lr_scheduler") if "lr_scheduler" in parser.get() else None
        return Checkpoints(
            Files(self.work),
            parser.get_parsed_content("network"),
            parser.get_parsed_content("optimizer"),
            schedule,
            trainer,
            evaluator,
            self.configuration.digest,
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

    def _save(self, checkpoints: Checkpoints, epochs: int) -> Trained:
        """The best weights in a complete bundle whose inference config says what this run really used."""
        target = self.work / "bundle"
        writing.write(
            self.folder, target, checkpoints.weights, {**self.config, **self.job.overrides}, checkpoints.best_score
        )
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
                "config_hash": self.configuration.digest,
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


def params_of(job: Job, configuration: Configuration) -> dict[str, Any]:
    """What a run says of its training from the start."""
    return {
        **settings.searchable(configuration.config),
        "job": job.as_params(),
        "config_hash": configuration.digest,
    }
