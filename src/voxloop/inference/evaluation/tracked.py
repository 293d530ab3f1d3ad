"""Evaluations as runs: each model's is a run that remembers model, dataset and figures; a comparison is a run of its own."""

from __future__ import annotations

import math
import re
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voxloop.data.decathlon import read_dataset
from voxloop.data.scans import Scan
from voxloop.data.whole import write_json
from voxloop.errors import VoxloopError
from voxloop.inference.evaluation.candidates import Candidate, Meaning
from voxloop.inference.evaluation.comparing import Comparison, compare_all
from voxloop.inference.evaluation.document import document_of, document_of_several, scoring_of
from voxloop.inference.evaluation.evaluate import Progress, evaluate, pairs_of
from voxloop.inference.evaluation.ranking import Ranking, rank_all
from voxloop.inference.evaluation.references import Reference, find
from voxloop.inference.evaluation.resampling import Resampling
from voxloop.inference.evaluation.results import CaseScore, Evaluation, Failure
from voxloop.inference.evaluation.statistics import summarise
from voxloop.inference.metrics import METRICS, Scoring
from voxloop.monai.output import Labels
from voxloop.monai.viewable import Viewable

if TYPE_CHECKING:
    from voxloop.store import Project
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
class Contest:
    """Several candidates on the same cases: their evaluations in the order in which they were named, and what lies between them."""

    evaluations: tuple[Evaluation, ...]
    comparisons: tuple[Comparison, ...] = ()
    rankings: tuple[Ranking, ...] = ()
    # Candidates that could not be evaluated at all.
    failed: tuple[Failure, ...] = ()
    run_ids: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        return not self.failed and all(one.complete for one in self.evaluations)

    def as_dict(self, how: Resampling | None = None) -> dict[str, Any]:
        """Plain numbers, for JSON: of one candidate its own evaluation.json, of several that of the comparison."""
        if len(self.evaluations) == 1 and not self.failed:
            return document_of(self.evaluations[0], how)
        failed = {one.case: one.why for one in self.failed}
        return document_of_several(self.evaluations, self.comparisons, self.rankings, failed, how)


def evaluate_tracked(
    reference: str,
    dataset_dir: Path,
    project: Project,
    *,
    split: str = "default",
    part: str = "validation",
    device: str | None = None,
    name: str | None = None,
    progress: Progress | None = None,
    scoring: Scoring | None = None,
    classes: Sequence[str] = (),
    how: Resampling | None = None,
) -> Evaluation:
    """Evaluates one model, or folder of label maps, as a run of its own, which remembers the model and the dataset that it used."""
    asked = Asked(dataset_dir, split, part, scoring or Scoring(), tuple(classes), how or Resampling(), device)
    (found,) = find([reference], project)
    candidate = found.load(read_dataset(dataset_dir), project, device, None)
    return _tracked(found, candidate, asked, project, name, progress)[0]


def evaluate_several(
    references: Sequence[str],
    project: Project,
    asked: Asked,
    name: str | None = None,
    progress: Callable[[str], Progress] | None = None,
) -> Contest:
    """Evaluates each candidate, and compares them where there are two or more.

    Models come first, so that label maps are read as the classes and regions of the first of them. A candidate that cannot be
    evaluated does not end the work; where no one can, it is an error.
    """
    asked.how.check()
    pairs_of(asked.dataset_dir, asked.split, asked.part)
    found = find(references, project)
    dataset = read_dataset(asked.dataset_dir)
    done: dict[str, tuple[Evaluation, str]] = {}
    failed: list[Failure] = []
    like: Meaning | None = None
    for one in sorted(found, key=lambda one: one.maps is not None):
        try:
            candidate = one.load(dataset, project, asked.device, like)
            if one.maps is None and like is None:
                like = candidate.meaning
            shown = None if progress is None else progress(one.name)
            run_name = f"{name}: {one.name}" if name and len(found) > 1 else name
            done[one.name] = _tracked(one, candidate, asked, project, run_name, shown)
        except VoxloopError as error:
            if len(found) == 1:
                raise
            failed.append(Failure(one.name, str(error)))
    if not done:
        raise VoxloopError(f"None of {len(found)} could be evaluated; the first: {failed[0].why}")
    evaluations = [done[one.name][0] for one in found if one.name in done]
    run_ids = tuple(done[one.name][1] for one in found if one.name in done)
    if len(evaluations) < 2:
        return Contest(tuple(evaluations), failed=tuple(failed), run_ids=run_ids)
    contest = Contest(tuple(evaluations), run_ids=run_ids)
    try:
        contest = replace(
            contest,
            comparisons=tuple(compare_all(evaluations, asked.how)),
            rankings=tuple(rank_all(evaluations, asked.how)),
            failed=tuple(failed),
        )
    except VoxloopError as error:
        # The figures of each are worth having without it.
        return replace(contest, failed=(*failed, Failure("comparison", str(error))))
    _track_contest(contest, asked, project, name)
    return contest


def _tracked(
    found: Reference, candidate: Candidate, asked: Asked, project: Project, name: str | None, progress: Progress | None
) -> tuple[Evaluation, str]:
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
        _save(
            run, f"{_plain(found)}-evaluation", "evaluation", document_of(evaluation, asked.how), {**about, **figures}
        )
        return evaluation, run.id


def _log_means(run: Run, evaluation: Evaluation, how: Resampling) -> None:
    for name, each in summarise(evaluation, how).items():
        means = {f"eval/mean_{key}": one.mean for key, one in each.items() if one.n}
        run.log(means, step=0, context={"class": name})
    run.log({"eval/mean_dice": evaluation.mean_dice}, step=0)


def _track_contest(contest: Contest, asked: Asked, project: Project, name: str | None) -> None:
    """A run of its own: it belongs to no one of the models, and outlives each."""
    from voxloop.tracking import Run

    models = [one.model for one in contest.evaluations]
    params = {"models": models, "evaluations": list(contest.run_ids), **asked.as_params()}
    run_name = name or f"compare {', '.join(models)}"
    with Run(name=run_name, experiment=EXPERIMENT, params=params, project=project.root) as run:
        for made in (one for run_id in contest.run_ids for one in project.made(run_id)):
            project.use(run.id, made)
        _tell(run, [f"{one.case}: {one.why}" for one in contest.failed], ())
        _save(run, "comparison", "comparison", contest.as_dict(asked.how), {"models": models})


def _tell(run: Run, failed: Sequence[str], notes: Sequence[str]) -> None:
    """What a person has to know who looks at the run later."""
    if failed:
        run.tags = (*run.tags, "incomplete")
    if failed or notes:
        run.notes = "\n".join([*(f"Without figures: {one}" for one in failed), *notes])


def _save(run: Run, name: str, kind: str, document: dict[str, Any], about: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory(prefix="voxloop-evaluation-") as folder:
        path = Path(folder) / EVALUATION
        write_json(path, document)
        run.save(path, name, kind, ["latest"], about)


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
        volume = Volume(self._shown.of(scan), layers=layers, classes=self._names)
        self._run.log({"eval/scan": volume}, step=0, context={"case": case.case})
