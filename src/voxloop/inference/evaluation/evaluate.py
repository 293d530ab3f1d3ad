"""A model, or a folder of label maps, against the labels of a dataset, case by case, at the scan's own resolution."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from voxloop.data.decathlon import Dataset, Pair, read_dataset, split_cases
from voxloop.data.scans import Scan, open_labels, open_scan, reason
from voxloop.data.splits import nearest
from voxloop.errors import VoxloopError
from voxloop.inference.evaluation.candidates import Candidate, class_of_value, segmenting
from voxloop.inference.evaluation.results import CaseScore, Evaluation, Failure
from voxloop.inference.metrics import Scoring, score
from voxloop.monai.output import Labels, Output, Part
from voxloop.recipes.datalist import classes_of

if TYPE_CHECKING:
    from voxloop.inference.model import Model, NamedOutput

Progress = Callable[[int, int, str], None]


class Watcher(Protocol):
    """Whoever is shown each case as soon as it is scored."""

    def scored(self, case: CaseScore, scan: Scan, truth: Labels, predicted: Labels) -> None:
        """One case, both maps in the class numbers of the model."""


def evaluate(
    model: Model | Candidate,
    dataset_dir: Path,
    split: str = "default",
    part: str = "validation",
    watcher: Watcher | None = None,
    progress: Progress | None = None,
    *,
    scoring: Scoring | None = None,
    classes: Sequence[str] = (),
    dataset_ref: str | None = None,
) -> Evaluation:
    """Scores every case of one part of a split; of all classes and regions, or of those that are named.

    A case that cannot be read or predicted is told of in the result, and the others go on; where none can, it is an error.
    """
    dataset = read_dataset(dataset_dir)
    candidate = _candidate(model, dataset)
    output, patients = candidate.meaning.output, dataset.patients
    parts = chosen_parts(output, classes)
    how = _scoring_of(scoring or Scoring(), parts, output.parts)
    pairs = pairs_of(dataset_dir, split, part)
    meant = class_of_value(dataset, candidate.meaning)
    notes = candidate.look({pair["case"] for pair in pairs}, _classes_in(output, parts))
    scores: list[CaseScore] = []
    failed: list[Failure] = []
    cause: Exception | None = None
    for done, pair in enumerate(pairs):
        if progress is not None:
            progress(done, len(pairs), pair["case"])
        try:
            scan = open_scan(Path(pair["image"]))
            label = Path(pair["label"])
            truth = classes_of(open_labels(label, like=scan.geometry).array(), meant, label.name)
            predicted = candidate.labels(pair["case"], scan)
            found = tuple(score(truth, predicted, parts, scan.geometry, how))
        # One case does not end a night's work, whatever a model's own transforms or a full memory say of it.
        except Exception as error:
            cause = cause or error
            failed.append(Failure(pair["case"], why(error)))
            continue
        scores.append(CaseScore(pair["case"], found, patients[pair["case"]]))
        if watcher is not None:
            watcher.scored(scores[-1], scan, truth, predicted)
    if progress is not None:
        progress(len(pairs), len(pairs), "")
    if not scores:
        several = f"{candidate.name}: none of {len(pairs)} cases could be scored; the first: " if len(pairs) > 1 else ""
        raise VoxloopError(f"{several}{failed[0].why}") from cause
    return Evaluation(
        candidate.name,
        split,
        tuple(sorted(scores, key=lambda case: (case.mean_dice, case.case))),
        part,
        dataset.name,
        dataset_ref,
        how,
        tuple(failed),
        tuple(dict.fromkeys([*notes, *candidate.notes])),
    )


def _candidate(model: Any, dataset: Dataset) -> Candidate:
    candidate: Candidate = model if hasattr(model, "look") else segmenting(model, dataset)
    return candidate


def pairs_of(dataset_dir: Path, split: str, part: str) -> list[Pair]:
    """The cases of a part, or of all parts, of a split, which is made where it is the default one and nobody has made it yet."""
    parts = split_cases(dataset_dir, split)
    if part not in ("all", *parts):
        raise VoxloopError(f'A split has no part "{part}"; it has: {", ".join(parts)}, and all.')
    chosen = [pair for name in parts for pair in parts[name]] if part == "all" else parts[part]
    if not chosen:
        raise VoxloopError(
            f'{dataset_dir}: the {part} part of split "{split}" is empty; name another with --part or --split.'
        )
    return chosen


def chosen_parts(output: Output, names: Sequence[str]) -> tuple[Part, ...]:
    """The classes and regions of these names, or all."""
    known = {part.name: part for part in output.parts}
    if unknown := [name for name in names if name not in known]:
        raise VoxloopError(
            f'No class or region is called "{unknown[0]}"; there are: {", ".join(known)}.{nearest(unknown[0], list(known))}'
        )
    return tuple(known[name] for name in dict.fromkeys(names)) if names else output.parts


def _scoring_of(how: Scoring, scored: Sequence[Part], known: Sequence[Part]) -> Scoring:
    """The tolerances of what is scored; one for a class that nobody has is refused, for it would count for nothing."""
    names = [part.name for part in known]
    if unknown := [name for name in how.tolerances_mm if name not in names]:
        raise VoxloopError(
            f'A tolerance is given for "{unknown[0]}", and there are: {", ".join(names)}.{nearest(unknown[0], names)}'
        )
    kept = {part.name: how.tolerances_mm[part.name] for part in scored if part.name in how.tolerances_mm}
    return replace(how, tolerances_mm=kept)


def _classes_in(output: NamedOutput, parts: Sequence[Part]) -> list[str]:
    return [output.classes[value] for value in sorted({value for part in parts for value in part.values})]


def why(error: Exception) -> str:
    """What went wrong, in a sentence, whoever raised it."""
    if isinstance(error, VoxloopError):
        return str(error)
    return f"{type(error).__name__}: {reason(error)}"
