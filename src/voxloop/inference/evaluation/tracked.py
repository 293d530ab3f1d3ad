"""Evaluations as runs: each candidate's remembers what it judged and what it found; a comparison is a run of its own."""

from __future__ import annotations

import math
import re
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voxloop.bundles.trust import Program
from voxloop.data.decathlon import channels_called
from voxloop.data.scans import Scan
from voxloop.data.whole import write_json
from voxloop.inference.evaluation.candidates import Candidate
from voxloop.inference.evaluation.document import document_of, scoring_of
from voxloop.inference.evaluation.evaluate import Progress, evaluate, pairs_of
from voxloop.inference.evaluation.references import Reference
from voxloop.inference.evaluation.resampling import Resampling
from voxloop.inference.evaluation.results import CaseScore, Evaluation, Failure
from voxloop.inference.evaluation.statistics import summarise
from voxloop.inference.metrics import METRICS, Scoring
from voxloop.monai.output import Labels
from voxloop.monai.viewable import Viewable

if TYPE_CHECKING:
    from voxloop.store import Project
    from voxloop.store.records import ArtifactVersion
    from voxloop.tracking import Run

EXPERIMENT = "evaluation"
EVALUATION = "evaluation.json"
# What runs say of a metric is which extreme is the best; nearest to zero is neither.
EXTREMES = ("max", "min")


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of every candidate alike."""

    dataset_dir: Path
    split: str = "default"
    part: str = "validation"
    scoring: Scoring = field(default_factory=Scoring)
    classes: tuple[str, ...] = ()
    how: Resampling = field(default_factory=Resampling)
    device: str | None = None
    # Raises where a bundle may not run; by default each that nobody has said yes to.
    trust: Callable[[Program], None] | None = field(default=None, compare=False)

    def as_params(self) -> dict[str, Any]:
        return {
            "data": str(self.dataset_dir.resolve()),
            "split": self.split,
            "part": self.part,
            **{key: value for key, value in scoring_of(self.scoring).items() if value != {}},
            **({"classes": list(self.classes)} if self.classes else {}),
            "confidence": self.how.confidence,
            "resamples": self.how.resamples,
            "seed": self.how.seed,
        }


@dataclass(frozen=True, slots=True)
class Tracked:
    """An evaluation, its run, and the version of an artifact that holds its figures."""

    evaluation: Evaluation
    run_id: str
    version: ArtifactVersion


def track(
    found: Reference, candidate: Candidate, asked: Asked, project: Project, name: str | None, progress: Progress | None
) -> Tracked:
    """Evaluates a candidate as a run."""
    from voxloop.store.artifacts import datasets
    from voxloop.tracking import Run

    labels = {"labels": str(found.maps.resolve())} if found.maps is not None else {}
    params = {"model": candidate.name, **labels, **asked.as_params()}
    run_name = name or f"evaluate {candidate.name}"
    # The default split is made when it is first asked for: the dataset as it is then is what the run used.
    pairs_of(asked.dataset_dir, asked.split, asked.part)
    with Run(name=run_name, experiment=EXPERIMENT, params=params, project=project.root) as run:
        for metric in METRICS:
            best = metric.better if metric.better in EXTREMES else None
            run.define(f"eval/{metric.key}", axis="step", best=best)
            run.define(f"eval/mean_{metric.key}", axis="step", best=best)
        if found.artifact:
            run.use(found.name)
        version = datasets.use(project, run.id, asked.dataset_dir)
        evaluation = evaluate(
            candidate,
            asked.dataset_dir,
            asked.split,
            asked.part,
            _Watcher(run, candidate),
            progress,
            scoring=asked.scoring,
            classes=asked.classes,
            dataset_ref=version.ref,
        )
        _log_means(run, evaluation, asked.how)
        _tell(run, [f"{one.case}: {one.why}" for one in evaluation.failed], evaluation.notes)
        about = {"model": candidate.name, "dataset": version.ref, "split": asked.split, "part": asked.part}
        figures = {"cases": len(evaluation.cases), "dice": evaluation.mean_dice, "complete": evaluation.complete}
        document = document_of(evaluation, asked.how)
        saved = _save(run, f"{_plain(found)}-evaluation", "evaluation", document, {**about, **figures})
        return Tracked(evaluation, run.id, saved)


def _log_means(run: Run, evaluation: Evaluation, how: Resampling) -> None:
    for name, each in summarise(evaluation, how).items():
        means = {f"eval/mean_{key}": one.mean for key, one in each.items() if one.n}
        run.log(means, step=0, context={"class": name})
    run.log({"eval/mean_dice": evaluation.mean_dice}, step=0)


def track_comparison(
    each: Sequence[Tracked],
    document: dict[str, Any],
    failed: Sequence[Failure],
    asked: Asked,
    project: Project,
    name: str | None,
) -> None:
    """A run of its own: it belongs to no one of the models, and outlives each."""
    from voxloop.tracking import Run

    models = [one.evaluation.model for one in each]
    params = {"models": models, "evaluations": [one.run_id for one in each], **asked.as_params()}
    run_name = name or f"compare {', '.join(models)}"
    with Run(name=run_name, experiment=EXPERIMENT, params=params, project=project.root) as run:
        for one in each:
            project.use(run.id, one.version)
        _tell(run, [f"{one.case}: {one.why}" for one in failed], ())
        _save(run, "comparison", "comparison", document, {"models": models})


def _tell(run: Run, failed: Sequence[str], notes: Sequence[str]) -> None:
    """What a person has to know who looks at the run later."""
    if failed:
        run.tags = (*run.tags, "incomplete")
    if failed or notes:
        run.notes = "\n".join([*(f"Without figures: {one}" for one in failed), *notes])


def _save(run: Run, name: str, kind: str, document: dict[str, Any], about: dict[str, Any]) -> ArtifactVersion:
    with tempfile.TemporaryDirectory(prefix="voxloop-evaluation-") as folder:
        path = Path(folder) / EVALUATION
        write_json(path, document)
        return run.save(path, name, kind, ["latest"], about)


def _plain(found: Reference) -> str:
    """A candidate's name as an artifact's, without its version."""
    name = found.name.rpartition(":")[0] if found.artifact else found.name
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-._") or "labels"


class _Watcher:
    """Logs each case: its figures, and its scan with truth and prediction over it."""

    def __init__(self, run: Run, candidate: Candidate) -> None:
        self._run, self._names, self._shown = run, candidate.meaning.output.names, Viewable()

    def scored(self, case: CaseScore, scan: Scan, truth: Labels, predicted: Labels) -> None:
        from voxloop.tracking import Volume

        for one in case.classes:
            # What has no answer has no point.
            figures = {f"eval/{key}": value for key, value in one.values.items() if math.isfinite(value)}
            self._run.log(figures, step=0, context={"case": case.case, "class": one.name})
        layers = {"truth": truth, "prediction": predicted}
        channels = channels_called(scan.path, scan.channels)
        volume = Volume(self._shown.of(scan), layers=layers, classes=self._names, channels=channels)
        self._run.log({"eval/scan": volume}, step=0, context={"case": case.case})
