"""Named splits of a dataset: partitions of its cases that no order of files decides, stored beside them and never made anew by themselves.

    {"cv/0": {"training": ["a", "b"], "validation": ["c"], "made": {"folds": 3, "fold": 0, "by": "patient", "seed": 0}}}

`made` is the rule that a split came from, so that later cases can be put in by it; a split that a person wrote has none.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

from voxloop.data.whole import write_json
from voxloop.errors import VoxloopError

SPLITS = "splits.json"
PARTS = ("training", "validation", "test")
DEFAULT = "default"
MOST_FOLDS = 1000
FOLD = re.compile(r"/\d+$")
# Case id → patient; a case whose patient is not known stands for itself.
Patients = Mapping[str, str | None]
Parts = dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Rule:
    """How a split is made: `folds` that validate in turn, or one part that validates; a part may be kept for the test."""

    folds: int = 0
    by: str = "patient"
    seed: int | None = 0
    val_fraction: float = 0.2
    test_fraction: float = 0.0

    def shares(self) -> dict[str, float]:
        """The bins that cases go into, and the share of all cases that each is to get."""
        rest = 1.0 - self.test_fraction
        if self.folds:
            bins = {str(fold): rest / self.folds for fold in range(self.folds)}
        else:
            bins = {"training": rest - self.val_fraction, "validation": self.val_fraction}
        return {**bins, "test": self.test_fraction} if self.test_fraction else bins

    def check(self) -> None:
        if self.folds and not 2 <= self.folds <= MOST_FOLDS:
            raise VoxloopError(f"{self.folds} folds cannot take turns; choose 2 to {MOST_FOLDS}.")
        if self.by not in ("patient", "case"):
            raise VoxloopError(f'A split is made by patient or by case, not by "{self.by}".')
        if not all(0.0 <= share < 1.0 for share in (self.val_fraction, self.test_fraction)) or (
            not self.folds and (self.val_fraction + self.test_fraction >= 1.0 or self.val_fraction == 0.0)
        ):
            raise VoxloopError("Fractions are shares of all cases, between 0 and 1, and leave some to train on.")


@dataclass(frozen=True, slots=True)
class Split:
    """Which cases train, validate and test; and the rule that says so, if it was not a person."""

    parts: Parts
    made: dict[str, Any] = field(default_factory=dict)

    @property
    def rule(self) -> Rule | None:
        known = {key: value for key, value in self.made.items() if key in Rule.__dataclass_fields__}
        if not known:
            return None
        rule = Rule(**known)
        try:
            rule.check()
        except TypeError as error:
            raise VoxloopError(f'{SPLITS} has a rule under "made" that is none ({error}); take it out.') from error
        return rule

    def cases(self) -> set[str]:
        return {one for ids in self.parts.values() for one in ids}


def family_of(name: str, stored: Mapping[str, Split]) -> dict[str, Split]:
    """The splits that a name means: itself, or all its folds."""
    if name in stored:
        return {name: stored[name]}
    family = {full: split for full, split in stored.items() if full.rpartition("/")[0] == name}
    if not family:
        raise VoxloopError(f'No split is called "{name}".{nearest(name, families(stored))}')
    return family


def families(stored: Mapping[str, Split]) -> list[str]:
    """The names of stored splits, with the folds of one (`cv/0`, `cv/1`) under one name."""
    return list(dict.fromkeys(FOLD.sub("", name) for name in stored))


def read_splits(folder: Path) -> dict[str, Split]:
    """What splits.json holds; a case in two parts of one split is refused."""
    path = folder / SPLITS
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        splits = {
            str(name): Split(
                {str(part): [str(one) for one in ids] for part, ids in parts.items() if part != "made"},
                dict(parts.get("made", {})),
            )
            for name, parts in content.items()
        }
    except (ValueError, RecursionError, AttributeError, TypeError) as error:
        raise VoxloopError(
            f"{path} is damaged ({error}); mend it, or delete it to have the default split made anew."
        ) from error
    for name, split in splits.items():
        for one, other in combinations(split.parts, 2):
            if both := set(split.parts[one]) & set(split.parts[other]):
                raise VoxloopError(
                    f'{path}: the split "{name}" has "{min(both)}" in {one} and in {other}; leave it in one.'
                )
    return splits


def write_splits(folder: Path, splits: Mapping[str, Split]) -> None:
    """Writes splits.json, whole or not at all."""
    content = {name: {**split.parts, **({"made": split.made} if split.made else {})} for name, split in splits.items()}
    write_json(folder / SPLITS, content)


def require_patients_apart(folder: Path, name: str, split: Split, patients: Patients) -> None:
    """Refuses a split that has scans of one patient in two parts, unless it was asked to go by case."""
    if split.made.get("by") == "case":
        return
    where: dict[str, tuple[str, str]] = {}
    for part, ids in split.parts.items():
        for case in ids:
            patient = patients.get(case)
            if patient is None:
                continue
            other, there = where.setdefault(patient, (case, part))
            if there != part:
                raise VoxloopError(
                    f'{folder / SPLITS}: the split "{name}" has the patient "{patient}" in {there} ("{other}") and in {part} '
                    f'("{case}"); leave all scans of a patient in one part.'
                )


def nearest(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f' Did you mean "{near[0]}"?' if near else ""
