"""A lineage as a page can take it: of thousands that used a dataset the newest are told, and the rest are counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from voxloop.store.artifacts.lineage import Edge, Facts, Lineage

# A page with more is read by nobody.
MOST = 3000
BESIDE = 200


@dataclass(frozen=True, slots=True)
class Told:
    """The nodes that are told, by their ids, and how many more there are right before and right after each."""

    ids: tuple[str, ...]
    before: Mapping[str, int]
    after: Mapping[str, int]


def told(found: Lineage, facts: Mapping[str, Facts], most: int = MOST, beside: int = BESIDE) -> Told:
    """The nearest of a lineage, and beside each node what bears an alias or led to it, then the newest."""
    back: dict[str, list[str]] = {}
    forth: dict[str, list[str]] = {}
    for edge in found.edges:
        back.setdefault(edge.target, []).append(edge.source)
        forth.setdefault(edge.source, []).append(edge.target)

    def interest(one: str) -> tuple[bool, float]:
        aliases = {alias for near in (one, *forth.get(one, ())) if near in facts for alias in facts[near].aliases}
        return bool(aliases - {"latest"}), facts[one].created if one in facts else 0.0

    ids = {found.start: None}
    more: list[dict[str, int]] = []
    # What came after may be thousands; what came before is told first, for it is what a version is made of.
    for ways in (back, forth):
        cut: dict[str, list[str]] = {}
        ring, walked = [found.start], {found.start}
        while ring:
            following = []
            for place in ring:
                new = sorted((one for one in ways.get(place, ()) if one not in ids), key=interest, reverse=True)
                kept = new[: max(0, min(beside, most - len(ids)))]
                ids |= dict.fromkeys(kept)
                cut[place] = new[len(kept) :]
                following += [one for one in ways.get(place, ()) if one in ids and one not in walked]
                walked.update(following)
            ring = following
        # Some of them may have been told for another's sake.
        more.append({place: count for place, left in cut.items() if (count := sum(one not in ids for one in left))})
    return Told(tuple(ids), *more)


def between(found: Lineage, ids: tuple[str, ...]) -> list[Edge]:
    """The edges both of whose ends are told."""
    here = set(ids)
    return [edge for edge in found.edges if edge.source in here and edge.target in here]
