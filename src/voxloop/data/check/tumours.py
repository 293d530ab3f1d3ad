"""Judging names against content: MRI channels in another order, and brain tumours numbered in another convention."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np
import numpy.typing as npt

from voxloop.data.check.case import Case
from voxloop.data.check.facts import Profile
from voxloop.data.check.finding import Finding, found
from voxloop.data.check.listing import Listing

# A name has to be contradicted by so much, and another order has to hold by so much, in ranks from 0 to 1.
CONTRADICTED, HOLDS = -0.03, 0.03
FLUID = 0.1
# How much better, in correlation summed over channels, another order has to be for a case to be reported.
MARGIN = 1.0
# Cases that make a consensus.
CROWD = 4
Floats = npt.NDArray[np.float64]

CHANNELS = {
    "flair": re.compile(r"flair|fla\b", re.IGNORECASE),
    "t1gd": re.compile(r"t1[\s_-]*(w[\s_-]*)?(gd|c|ce|post|contrast|\+)|gadolin", re.IGNORECASE),
    "t1": re.compile(r"t1", re.IGNORECASE),
    "t2": re.compile(r"t2", re.IGNORECASE),
}
CLASSES = {
    "edema": re.compile(r"o?edema|\bed\b", re.IGNORECASE),
    "core": re.compile(r"non[\s_-]*enhanc|necro|\bncr\b|\bnet\b|\bnec\b", re.IGNORECASE),
    "enhancing": re.compile(r"enhanc|\bet\b", re.IGNORECASE),
}


@dataclass(frozen=True, slots=True)
class Roles:
    """Which channel and which label value is which, as the names say."""

    channels: dict[str, int]
    classes: dict[str, int]


def roles_of(listing: Listing) -> Roles:
    return Roles(_by_name(listing.modality, CHANNELS), _by_name(listing.labels, CLASSES))


def _by_name(names: dict[int, str], words: dict[str, re.Pattern[str]]) -> dict[str, int]:
    """Each name gets the first role that its words fit; a role that two names have is nobody's."""
    given: dict[str, list[int]] = {}
    for number, name in sorted(names.items()):
        role = next((role for role, word in words.items() if word.search(name)), None)
        if role is not None:
            given.setdefault(role, []).append(number)
    return {role: numbers[0] for role, numbers in given.items() if len(numbers) == 1}


def judge(listing: Listing, cases: list[Case]) -> list[Finding]:
    """Adds what concerns single cases to theirs; answers with what all cases have in common."""
    known = [
        case
        for case in cases
        if case.facts.profile is not None
        and len(listing.modality) == len(case.facts.channels)
        and not case.has({"same_channels", "constant", "channels", "modality", "not_finite", "mostly_zero"})
    ]
    roles = roles_of(listing)
    findings = _channels(listing, known, roles)
    usable = [
        case
        for case in known
        if case.placed and case.labelled and not case.has({"channel_order", "class_intensity", "same_label"})
    ]
    if findings:
        return findings
    return [*findings, *_numbering(listing, usable, roles)]


# -- channels


def _channels(listing: Listing, cases: list[Case], roles: Roles) -> list[Finding]:
    named = [(case, _order_by_names(profile, roles, len(listing.modality))) for case, profile in _profiled(cases)]
    orders = [order for _, order in named if order is not None]
    whole = tuple(range(len(listing.modality)))
    if orders:
        # What more than half of the cases say is about dataset.json; what some say is about them.
        common = max(set(orders), key=orders.count)
        if common != whole and orders.count(common) * 2 > len(orders):
            return [
                found(
                    "channel_order",
                    f"In {orders.count(common)} of {len(orders)} cases the channels look like "
                    f"{_listed(listing, common)}, and modality says {_listed(listing, whole)}.",
                    file="dataset.json",
                    order=list(common),
                )
            ]
    by_names = {case.id: order for case, order in named if order is not None}
    by_crowd = _order_by_crowd(cases)
    for case in cases:
        # What is known of the sequences tells them apart better than likeness does.
        order = by_names.get(case.id) or by_crowd.get(case.id) or whole
        if order != whole:
            why = "as fluid and tumour look in them" if case.id in by_names else "as the other cases have them"
            case.say(
                "channel_order",
                f"The channels look like {_listed(listing, order)} ({why}), and modality says {_listed(listing, whole)}.",
                case.entry.image,
                order=list(order),
            )
    return []


