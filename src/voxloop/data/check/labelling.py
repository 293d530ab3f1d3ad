"""Judging labels: values with names, whole classes, and organs of a size and a tissue that they can have."""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt

from voxloop.data.check.case import Case, words_of
from voxloop.data.check.facts import Class
from voxloop.data.check.finding import Finding, found
from voxloop.data.check.listing import Listing

# The volumes that a whole organ of an adult or a child can have, healthy or not, in ml; the first that matches counts.
ORGANS_ML = {
    r"vessel|vein|vena|arter|tumou?r|cancer|lesion|cyst|stone|nodule|metasta|edema|necro": (0.0, 6000.0),
    r"spleen": (8.0, 4000.0),
    r"gall": (0.2, 1000.0),
    r"liver|hepa": (150.0, 8000.0),
    r"kidney": (5.0, 4000.0),
    r"pancreas": (3.0, 500.0),
    r"prostate": (3.0, 600.0),
    r"hippocamp": (0.3, 15.0),
    r"adrenal": (0.2, 500.0),
    r"stomach": (10.0, 6000.0),
    r"bladder": (3.0, 4000.0),
    r"atrium|ventricle": (5.0, 1500.0),
    r"heart": (40.0, 3000.0),
    r"aorta": (5.0, 2500.0),
    r"lung": (30.0, 9000.0),
    r"brain": (200.0, 2500.0),
}
# The median HU that a tissue can have, with and without contrast medium, healthy or not.
TISSUES_HU = {
    re.compile(r"vessel|tumou?r|cancer|lesion|nodule|cyst|stone", re.IGNORECASE): (-1100.0, 3100.0),
    re.compile(r"lung", re.IGNORECASE): (-1100.0, 0.0),
    re.compile(r"vertebra|sacrum|femur|rib_|skull|humerus|scapula", re.IGNORECASE): (0.0, 3100.0),
    re.compile(
        r"spleen|liver|kidney|pancreas|prostate|heart|aorta|bladder|adrenal|muscle|brain|atrium", re.IGNORECASE
    ): (-150.0, 500.0),
}
SPECKS = 10
# A robust rule needs a crowd: so many cases, so many (robust) standard deviations, and at least such a factor.
CROWD, DEVIATIONS, FACTOR = 8, 6.0, 6.0
APART_HU = 120.0
BAD_VALUES = {"modality", "hu_offset", "hu_slope", "saturated", "not_finite", "constant"}


def judge(case: Case) -> None:
    """Adds what is wrong with the label itself to the case's findings."""
    label = case.facts.label
    if label is None or label.error is not None:
        return
    _odd_values(case, label.listed)
    if not case.labelled:
        return
    if not case.facts.classes and not case.has({"one_slice"}):
        case.say("label_empty", f"{label.listed} holds background only.", label.listed)
    for one in case.facts.classes:
        if one.voxels == 1:
            case.say("one_voxel", f"{case.name_of(one)} is a single voxel.", label.listed, one.first, label=one.value)
        elif case.ml(one) is not None:
            _absolute(case, label.listed, one)
    _borders(case, label.listed)
    specks = max(case.facts.classes, key=lambda one: one.specks, default=None)
    if specks is not None and specks.specks >= SPECKS:
        case.say(
            "fragments",
            f"{case.name_of(specks)} is in {specks.pieces} pieces, {specks.specks} of them tiny.",
            label.listed,
            specks.speck_at,
            pieces=specks.pieces,
            label=specks.value,
        )
    if case.placed and not case.has(BAD_VALUES | {"volume"}):
        _tissue(case, label.listed)


def _odd_values(case: Case, file: str) -> None:
    odd = case.facts.odd
    if "not_finite" in odd:
        one = odd["not_finite"]
        case.say("not_finite", f"The label holds {one.count:,} voxels that are NaN or infinite.", file, one.at)
    for name, kind, what in (
        ("fractions", "label_fractions", "fractions such as"),
        ("negative", "label_negative", "negative values such as"),
        ("too_large", "label_too_large", "values above 255 such as"),
    ):
        if name in odd:
            one = odd[name]
            said = f"{one.count:,} voxels of the label hold {what} {words_of(one.example)}."
            case.say(kind, said, file, one.at, voxels=one.count)
    names = case.listing.labels
    unnamed = [one for one in case.facts.classes if one.value not in names] if names else []
    if unnamed:
        values = ", ".join(str(one.value) for one in unnamed[:8]) + (" …" if len(unnamed) > 8 else "")
        voxels = sum(one.voxels for one in unnamed)
        has = ", ".join(f"{value} {name}" for value, name in sorted(names.items())[:6])
        case.say(
            "label_value",
            f"{voxels:,} voxels are {values}, which dataset.json does not name (it has {has}{' …' if len(names) > 6 else ''}).",
            file,
            unnamed[0].first,
            values=[one.value for one in unnamed],
            voxels=voxels,
        )


