"""Structures on a scan's grid, each by itself, and how they become one label map where they overlap."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from voxloop.data.geometry import Index
from voxloop.errors import VoxloopError

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """A structure's voxels, kept as the box that they fill."""

    name: str
    corner: Index
    mask: Mask

    @property
    def voxels(self) -> int:
        return int(np.count_nonzero(self.mask))

    @property
    def box(self) -> tuple[slice, slice, slice]:
        i, j, k = (slice(at, at + side) for at, side in zip(self.corner, self.mask.shape, strict=True))
        return i, j, k


def drawn(name: str, mask: Mask) -> Drawn:
    """Keeps of a mask on the whole grid the box that holds something."""
    ends = []
    for axis in range(3):
        filled = np.flatnonzero(mask.any(axis=tuple(other for other in range(3) if other != axis)))
        ends.append((int(filled[0]), int(filled[-1]) + 1) if len(filled) else (0, 0))
    i, j, k = ends
    return Drawn(name, (i[0], j[0], k[0]), mask[i[0] : i[1], j[0] : j[1], k[0] : k[1]].copy())


def chosen(file: str, there: Sequence[str], names: Sequence[str] | None) -> dict[str, str]:
    """Which of the structures in a file are meant, and the name that each gets: all of them, or those asked for."""
    known = list(dict.fromkeys(there))
    if names is None:
        return {name: name for name in known}
    found: dict[str, str] = {}
    for name in dict.fromkeys(names):
        same = [one for one in known if one == name] or [one for one in known if one.casefold() == name.casefold()]
        if not same:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f'did you mean "{near[0]}"?' if near else f"it has: {', '.join(known) or 'none'}."
            raise VoxloopError(f'{file} has no structure "{name}"; {hint}')
        found[same[0]] = name
    return found


def combined(
    shape: Index, structures: Sequence[Drawn], values: dict[str, int]
) -> tuple[npt.NDArray[np.uint8], list[str]]:
    """One label map: where structures overlap the smaller wins, as a tumour does in its organ; of equals the later."""
    labels = np.zeros(shape, np.uint8)
    names = {value: name for name, value in values.items()}
    problems = []
    sizes = {id(one): one.voxels for one in structures}
    for one in sorted(structures, key=lambda one: -sizes[id(one)]):
        part = labels[one.box]
        covered = np.bincount(part[one.mask], minlength=256)
        for value in np.flatnonzero(covered[1:]) + 1:
            problems.append(
                f'"{names[int(value)]}" and "{one.name}" overlap in {covered[value]:,} voxels; these are labelled as the smaller, "{one.name}".'
            )
        part[one.mask] = values[one.name]
    return labels, problems
