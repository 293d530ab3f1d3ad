"""Dividing a dataset on disk by a rule, and putting later cases into the splits that it has."""

from __future__ import annotations

import re
from pathlib import Path

from voxloop.data import folds, splits
from voxloop.data.decathlon import read_dataset
from voxloop.data.splits import Rule, Split
from voxloop.errors import VoxloopError

NAME = re.compile(r"[\w.-]+")


def divide(folder: Path, name: str, rule: Rule, force: bool = False) -> dict[str, Split]:
    """Makes and stores the splits of a rule. The same ones again are no change; others under a name that is there need `force`."""
    if not NAME.fullmatch(name):
        raise VoxloopError(f'"{name}" cannot name a split; use letters, digits, ".", "_" and "-".')
    patients = read_dataset(folder).patients
    made = folds.make(name, patients, rule)
    stored = splits.read_splits(folder)
    there = {full: one for full, one in stored.items() if full == name or full.rpartition("/")[0] == name}
    if there == made:
        return made
    if there and not force:
        cases = len(next(iter(there.values())).cases())
        raise VoxloopError(
            f'{folder} has a split "{name}" already, of {cases} cases; choose another --name, put new cases in with --extend, '
            "or make it anew with --force."
        )
    splits.write_splits(folder, {**{full: one for full, one in stored.items() if full not in there}, **made})
    return made


def extend_all(folder: Path, name: str | None = None) -> tuple[dict[str, Split], int]:
    """Puts the cases that are in no part of a split, or of all that have a rule, where the rule says; and counts them."""
    patients = read_dataset(folder).patients
    stored = splits.read_splits(folder)
    families = [name] if name else [one for one in splits.families(stored) if _has_rule(one, stored)]
    changed: dict[str, Split] = {}
    for family in families:
        changed |= folds.extend(family, stored, patients)
    loose = {case for full, one in changed.items() for case in one.cases() - stored[full].cases()}
    if loose:
        splits.write_splits(folder, {**stored, **changed})
    return changed, len(loose)


def _has_rule(family: str, stored: dict[str, Split]) -> bool:
    return all(one.rule is not None for one in splits.family_of(family, stored).values())