def _borders(case: Case, file: str) -> None:
    if case.has({"one_slice"}):
        return
    touching = [one for one in case.facts.classes if one.faces]
    if touching:
        names = ", ".join(case.name_of(one) for one in touching[:3]) + (
            f" and {len(touching) - 3} more" if len(touching) > 3 else ""
        )
        faces = ", ".join(f"{end} {axis}" for axis, end in (face.split() for face in touching[0].faces))
        verb = "touch" if len(touching) > 1 else "touches"
        case.say(
            "label_border",
            f"{names} {verb} the border of the scan ({faces}).",
            file,
            _at_border(touching[0]),
            labels=[one.value for one in touching],
        )


def _at_border(one: Class) -> tuple[int, int, int]:
    """The middle of the class, moved onto the face that it touches."""
    at = [(low + high) // 2 for low, high in zip(one.low, one.high, strict=True)]
    axis, end = one.faces[0].split()
    number = "ijk".index(axis)
    at[number] = one.low[number] if end == "first" else one.high[number]
    return at[0], at[1], at[2]


def _absolute(case: Case, file: str, one: Class) -> None:
    ml, name = case.ml(one), case.name_of(one)
    limits = next((limits for words, limits in ORGANS_ML.items() if re.search(words, name, re.IGNORECASE)), None)
    if ml is None or limits is None or case.has({"one_slice"}):
        return
    # What the border cuts may be as small as it likes.
    if ml > limits[1] or (ml < limits[0] and not one.faces):
        case.say(
            "volume",
            f"{name} has {words_of(ml)} ml; it can have {words_of(limits[0])} to {words_of(limits[1])} ml.",
            file,
            one.first,
            ml=ml,
            label=one.value,
        )


def _tissue(case: Case, file: str) -> None:
    """Labels that lie in air or bone, or outside of the patient, where no header tells."""
    for one in case.facts.classes:
        if not one.under or one.voxels < 20:
            continue
        middle, name = one.under[0].median, case.name_of(one)
        tissue = next((hu for words, hu in TISSUES_HU.items() if words.search(name)), None)
        if case.is_ct and tissue is not None and not tissue[0] <= middle <= tissue[1]:
            case.say(
                "class_intensity",
                f"{name} lies on {words_of(middle)} HU (its median), which is no tissue of it.",
                file,
                one.first,
                median=middle,
                label=one.value,
            )
        elif case.is_mri and all(spread.median == 0 and spread.least >= 0 for spread in one.under):
            case.say(
                "class_intensity",
                f"Most of {name} lies where the scan is 0, outside of the patient.",
                file,
                one.first,
                label=one.value,
            )


def absent(listing: Listing, cases: list[Case]) -> list[Finding]:
    """Classes of dataset.json that no label holds."""
    labelled = [case for case in cases if case.labelled and not case.entry.test]
    if not labelled:
        return []
    there = {one.value for case in labelled for one in case.facts.classes}
    return [
        found(
            "class_absent", f'None of {len(labelled)} labels holds {value}, "{name}".', file="dataset.json", label=value
        )
        for value, name in sorted(listing.labels.items())
        if value > 0 and value not in there
    ]


def outliers(cases: list[Case]) -> None:
    """Adds volumes and intensities of a class that are far from those of the other cases."""
    values = sorted({one.value for case in cases for one in case.facts.classes})
    for value in values:
        having = [
            (case, one)
            for case in cases
            if case.labelled
            for one in case.facts.classes
            if one.value == value and one.voxels > 1 and not case.has({"one_slice"})
        ]
        _volumes(having)
        _intensities([(case, one) for case, one in having if case.placed and not case.has(BAD_VALUES)])


def _volumes(having: list[tuple[Case, Class]]) -> None:
    known = [(case, one, ml) for case, one in having if (ml := case.ml(one)) is not None]
    if len(known) < CROWD:
        return
    logs = np.log([ml for _, _, ml in known])
    middle, deviation = _robust(logs)
    limit = max(DEVIATIONS * deviation, np.log(FACTOR))
    for (case, one, ml), log in zip(known, logs, strict=True):
        small = log < middle
        if abs(log - middle) <= limit or (small and one.faces) or case.has({"volume"}):
            continue
        case.say(
            "volume",
            f"{case.name_of(one)} has {words_of(ml)} ml, {words_of(float(np.exp(abs(log - middle))))} times "
            f"{'less' if small else 'more'} than the usual {words_of(float(np.exp(middle)))} ml.",
            case.entry.label,
            one.first,
            ml=ml,
            usual_ml=float(np.exp(middle)),
            label=one.value,
        )


def _intensities(having: list[tuple[Case, Class]]) -> None:
    known = [(case, one) for case, one in having if case.is_ct and one.under and one.voxels >= 20]
    if len(known) < CROWD:
        return
    medians = np.array([one.under[0].median for _, one in known])
    middle, deviation = _robust(medians)
    for (case, one), median in zip(known, medians.tolist(), strict=True):
        if abs(median - middle) > max(DEVIATIONS * deviation, APART_HU) and not case.has({"class_intensity", "volume"}):
            case.say(
                "class_intensity",
                f"{case.name_of(one)} lies on {words_of(median)} HU (its median), and on {words_of(middle)} HU in the other cases.",
                case.entry.label,
                one.first,
                median=median,
                usual=middle,
                label=one.value,
            )


def _robust(values: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Median, and the standard deviation as the median distance tells it."""
    middle = float(np.median(values))
    return middle, 1.4826 * float(np.median(np.abs(values - middle)))