def _listed(listing: Listing, order: Sequence[int]) -> str:
    return ", ".join(listing.modality.get(number, "?") for number in order)


def _profiled(cases: list[Case]) -> list[tuple[Case, Profile]]:
    return [(case, case.facts.profile) for case in cases if case.facts.profile is not None]


def _order_by_names(profile: Profile, roles: Roles, count: int) -> tuple[int, ...] | None:
    """Which named channel each stored channel looks like; None where the names or the case do not tell."""
    if not {"flair", "t2", "t1"} <= set(roles.channels) or count > 5:
        return None
    whole = tuple(range(count))
    # A label that lies elsewhere tells nothing; only what the labels' names say is asked.
    under = {role: profile.under.get(value) for role, value in roles.classes.items()}

    def margins(order: Sequence[int]) -> list[float]:
        """`order[stored] = named`; each margin is above zero where what is known of the sequences is so."""
        at = {role: list(order).index(number) for role, number in roles.channels.items()}
        t1, t2, flair = at["t1"], at["t2"], at["flair"]
        # The brightest of T2 is fluid, which is dark in FLAIR; the brightest of FLAIR is bright in T2 as well.
        found = [profile.bright[flair][t2] - profile.bright[t2][flair]]
        edema, enhancing, core = under.get("edema"), under.get("enhancing"), under.get("core")
        if edema is not None:
            found.append(min(edema[flair], edema[t2]) - max(edema[t1], edema[at.get("t1gd", t1)]))
        if "t1gd" in at and enhancing is not None:
            gd = at["t1gd"]
            found.append(enhancing[gd] - enhancing[t1])
            other = core or edema
            if other is not None:
                found.append(enhancing[gd] - other[gd])
        return found

    sure = "t1gd" in roles.channels and bool(under.get("enhancing") and under.get("edema"))
    # Without a whole tumour less is known, so that it has to contradict more clearly.
    if min(margins(whole)) >= (CONTRADICTED if sure else -FLUID):
        return whole if sure else None
    fixed = [number for number in whole if number not in roles.channels.values()]
    holding = [
        order
        for order in permutations(whole)
        if all(order[number] == number for number in fixed) and min(margins(order)) >= HOLDS
    ]

    def likely(order: tuple[int, ...]) -> tuple[int, float]:
        moved = sum(order[number] != number for number in whole)
        return (0 if sure else -moved, min(margins(order)))

    return max(holding, key=likely, default=None)


def _order_by_crowd(cases: list[Case]) -> dict[str, tuple[int, ...]]:
    """Cases whose channels look like those of the other cases in another order."""
    profiled = _profiled(cases)
    if len(profiled) < CROWD:
        return {}
    shapes = [_shape(profile) for _, profile in profiled]
    odd: dict[str, tuple[int, ...]] = {}
    count = shapes[0].shape[0]
    if count > 5 or any(shape.shape != shapes[0].shape for shape in shapes):
        return {}
    whole = tuple(range(count))
    for number, (case, _) in enumerate(profiled):
        others = _medians(np.stack([shape for one, shape in enumerate(shapes) if one != number]))
        alike = np.array([[_correlation(shapes[number][a], others[b]) for b in whole] for a in whole])
        scores = {order: sum(alike[a, order[a]] for a in whole) for order in permutations(whole)}
        best = max(scores, key=lambda order: scores[order])
        if best != whole and scores[best] - scores[whole] > MARGIN and scores[best] > 0:
            odd[case.id] = best
    return odd


def _shape(profile: Profile) -> Floats:
    """What is each channel's own: the ranks by place, less what all channels share there."""
    places = np.array([[np.nan if rank is None else rank for rank in row] for row in profile.places])
    under = [profile.under.get(value) for value in (1, 2, 3)]
    columns = [np.full(places.shape[0], np.nan) if ranks is None else np.asarray(ranks) for ranks in under]
    # Weighed as a few dozen places each: contrast in a tumour tells more than any one place.
    together = np.concatenate([places, np.repeat(np.stack(columns, axis=1), 20, axis=1)], axis=1)
    fluid = np.repeat(np.asarray(profile.bright).mean(axis=0)[:, None], 20, axis=1)
    together = np.concatenate([together, fluid], axis=1)
    return np.asarray(together - together.mean(axis=0))


