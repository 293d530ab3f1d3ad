"""A model against the labels of a dataset, case by case, at the scan's own resolution."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from voxloop.data.decathlon import read_dataset, split_cases
from voxloop.data.scans import open_labels, open_scan
from voxloop.errors import VoxloopError
from voxloop.inference.metrics import ClassScore, score
from voxloop.inference.predict import Prediction, predict
from voxloop.monai.viewable import Viewable
from voxloop.recipes.datalist import channel_order, class_values, classes_of

if TYPE_CHECKING:
    from voxloop.inference.model import Model
    from voxloop.store import Project
    from voxloop.tracking import Run

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class CaseScore:
    """All classes, or regions, of one case."""

    case: str
    classes: tuple[ClassScore, ...]

    @property
    def mean_dice(self) -> float:
        return float(np.mean([one.dice for one in self.classes]))


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Every case of a split, worst first."""

    model: str
    split: str
    cases: tuple[CaseScore, ...]

    @property
    def mean_dice(self) -> float:
        return float(np.mean([case.mean_dice for case in self.cases]))

    def as_dict(self) -> dict[str, Any]:
        """Plain numbers, for JSON."""
        return {
            "model": self.model,
            "split": self.split,
            "mean_dice": self.mean_dice,
            "cases": [
                {
                    "case": case.case,
                    "classes": {one.name: dict(one.values) for one in case.classes},
                }
                for case in self.cases
            ],
        }


def evaluate(
    model: Model,
    dataset_dir: Path,
    split: str = "default",
    part: str = "validation",
    run: Run | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Predicts every case of one part of a split and scores it; tracked case by case where a run is given."""
    dataset = read_dataset(dataset_dir)
    meant = class_values(dataset, model.classes, model.spellings)
    order = channel_order(dataset, model.channels, model.spellings)
    parts = split_cases(dataset_dir, split)
    if part not in ("all", *parts):
        raise VoxloopError(f'A split has no part "{part}"; it has: {", ".join(parts)}, and all.')
    chosen = [pair for name in parts for pair in parts[name]] if part == "all" else parts[part]
    if not chosen:
        raise VoxloopError(
            f'{dataset_dir}: the {part} part of split "{split}" is empty; name another with --part or --split.'
        )
    scores, shown = [], Viewable()
    for done, pair in enumerate(chosen):
        if progress is not None:
            progress(done, len(chosen), pair["case"])
        prediction = predict(model, Path(pair["image"]), order)
        values = open_labels(Path(pair["label"]), like=prediction.geometry).array()
        truth = classes_of(values, meant, Path(pair["label"]).name)
        case = CaseScore(pair["case"], tuple(score(truth, prediction.labels, model.output.parts, prediction.geometry)))
        scores.append(case)
        if run is not None:
            _track(run, case, prediction, truth, shown.of(open_scan(prediction.scan)))
    result = Evaluation(model.name, split, tuple(sorted(scores, key=lambda case: case.mean_dice)))
    if run is not None:
        run.log({"eval/mean_dice": result.mean_dice}, step=0)
    if progress is not None:
        progress(len(chosen), len(chosen), "")
    return result


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
) -> Evaluation:
    """Evaluates a model as a run of its own, which remembers the model and the dataset that it used."""
    from voxloop.inference.model import load_model
    from voxloop.store.artifacts import datasets
    from voxloop.tracking import Run

    model = load_model(reference, project, device)
    params = {"model": model.name, "data": str(dataset_dir.resolve()), "split": split, "part": part}
    with Run(
        name=name or f"evaluate {model.name}", experiment="evaluation", params=params, project=project.root
    ) as run:
        run.define("eval/*dice", axis="step", best="max")
        if ":" in model.name:
            run.use(model.name)
        datasets.use(project, run.id, dataset_dir)
        return evaluate(model, dataset_dir, split, part, run, progress)


def _track(run: Run, case: CaseScore, prediction: Prediction, truth: Any, shown: Path) -> None:
    from voxloop.tracking import Volume

    for one in case.classes:
        context = {"case": case.case, "class": one.name}
        run.log({f"eval/{key}": value for key, value in one.values.items()}, step=0, context=context)
    names = dict(enumerate(prediction.classes[1:], start=1))
    volume = Volume(shown, layers={"truth": truth, "prediction": prediction.labels}, classes=names)
    run.log({"eval/scan": volume}, step=0, context={"case": case.case})
