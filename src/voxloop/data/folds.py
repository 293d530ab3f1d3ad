"""Making splits by a rule: ranked by digests of patients, parts of even sizes, and later cases put in without moving an old one."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict

from voxloop.data.splits import DEFAULT, SPLITS, Patients, Rule, Split, family_of
from voxloop.errors import VoxloopError

# What a group is ranked by: a patient, or a case whose patient is not known.
Key = tuple[str, str]


def make(name: str, patients: Patients, rule: Rule) -> dict[str, Split]:
    """The splits of a rule by their full names: `cv/0` to `cv/4` of five folds, or the name itself."""
    rule.check()
    groups = _groups(patients, rule.by)
    bins = rule.shares()
    if len(groups) < len(bins):
        raise VoxloopError(
            f"{len(groups)} {'patients' if rule.by == 'patient' else 'cases'} cannot be divided into {len(bins)} parts; "
            "choose fewer folds, or bring more data in."
        )
    return _named(name, _fill({one: [] for one in bins}, groups, rule), rule)


def extend(name: str, stored: Mapping[str, Split], patients: Patients) -> dict[str, Split]:
    """The splits of a name with the cases that came later put in by the same rule; no old case moves.

    A new case of a patient who is in some part already goes there too.
    """
    family = family_of(name, stored)
    rule = next(iter(family.values())).rule
    if rule is None:
        raise VoxloopError(f'The split "{name}" was written by hand; add the new cases to it in {SPLITS}.')
    bins: dict[str, list[str]] = {one: [] for one in rule.shares()}
    for full, split in family.items():
        for part, ids in split.parts.items():
            one = full.rpartition("/")[2] if rule.folds and part == "validation" else part
            if one in bins:
                bins[one] = list(ids)
    groups = _groups(patients, rule.by)
    old = {case for ids in bins.values() for case in ids}
    loose: dict[Key, list[str]] = {}
    for key, cases in groups.items():
        new = [case for case in cases if case not in old]
        home = next((one for one, ids in bins.items() if set(ids) & set(cases)), None)
        if home is not None:
            bins[home] += new
        elif new:
            loose[key] = new
    return _named(name, _fill(bins, loose, rule), rule)


def default(patients: Patients, val_fraction: float = 0.2) -> Split:
    """The split of a dataset that has none: patients ranked by the SHA-256 of their id, every fifth case of them validates."""
    rule = Rule(seed=None, val_fraction=val_fraction)
    groups = _groups(patients, rule.by)
    count = max(1, round(len(patients) * val_fraction)) if len(groups) > 1 else 0
    chosen: list[str] = []
    for key in _ranked(groups, rule)[:-1]:
        # A patient with several scans comes in where that brings the count nearer.
        if len(chosen) + len(groups[key]) / 2 <= count and len(chosen) < count:
            chosen += groups[key]
    if count and not chosen:
        chosen = groups[min(_ranked(groups, rule), key=lambda key: len(groups[key]))]
    rest = sorted(set(patients) - set(chosen))
    return Split({"training": rest, "validation": sorted(chosen)}, {"rule": DEFAULT, **asdict(rule)})


def _groups(patients: Patients, by: str) -> dict[Key, list[str]]:
    """Cases that stay together, each group under what it is ranked by."""
    groups: dict[Key, list[str]] = {}
    for case in sorted(patients):
        patient = patients[case] if by == "patient" else None
        groups.setdefault(("case", case) if patient is None else ("patient", patient), []).append(case)
    return groups


def _ranked(groups: Mapping[Key, list[str]], rule: Rule) -> list[Key]:
    def rank(key: Key) -> tuple[str, Key]:
        said = key[1] if rule.seed is None else f"{rule.seed}/{key[1]}"
        return hashlib.sha256(said.encode()).hexdigest(), key

    return sorted(groups, key=rank)


def _fill(bins: Mapping[str, list[str]], groups: Mapping[Key, list[str]], rule: Rule) -> dict[str, list[str]]:
    """Puts each group where most is missing, the large ones first: so parts come out even, and what is in one stays."""
    filled = {one: list(ids) for one, ids in bins.items()}
    shares = rule.shares()
    total = sum(map(len, filled.values())) + sum(map(len, groups.values()))
    for key in sorted(_ranked(groups, rule), key=lambda key: -len(groups[key])):
        # An empty part comes first, or few cases would leave a small share without any.
        one = max(filled, key=lambda one: (not filled[one], shares[one] * total - len(filled[one])))
        filled[one] += groups[key]
    return {one: sorted(ids) for one, ids in filled.items()}


def _named(name: str, bins: Mapping[str, list[str]], rule: Rule) -> dict[str, Split]:
    if not rule.folds:
        return {name: Split({part: list(ids) for part, ids in bins.items()}, asdict(rule))}
    test = {"test": bins["test"]} if "test" in bins else {}
    found = {}
    for fold in range(rule.folds):
        training = sorted(case for other in range(rule.folds) if other != fold for case in bins[str(other)])
        parts = {"training": training, "validation": bins[str(fold)], **test}
        made = {key: value for key, value in asdict(rule).items() if key != "val_fraction"}
        found[f"{name}/{fold}"] = Split(parts, {**made, "fold": fold})
    return found