def _medians(shapes: Floats) -> Floats:
    """The median over cases, of what at least half of them have."""
    enough = np.isfinite(shapes).mean(axis=0) >= 0.5
    return np.where(enough, np.nanmedian(np.where(enough, shapes, 0.0), axis=0), np.nan)


def _correlation(one: Floats, other: Floats) -> float:
    both = np.isfinite(one) & np.isfinite(other)
    if both.sum() < 10:
        return 0.0
    a, b = one[both] - one[both].mean(), other[both] - other[both].mean()
    length = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum() / length) if length > 0 else 0.0


# -- classes


def _numbering(listing: Listing, cases: list[Case], roles: Roles) -> list[Finding]:
    if len(roles.classes) < 3:
        return []
    judged = [(case, _by_look(case, roles)) for case in cases]
    said = [(case, renamed) for case, renamed in judged if renamed is not None]
    wrong = [(case, renamed) for case, renamed in said if renamed]
    if not wrong:
        return []
    numberings = [tuple(sorted(renamed.items())) for _, renamed in wrong]
    common = max(set(numberings), key=numberings.count)
    if numberings.count(common) * 2 > len(said):
        return [
            found(
                "class_numbering",
                f"In {numberings.count(common)} of {len(said)} cases {_renamed(listing, dict(common))}.",
                file="dataset.json",
                suspected={str(value): listing.labels[name] for value, name in common},
            )
        ]
    for case, renamed in wrong:
        case.say(
            "class_numbering",
            f"In this label {_renamed(listing, renamed)}.",
            case.entry.label,
            next((one.first for one in case.facts.classes if one.value in renamed), None),
            suspected={str(value): listing.labels[name] for value, name in renamed.items()},
        )
    return []


def _renamed(listing: Listing, renamed: dict[int, int]) -> str:
    return ", ".join(
        f"{value} ({listing.labels[value]}) looks like {listing.labels[name]}"
        for value, name in sorted(renamed.items())
    )


def _by_look(case: Case, roles: Roles) -> dict[int, int] | None:
    """Values that look like another named value: empty where the names hold, None where the case does not tell.

    Enhancing tumour is brightest in T1 with gadolinium; edema lies outermost; the core lies within.
    """
    profile, contacts = case.facts.profile, case.facts.contacts
    there = {
        role: value for role, value in roles.classes.items() if any(one.value == value for one in case.facts.classes)
    }
    if profile is None or len(there) < 2 or any(value not in profile.under for value in there.values()):
        return None
    outer = {value: _share_outside(value, contacts) for value in there.values()}
    gd = roles.channels.get("t1gd")
    bright = {value: profile.under[value][gd] if gd is not None else 0.0 for value in there.values()}

    def margins(named: dict[str, int]) -> list[float]:
        found: list[float] = []
        if "enhancing" in named and gd is not None:
            others = [bright[value] for role, value in named.items() if role != "enhancing"]
            found.append(bright[named["enhancing"]] - max(others))
        if "edema" in named:
            others = [outer[value] for role, value in named.items() if role != "edema"]
            found.append(outer[named["edema"]] - max(others))
        if "core" in named and "enhancing" in named:
            found.append(outer[named["enhancing"]] - outer[named["core"]] + 0.05)
        return found

    return _best_naming(there, margins)


def _best_naming(there: dict[str, int], margins: Callable[[dict[str, int]], list[float]]) -> dict[int, int] | None:
    if min(margins(there)) >= CONTRADICTED:
        return {}
    roles = list(there)
    holding = [
        named
        for order in permutations(there.values())
        if min(margins(named := dict(zip(roles, order, strict=True)))) >= HOLDS
    ]
    if not holding:
        return None
    best = max(holding, key=lambda named: min(margins(named)))
    return {best[role]: there[role] for role in roles if best[role] != there[role]}


def _share_outside(value: int, contacts: Sequence[tuple[int, int, int]]) -> float:
    """How much of a class's surface faces what is no tumour."""
    own = [(a, b, count) for a, b, count in contacts if value in (a, b)]
    return sum(count for a, b, count in own if 0 in (a, b)) / max(1, sum(count for _, _, count in own))
