"""The three planes of a scan as radiologists look at them, whatever the order of its axes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from voxloop.data.geometry import Geometry

AXES = (("R", "L"), ("A", "P"), ("S", "I"))
# Through which axis of the patient a plane goes, and which way its columns and rows run: the patient's right is on the left of
# the picture and the front on top, as in the viewer.
VIEWS = {"axial": (2, (0, -1), (1, -1)), "coronal": (1, (0, -1), (2, -1)), "sagittal": (0, (1, 1), (2, -1))}
Picture = npt.NDArray[np.generic]


@dataclass(frozen=True, slots=True)
class Plane:
    """A way to cut: `axis` is stepped along, `across` and `down` are the picture's; a turned one runs against its index.

    `letters` are those at the left, right, top and bottom, `ends` those of the first and the last slice.
    """

    axis: int
    across: int
    down: int
    across_turned: bool
    down_turned: bool
    width_mm: float
    height_mm: float
    letters: tuple[str, str, str, str]
    ends: tuple[str, str]

    def picture(self, cut: Picture) -> Picture:
        """The voxels of a cut, whose rows run along the later of its two axes, as they are looked at."""
        shown = cut if self.across < self.down else cut.T
        return shown[:: -1 if self.down_turned else 1, :: -1 if self.across_turned else 1]


def planes_of(grid: Geometry) -> dict[str, Plane]:
    """The planes of a grid, each along the axis that is nearest to the patient's."""
    from nibabel.orientations import io_orientation

    towards = {int(world): (axis, int(sign)) for axis, (world, sign) in enumerate(io_orientation(grid.affine))}
    return {name: _plane(grid, towards, *view) for name, view in VIEWS.items()}


def _plane(
    grid: Geometry, towards: dict[int, tuple[int, int]], through: int, across: tuple[int, int], down: tuple[int, int]
) -> Plane:
    axis, sign = towards[through]
    (i, i_sign), (j, j_sign) = towards[across[0]], towards[down[0]]
    left, right = _letters(*across)
    top, bottom = _letters(*down)
    return Plane(
        axis=axis,
        across=i,
        down=j,
        across_turned=i_sign != across[1],
        down_turned=j_sign != down[1],
        width_mm=grid.shape[i] * grid.spacing_mm[i],
        height_mm=grid.shape[j] * grid.spacing_mm[j],
        letters=(left, right, top, bottom),
        ends=_letters(through, sign),
    )


def _letters(world: int, sign: int) -> tuple[str, str]:
    """Where a way along an axis of the patient comes from and leads to."""
    high, low = AXES[world]
    return (low, high) if sign > 0 else (high, low)


def cut_shape(shape: tuple[int, int, int], axis: int) -> tuple[int, int]:
    """Rows and columns of a cut across an axis: the later of the other two axes makes the rows."""
    across, down = (one for one in range(3) if one != axis)
    return shape[down], shape[across]
