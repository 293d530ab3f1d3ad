"""What can be one volume: the slices of a series, parted where they differ in more than their place."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from voxloop.data.dicom.planes import CONTRASTS, NEVER_MIXED, Plane
from voxloop.errors import VoxloopError

# Over the far edge of a plane of 400 mm this is 0.2 mm.
SAME_DIRECTION = 5e-4
# Positions are written to a thousandth of a millimetre or better; slices are never this close, in pixels.
SAME_PLACE = 0.02
MOST_SHAPES = 256


@dataclass(frozen=True, slots=True)
class Part:
    """Slices of one size, direction and contrast, each at a place of its own; and those that repeat a place."""

    planes: tuple[Plane, ...]
    repeated: tuple[Plane, ...] = ()

    def differs_from(self, other: Part) -> str:
        """What sets this part apart, in words."""
        mine, its = self.planes[0], other.planes[0]
        said = []
        if (mine.rows, mine.columns) != (its.rows, its.columns):
            said.append(f"another size ({mine.columns}×{mine.rows}, not {its.columns}×{its.rows})")
        elif not _same_pixels(mine, its):
            said.append("another pixel spacing")
        if not _same_direction(mine, its):
            said.append("another orientation")
        for name, one, two in zip(CONTRASTS, mine.contrast, its.contrast, strict=True):
            if one != two:
                said.append(f"another {name} ({one or 'none'}, not {two or 'none'})")
        return " and ".join(said) or "the same positions once more"


def parts_of(planes: Sequence[Plane]) -> tuple[Part, ...]:
    """The volumes among some slices, the largest first; those equally large as they are numbered."""
    shapes: list[list[Plane]] = []
    for plane in planes:
        for shape in shapes:
            if _alike(plane, shape[0]):
                shape.append(plane)
                break
        else:
            shapes.append([plane])
        if len(shapes) > MOST_SHAPES:
            raise VoxloopError(
                f"{plane.file.name} and its series hold more than {MOST_SHAPES} sizes and orientations, which is no volume; "
                "choose the slices of one."
            )
    parts = [part for shape in shapes for part in _apart(shape, list(range(NEVER_MIXED, len(CONTRASTS))))]
    return tuple(sorted(parts, key=lambda part: (-len(part.planes), *_order(part.planes[0]))))


def places(planes: Sequence[Plane]) -> list[int]:
    """For each slice the number of its place along the normal; slices at one place have the same number."""
    along = np.array([plane.position for plane in planes]) @ planes[0].normal
    order = np.argsort(along, kind="stable")
    new = np.diff(along[order], prepend=along[order[0]]) > SAME_PLACE * min(planes[0].pixel_mm)
    numbers = np.empty(len(planes), int)
    numbers[order] = np.cumsum(new)
    return numbers.tolist()


def _apart(planes: list[Plane], keys: list[int]) -> list[Part]:
    """Parts slices at the same place by the first thing that tells them apart, as far as they can be."""
    planes = sorted(planes, key=_order)
    at = places(planes)
    most = max(Counter(at).values())
    if most == 1:
        return [Part(tuple(planes))]
    for turn, key in enumerate(keys):
        values: dict[str, list[Plane]] = defaultdict(list)
        for plane in planes:
            values[plane.contrast[key]].append(plane)
        # With more values than slices at one place, it grows from slice to slice and tells no volumes apart.
        if 1 < len(values) <= most:
            return [part for group in values.values() for part in _apart(group, keys[turn + 1 :])]
    turns: dict[int, list[Plane]] = defaultdict(list)
    seen: Counter[int] = Counter()
    for plane, place in zip(planes, at, strict=True):
        turns[seen[place]].append(plane)
        seen[place] += 1
    # Every place equally often is a volume taken several times; some places twice are slices exported twice.
    if len(seen) > 1 and len(set(seen.values())) == 1:
        return [Part(tuple(group)) for group in turns.values()]
    return [Part(tuple(turns[0]), tuple(plane for turn in range(1, most) for plane in turns[turn]))]


def _alike(one: Plane, two: Plane) -> bool:
    return (
        (one.rows, one.columns) == (two.rows, two.columns)
        and one.contrast[:NEVER_MIXED] == two.contrast[:NEVER_MIXED]
        and _same_pixels(one, two)
        and _same_direction(one, two)
    )


def _same_pixels(one: Plane, two: Plane) -> bool:
    return all(abs(a - b) <= 1e-4 * max(a, b) for a, b in zip(one.pixel_mm, two.pixel_mm, strict=True))


def _same_direction(one: Plane, two: Plane) -> bool:
    mine, its = one.along_row + one.along_column, two.along_row + two.along_column
    return all(abs(a - b) <= SAME_DIRECTION for a, b in zip(mine, its, strict=True))


def _order(plane: Plane) -> tuple[tuple[tuple[float, str], ...], int, int, str]:
    return tuple(_natural(value) for value in plane.contrast), plane.instance, plane.frame, str(plane.file)


def _natural(value: str) -> tuple[float, str]:
    try:
        return float(value.split(" ")[0].split("\\")[0]), value
    except ValueError:
        return float("-inf"), value
