"""Label maps: whole numbers from 0 to 255, and what they mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from voxloop.errors import VoxloopError
from voxloop.tracking.params import text


def label_map(name: str, values: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """A copy of an array as labels; refused where a value is none."""
    with np.errstate(invalid="ignore"):
        labels = values.astype(np.uint8)
    # A value that is no label has become another one on the way, whatever the processor makes of it.
    if values.dtype not in (np.uint8, np.bool_) and not np.array_equal(labels, values):
        raise VoxloopError(
            f'The layer "{name}" is no label map: it holds other values than whole numbers from 0 to 255.'
        )
    return labels


def class_names(classes: Mapping[int, str] | None) -> dict[int, str]:
    """What each label is called."""
    try:
        return {int(number): text(name) for number, name in (classes or {}).items()}
    except (TypeError, ValueError, AttributeError) as error:
        raise VoxloopError('Classes map a label to its name, like {1: "spleen"}; these do not.') from error
