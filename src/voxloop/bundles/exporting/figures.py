"""How good a model is, as its evaluations in the project say: summaries only, never a case."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from voxloop.errors import VoxloopError

if TYPE_CHECKING:
    from voxloop.store import Project
    from voxloop.store.records import ArtifactVersion

EXPERIMENT, KIND, FILE, VERSION = "evaluation", "evaluation", "evaluation.json", 1
DICE = "dice"
CHOSEN, LEARNED = "the cases that its best epoch was chosen by", "some of which it learned from"
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
    # What it has to do with the training: CHOSEN, LEARNED, or nothing.
    relation: str
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


def of_model(
    project: Project, version: ArtifactVersion, learned: Collection[str], split: str | None
) -> tuple[Figures, ...]:
    """The newest evaluation of a model for each dataset, split and part, those furthest from its training first.

    `learned` are the names of the datasets that it was trained with, `split` how they were divided.
    """
    users = set(project.users(version))
    # A run that has been deleted since is still named by the lineage.
    runs = [run for run in project.runs() if run.id in users and run.experiment == EXPERIMENT]
    newest: dict[tuple[str, str, str], Figures] = {}
    for run in sorted(runs, key=lambda run: (run.created, run.id)):
        for made in project.made(run.id):
            if made.kind == KIND and FILE in made.files:
                found = _read(project, made, learned, split)
                newest[found.ref.partition(":")[0], found.split, found.part] = found
    return tuple(sorted(newest.values(), key=lambda one: (_rank(one, learned), one.dataset, one.split, one.part)))


def _relation(ref: str, split: str, part: str, learned: Collection[str], trained: str | None) -> str:
    if ref.partition(":")[0] not in learned:
        return ""
    # Another division of the same cases puts some that were learned from into every part.
    if part in ("training", "all") or split != trained:
        return LEARNED
    return CHOSEN if part == "validation" else ""


def _rank(figures: Figures, learned: Collection[str]) -> tuple[int, bool]:
    return ("", CHOSEN, LEARNED).index(figures.relation), figures.ref.partition(":")[0] in learned


def _read(project: Project, version: ArtifactVersion, learned: Collection[str], split: str | None) -> Figures:
    try:
        content = json.loads(project.blobs.get(version.files[FILE]["digest"]))
        if content["voxloop"] != "evaluation" or content["version"] != VERSION:
            raise VoxloopError(
                f"{version.ref} is an evaluation of a form that is not known here; update voxloop to export its figures."
            )
        ref, where, part = (str(one) for one in (content["dataset"]["ref"], content["split"], content["part"]))
        return Figures(
            dataset=str(content["dataset"]["name"]),
            ref=ref,
            split=where,
            part=part,
            relation=_relation(ref, where, part, learned, split),
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
    """What is known of them; a mean of nothing is not."""
    return {key: values[key] for key in NUMBERS if _known(values.get(key))}


def _known(value: Any) -> bool:
    if isinstance(value, list):
        return all(_known(one) for one in value)
    return isinstance(value, int | float) and math.isfinite(value)
