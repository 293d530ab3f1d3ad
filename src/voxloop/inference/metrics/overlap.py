"""How much of two masks is the same, in voxels and in millilitres."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def dice(truth: npt.NDArray[np.bool_], predicted: npt.NDArray[np.bool_]) -> float:
    """Overlap of two masks: 1 where they agree, 0 where they share nothing, and 1 where both are empty.

    >>> dice(np.array([True, True, False]), np.array([True, False, False]))
    0.6666666666666666
    """
    return ratio(2 * _count(truth & predicted), _count(truth) + _count(predicted), 1.0)


def overlap_figures(
    truth: npt.NDArray[np.bool_], predicted: npt.NDArray[np.bool_], voxel_ml: float
) -> dict[str, float]:
    """All metrics that count voxels."""
    true, said, both = _count(truth), _count(predicted), _count(truth & predicted)
    return {
        "dice": ratio(2 * both, true + said, 1.0),
        "iou": ratio(both, true + said - both, 1.0),
        "sensitivity": ratio(both, true),
        "precision": ratio(both, said),
        "truth_ml": true * voxel_ml,
        "predicted_ml": said * voxel_ml,
        "difference_ml": (said - true) * voxel_ml,
        "difference_percent": ratio(100 * (said - true), true, float("nan") if said else 0.0),
    }


def ratio(part: int, whole: int, of_nothing: float = float("nan")) -> float:
    """A part over its whole, and what is answered where there is no whole."""
    return part / whole if whole else of_nothing


def _count(mask: npt.NDArray[np.bool_]) -> int:
    return int(np.count_nonzero(mask))
