"""Candidates against the same cases: each one's evaluation as a run, and what lies between them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voxloop.data.decathlon import read_dataset
from voxloop.errors import VoxloopError
from voxloop.inference.evaluation.candidates import Meaning
from voxloop.inference.evaluation.comparing import Comparison, compare_all
from voxloop.inference.evaluation.document import document_of, document_of_several
from voxloop.inference.evaluation.evaluate import Progress, pairs_of, why
from voxloop.inference.evaluation.ranking import Ranking, rank_all
from voxloop.inference.evaluation.references import find
from voxloop.inference.evaluation.resampling import Resampling
from voxloop.inference.evaluation.results import Evaluation, Failure
from voxloop.inference.evaluation.tracked import Asked, Tracked, track, track_comparison
from voxloop.inference.metrics import Scoring

if TYPE_CHECKING:
    from voxloop.store import Project


@dataclass(frozen=True, slots=True)
class Contest:
    """Several candidates on the same cases: their evaluations in the order in which they were named, and what lies between them."""

    evaluations: tuple[Evaluation, ...]
    comparisons: tuple[Comparison, ...] = ()
    rankings: tuple[Ranking, ...] = ()
    # Candidates that could not be evaluated at all.
    failed: tuple[Failure, ...] = ()

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
    return track(found, candidate, asked, project, name, progress).evaluation


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
    done: dict[str, Tracked] = {}
    failed: list[Failure] = []
    like: Meaning | None = None
    for one in sorted(found, key=lambda one: one.maps is not None):
        try:
            candidate = one.load(dataset, project, asked.device, like, asked.trust)
            if one.maps is None and like is None:
                like = candidate.meaning
            shown = None if progress is None else progress(one.name)
            run_name = f"{name}: {one.name}" if name and len(found) > 1 else name
            done[one.name] = track(one, candidate, asked, project, run_name, shown)
        # Whatever a bundle's own code or a damaged one raises: the others are worth having.
        except Exception as error:
            if len(found) == 1:
                raise
            failed.append(Failure(one.name, why(error)))
    if not done:
        raise VoxloopError(f"None of {len(found)} could be evaluated; the first: {failed[0].why}")
    each = [done[one.name] for one in found if one.name in done]
    evaluations = [one.evaluation for one in each]
    alone = Contest(tuple(evaluations), failed=tuple(failed))
    if len(evaluations) < 2:
        return alone
    try:
        comparisons, rankings = compare_all(evaluations, asked.how), rank_all(evaluations, asked.how)
    except VoxloopError as error:
        # The figures of each are worth having without it.
        return replace(alone, failed=(*failed, Failure("comparison", str(error))))
    contest = replace(alone, comparisons=tuple(comparisons), rankings=tuple(rankings))
    track_comparison(each, contest.as_dict(asked.how), failed, asked, project, name)
    return contest
