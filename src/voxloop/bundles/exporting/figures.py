"""How good a model is, as its evaluations in the project say: summaries only, never a case."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from voxloop.errors import VoxloopError

if TYPE_CHECKING:
    from voxloop.store import Project
    from voxloop.store.records import ArtifactVersion

EXPERIMENT, KIND, FILE, VERSION = "evaluation", "evaluation", "evaluation.json", 1
DICE = "dice"
# What of a summary is told: what each class and metric has, where it has it.
NUMBERS = ("mean", "sd", "median", "q1", "q3", "n", "absent", "ci")


@dataclass(frozen=True, slots=True)
class Figures:
    """One evaluation: on which part of which split of which dataset, over how many cases, and what came out."""

    dataset: str
    ref: str
    split: str
    part: str
    cases: int
    metrics: dict[str, dict[str, Any]]
    # Class → metric → mean, sd, median, ci, ...
    summary: dict[str, dict[str, dict[str, Any]]]

    @property
    def mean_dice(self) -> float | None:
        """Over the classes, each with the mean of its cases."""
        means = [
            values[DICE]["mean"] for values in self.summary.values() if values.get(DICE, {}).get("mean") is not None
        ]
        return sum(means) / len(means) if means else None


def of_model(project: Project, version: ArtifactVersion) -> tuple[Figures, ...]:
    """The newest evaluation of a model for each dataset, split and part, those on data that it did not learn from first."""
    learned = {one.name for one in project.used(version.run_id)} if version.run_id else set()
    users = set(project.users(version))
    # A run that has been deleted since is still named by the lineage.
    runs = [run for run in project.runs() if run.id in users and run.experiment == EXPERIMENT]
    newest: dict[tuple[str, str, str], Figures] = {}
    for run in sorted(runs, key=lambda run: (run.created, run.id)):
        for made in project.made(run.id):
            if made.kind == KIND and FILE in made.files:
                found = _read(project, made)
                newest[found.dataset, found.split, found.part] = found
    return tuple(sorted(newest.values(), key=lambda one: (_rank(one, learned), one.dataset, one.split, one.part)))


def seen(figures: Figures, learned: set[str]) -> bool:
    """Whether the model learned from some of the cases that it was judged by."""
    return figures.ref.partition(":")[0] in learned and figures.part in ("training", "all")


def _rank(figures: Figures, learned: set[str]) -> int:
    if seen(figures, learned):
        return 3
    if figures.ref.partition(":")[0] not in learned:
        return 0
    return 1 if figures.part == "test" else 2


def _read(project: Project, version: ArtifactVersion) -> Figures:
    try:
        content = json.loads(project.blobs.get(version.files[FILE]["digest"]))
        if content["voxloop"] != "evaluation" or content["version"] != VERSION:
            raise VoxloopError(
                f"{version.ref} is an evaluation of a form that is not known here; update voxloop to export its figures."
            )
        return Figures(
            dataset=str(content["dataset"]["name"]),
            ref=str(content["dataset"]["ref"]),
            split=str(content["split"]),
            part=str(content["part"]),
            cases=len(content["cases"]),
            metrics={
                str(key): {word: said.get(word) for word in ("title", "unit", "better")}
                for key, said in content["metrics"].items()
            },
            summary={
                str(name): {str(key): _numbers(values) for key, values in metrics.items()}
                for name, metrics in content["summary"].items()
            },
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OSError) as error:
        raise VoxloopError(
            f"{version.ref}: {FILE} cannot be read ({error!r:.80}); evaluate the model again, or delete this version."
        ) from error


def _numbers(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: values[key] for key in NUMBERS if values.get(key) is not None}
