"""What an evaluation found: every case and class of one model, worst first, and what failed on the way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from voxloop.inference.metrics import ClassScore, Scoring


@dataclass(frozen=True, slots=True)
class CaseScore:
    """All classes, or regions, of one case."""

    case: str
    classes: tuple[ClassScore, ...]
    patient: str | None = None

    @property
    def mean_dice(self) -> float:
        return float(np.mean([one.dice for one in self.classes]))


@dataclass(frozen=True, slots=True)
class Failure:
    """A case without figures, and the sentence that says why."""

    case: str
    why: str


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Every case of a split, worst first."""

    model: str
    split: str
    cases: tuple[CaseScore, ...]
    part: str = "validation"
    # What the dataset is called, and its version in the project where there is one.
    dataset: str = ""
    dataset_ref: str | None = None
    scoring: Scoring = field(default_factory=Scoring)
    failed: tuple[Failure, ...] = ()
    # What a person has to know besides: label maps that belong to no case, and the like.
    notes: tuple[str, ...] = ()

    @property
    def mean_dice(self) -> float:
        return float(np.mean([case.mean_dice for case in self.cases]))

    @property
    def complete(self) -> bool:
        """Whether every case that was asked for has figures."""
        return not self.failed

    @property
    def classes(self) -> tuple[str, ...]:
        """What was scored, in the order of the model."""
        return tuple(one.name for one in self.cases[0].classes) if self.cases else ()

    def figures(self, name: str, key: str, cases: Sequence[str] | None = None) -> npt.NDArray[np.float64]:
        """One metric of one class for the cases that are named, or for all in the order of their ids; NaN is no answer."""
        by_case = {case.case: case for case in self.cases}
        found = [
            next(one.values[key] for one in by_case[case].classes if one.name == name)
            for case in (sorted(by_case) if cases is None else cases)
        ]
        values = np.array(found, np.float64)
        return np.where(np.isfinite(values), values, np.nan)

    def patients(self) -> dict[str, str | None]:
        """The patient of each case, where the dataset knows it."""
        return {case.case: case.patient for case in self.cases}

    def as_dict(self) -> dict[str, Any]:
        """Plain numbers, for JSON: what evaluation.json holds."""
        from voxloop.inference.evaluation.document import document_of

        return document_of(self)
