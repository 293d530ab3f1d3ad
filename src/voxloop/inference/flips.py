"""A network asked several times about each window, as it is and flipped left to right, front to back, upside down."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from voxloop.errors import VoxloopError
from voxloop.inference.windows import Answer, main_output

if TYPE_CHECKING:
    import torch

    from voxloop.monai.output import Classes, Regions

AXES = "xyz"


def flips_of(said: str | None) -> str:
    """The axes along which a scan is flipped: `all`, `none`, or some of x (left-right), y (front-back) and z (up-down)."""
    word = (said or "none").strip().casefold()
    axes = {"all": AXES, "none": ""}.get(word, word.replace(",", ""))
    if not set(axes) <= set(AXES):
        raise VoxloopError(
            f'"{said}" names no axes to flip; say all, or some of x (left-right), y (front-back) and z (up-down), as in xy.'
        )
    return "".join(axis for axis in AXES if axis in axes)


def flipped(network: Answer, output: Classes | Regions, flips: str, affine: npt.NDArray[np.float64]) -> Answer:
    """The network's answer to a window, averaged over every combination of flips along these axes of the patient.

    Probabilities are averaged, and given as logits again, so that windows are blended as ever.
    """
    ways = _ways(flips, affine)

    def answer(windows: torch.Tensor, *rest: Any, **named: Any) -> torch.Tensor:
        def each() -> Iterator[torch.Tensor]:
            for way in ways:
                # The first two axes count windows and channels.
                axes = [2 + axis for axis in way]
                given = main_output(network(windows.flip(axes) if axes else windows, *rest, **named))
                yield given.flip(axes) if axes else given

        return output.mean(each())

    return answer


def _ways(flips: str, affine: npt.NDArray[np.float64]) -> list[tuple[int, ...]]:
    """Every combination of the array's axes that run along these axes of the patient, with none of them first."""
    from nibabel.orientations import io_orientation

    along = io_orientation(affine)[:, 0].astype(int).tolist()
    axes = sorted(along.index(AXES.index(axis)) for axis in flips)
    return [way for count in range(len(axes) + 1) for way in itertools.combinations(axes, count)]
