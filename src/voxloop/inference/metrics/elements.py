"""How much surface passes between eight neighbouring voxels, for each of the 256 ways in which a mask can hold them.

The eight centres are the corners of a cell. The surface runs through the middle of each edge that joins a corner inside the mask to
one outside, as in marching cubes (Lorensen and Cline 1987); Nikolov et al. (2018) weigh a surface by its area. The areas are worked
out here rather than read from a table, so that they hold for cells of every shape, sheared ones included:

- The side with fewer corners falls into groups that are joined by edges (the mask's side, where both have four). So two corners that
  touch diagonally are apart.
- One loop through the middles of the edges that leave it cuts off each group.
- A loop that is not flat is folded along the plane that holds most of its points, and what that plane leaves over are triangles. Only
  a chain of four corners has two such planes. In a cell with right angles both give the same area; elsewhere it is their mean.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import combinations, product

import numpy as np
import numpy.typing as npt

# Twice the coordinates in the cell, so that middles of edges are whole numbers too and planes are told exactly.
_Point = tuple[int, int, int]
_CORNERS: tuple[_Point, ...] = tuple((2 * x, 2 * y, 2 * z) for z, y, x in product((0, 1), repeat=3))
FULL = 255


def codes(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
    """For each point where eight voxels meet, which of them the mask holds; what lies outside the array is not held.

    Bit x + 2y + 4z tells of the neighbour at (x, y, z). The result is longer than the mask by one along each axis.
    """
    cells = np.pad(mask.view(np.uint8), 1)
    cells = cells[:-1] | (cells[1:] << np.uint8(1))
    cells = cells[:, :-1] | (cells[:, 1:] << np.uint8(2))
    found: npt.NDArray[np.uint8] = cells[:, :, :-1] | (cells[:, :, 1:] << np.uint8(4))
    return found


def areas(matrix: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The area of the surface within a cell in mm², by its code; the columns of `matrix` are the steps between voxels in mm."""
    code, share, vectors = _pieces()
    i, j, k = matrix.T
    # A flat piece with the area vector v has, in millimetres, the vector of cofactors times v.
    cofactors = np.stack([np.cross(j, k), np.cross(k, i), np.cross(i, j)], axis=1)
    sizes = share * np.linalg.norm(vectors @ cofactors.T, axis=1)
    table: npt.NDArray[np.float64] = np.bincount(code, weights=sizes, minlength=FULL + 1).astype(float)
    return table


@cache
def _pieces() -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """All flat pieces of all codes: the code of each, how much of it counts, and its area vector in steps."""
    rows = [(code, share, vector) for code in range(FULL + 1) for share, vector in _pieces_of(code)]
    code, share, vectors = zip(*rows, strict=True)
    return np.array(code), np.array(share), np.array(vectors)


def _pieces_of(code: int) -> Iterator[tuple[float, npt.NDArray[np.float64]]]:
    inside = [corner for number, corner in enumerate(_CORNERS) if code >> number & 1]
    side = inside if len(inside) <= 4 else [corner for corner in _CORNERS if corner not in inside]
    for group in _groups(side):
        loop = _loop(group)
        planes = _fullest_planes(loop)
        for plane in planes:
            left_over = [(i - 1, i, (i + 1) % len(loop)) for i in range(len(loop)) if i not in plane]
            for piece in (plane, *left_over):
                yield 1 / len(planes), _area_vector([loop[i] for i in piece])


def _groups(corners: Sequence[_Point]) -> Iterator[list[_Point]]:
    """Corners that are joined by edges among themselves."""
    rest = list(corners)
    while rest:
        group = [rest.pop()]
        for corner in group:
            joined = [other for other in rest if _are_joined(corner, other)]
            group += joined
            rest = [other for other in rest if other not in joined]
        yield group


def _are_joined(a: _Point, b: _Point) -> bool:
    return sum(x != y for x, y in zip(a, b, strict=True)) == 1


def _loop(group: Sequence[_Point]) -> list[_Point]:
    """The middles of the edges that leave a group, each after one with which it shares a face of the cell."""
    rest = [
        ((a[0] + b[0]) // 2, (a[1] + b[1]) // 2, (a[2] + b[2]) // 2)
        for a in group
        for b in _CORNERS
        if b not in group and _are_joined(a, b)
    ]
    loop = [rest.pop()]
    while rest:
        following = next(p for p in rest if any(x == y != 1 for x, y in zip(p, loop[-1], strict=True)))
        rest.remove(following)
        loop.append(following)
    return loop


def _fullest_planes(loop: Sequence[_Point]) -> list[tuple[int, ...]]:
    """The planes that hold the most points of a loop, each as the places of its points."""
    points = np.array(loop)
    planes = set()
    for a, b, c in combinations(range(len(loop)), 3):
        normal = np.cross(points[b] - points[a], points[c] - points[a])
        planes.add(tuple(np.flatnonzero((points - points[a]) @ normal == 0).tolist()))
    most = max(map(len, planes))
    return sorted(plane for plane in planes if len(plane) == most)


def _area_vector(polygon: Sequence[_Point]) -> npt.NDArray[np.float64]:
    """As long as a flat polygon is large, and at a right angle to it."""
    points = np.array(polygon) / 2
    vector: npt.NDArray[np.float64] = np.cross(points, np.roll(points, -1, axis=0)).sum(axis=0) / 2
    return vector
