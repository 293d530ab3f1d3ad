"""Judging cases against each other: the same content twice, splits that leak, mixtures."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import combinations

import numpy as np

from voxloop.data.check.case import Case, words_of
from voxloop.data.check.finding import Finding, found
from voxloop.data.check.listing import Listing

# A few voxels may be equal by chance.
LEAST_VOXELS = 10
SPACINGS_APART = 3.0


def judge(listing: Listing, cases: list[Case]) -> list[Finding]:
    """Adds what concerns single cases to theirs; answers with what concerns the dataset."""
    _same_content(cases)
    return [*_splits(listing, cases), *_mixtures(cases)]


def _content(case: Case) -> str | None:
    """The scan's voxels in a word; None where they could not be read, or are all one value."""
    channels = case.facts.channels
    if not channels or any(channel.all is None or channel.all.least == channel.all.most for channel in channels):
        return None
    return " ".join(channel.digest for channel in channels)


def _values(case: Case) -> str | None:
    """The scan's values in any order: a scan that is stored in another orientation has the same."""
    channels = case.facts.channels
    if _content(case) is None or any(not channel.bag for channel in channels):
        return None
    return " ".join(channel.bag for channel in channels)


def _groups(cases: list[Case]) -> list[tuple[list[Case], bool]]:
    """Cases with the same scan, and whether it is stored the same way."""
    groups = []
    by_content: dict[str, list[Case]] = defaultdict(list)
    by_values: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        content, values = _content(case), _values(case)
        if content is not None:
            if values is not None and content not in by_content:
                by_values[values].append(case)
            by_content[content].append(case)
    groups += [(group, True) for group in by_content.values() if len(group) > 1]
    groups += [(group, False) for group in by_values.values() if len(group) > 1]
    return groups


def _same_content(cases: list[Case]) -> None:
    for group, same_order in _groups(cases):
        first = group[0]
        for other in group[1:]:
            _told(first, other, same_order)
    by_label: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        if (
            case.labelled
            and _content(case) is not None
            and sum(one.voxels for one in case.facts.classes) >= LEAST_VOXELS
        ):
            by_label[case.facts.label_digest].append(case)
    for group in by_label.values():
        for other in group[1:]:
            if other.has({"duplicate", "two_labels", "test_in_training"}) or group[0].has({"duplicate"}):
                continue
            if other.entry.patient is not None and other.entry.patient == group[0].entry.patient:
                # Two registered scans of one patient may well share a label.
                continue
            other.say(
                "same_label",
                f"The label is, voxel by voxel, that of {group[0].id}, and the scans differ.",
                other.entry.label,
                other.facts.classes[0].first,
                other=group[0].id,
            )


def _told(first: Case, other: Case, same_order: bool) -> None:
    how = "has the same voxels as" if same_order else "has the same voxels, stored in another orientation, as"
    if first.entry.test != other.entry.test:
        test, train = (first, other) if first.entry.test else (other, first)
        test.say(
            "test_in_training",
            f"{test.entry.image} {how} {train.entry.image}.",
            test.entry.image,
            other=train.id,
        )
        return
    labels = [case.facts.label_digest for case in (first, other)]
    comparable = same_order and all(labels) and first.labelled and other.labelled
    if comparable and labels[0] != labels[1]:
        other.say(
            "two_labels",
            f"The scan {how} that of {first.id}, and their labels differ.",
            other.entry.label,
            other=first.id,
        )
        return
    alike = ", and so are their labels" if comparable else ""
    other.say("duplicate", f"The scan {how} that of {first.id}{alike}.", other.entry.image, other=first.id)


def _splits(listing: Listing, cases: list[Case]) -> list[Finding]:
    findings: list[Finding] = []
    training = {case.id: case for case in cases if not case.entry.test}
    patients = {entry.case: entry.patient for entry in listing.training if entry.patient is not None}
    same = {(a.id, b.id) for group, _ in _groups(list(training.values())) for a, b in combinations(group, 2)}
    for name, parts in listing.splits.items():
        for (part, ids), (other, others) in combinations(sorted(parts.items()), 2):
            both = sorted(set(ids) & set(others))
            findings += [
                found(
                    "split_overlap",
                    f'The split "{name}" has {one} in {part} and in {other}.',
                    one,
                    "splits.json",
                    split=name,
                )
                for one in both
            ]
            findings += [
                found(
                    "split_content",
                    f'The split "{name}" has {a} and {b} in different parts, and their scans have the same voxels.',
                    b,
                    "splits.json",
                    split=name,
                    other=a,
                )
                for a, b in sorted(same)
                if (a in ids and b in others) or (a in others and b in ids)
            ]
            one_part, other_part = (_patients(members, patients) for members in (ids, others))
            for patient in sorted(set(one_part) & set(other_part)):
                a, b = one_part[patient], other_part[patient]
                if a == b:
                    # The case itself is in both, which is told already.
                    continue
                findings.append(
                    found(
                        "split_patient",
                        f'The split "{name}" has patient {patient} in {part} ({a}) and in {other} ({b}).',
                        b,
                        "splits.json",
                        split=name,
                        patient=patient,
                    )
                )
    return findings


def _patients(ids: list[str], patients: dict[str, str]) -> dict[str, str]:
    """One case of each patient of a part."""
    return {patients[one]: one for one in reversed(ids) if one in patients}


def _mixtures(cases: list[Case]) -> list[Finding]:
    grids = [
        case.facts.image.geometry
        for case in cases
        if case.facts.image is not None and case.facts.image.affine and not case.has({"spacing", "no_affine"})
    ]
    if len(grids) < 2:
        return []
    findings = []
    orientations = Counter(grid.orientation for grid in grids)
    if len(orientations) > 1:
        listed = ", ".join(f"{count} {name}" for name, count in orientations.most_common())
        findings.append(
            found(
                "mixed_orientation", f"Scans are stored in different orientations: {listed}.", counts=dict(orientations)
            )
        )
    spacings = np.array([sorted(grid.spacing_mm) for grid in grids])
    least, most = spacings.min(axis=0), spacings.max(axis=0)
    if (most / least).max() >= SPACINGS_APART:
        axis = int((most / least).argmax())
        what = ("smallest", "middle", "largest")[axis]
        findings.append(
            found(
                "mixed_spacing",
                f"The {what} side of a voxel goes from {words_of(least[axis])} to {words_of(most[axis])} mm.",
                least_mm=least.tolist(),
                most_mm=most.tolist(),
            )
        )
    return findings
