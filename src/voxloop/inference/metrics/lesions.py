"""How many lesions were found: a mask's parts that touch by no face, edge or corner of a voxel, counted one by one.

The field matches lesions in two ways, and both are here. Challenges of small lesions (WMH 2017, ISLES 2022) count a lesion
as found where the prediction shares a voxel with it: a split lesion is found once and its pieces are not false, and a
prediction that runs over several finds them all; F1 is that of ISLES, from the same three counts. Instance segmentation
(panoptic quality, Metrics Reloaded, panoptica) pairs lesions one to one from an IoU on: of a split lesion one piece at most
has a partner and the others are false, of merged ones at most one is found. Below an IoU of one half several pairings may be
possible; the most pairs that can be made count, which no order of the lesions changes.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from voxloop.inference.metrics.overlap import ratio

_TOUCHING = np.ones((3, 3, 3), bool)


def lesion_figures(
    truth: npt.NDArray[np.bool_], predicted: npt.NDArray[np.bool_], least_iou: float
) -> dict[str, float]:
    """All metrics that count lesions; at an IoU of 0 one shared voxel is enough."""
    both = truth & predicted
    # One after the other, so that only one map of numbers is in memory.
    true_sizes, true_at = _numbered(truth, both)
    said_sizes, said_at = _numbered(predicted, both)
    if least_iou > 0:
        found = _pairs(true_sizes, true_at, said_sizes, said_at, least_iou)
        false = len(said_sizes) - found
    else:
        found = len(np.unique(true_at))
        false = len(said_sizes) - len(np.unique(said_at))
    missed = len(true_sizes) - found
    return {
        "lesions_truth": float(len(true_sizes)),
        "lesions_predicted": float(len(said_sizes)),
        "lesions_found": float(found),
        "lesions_missed": float(missed),
        "lesions_false": float(false),
        "lesion_sensitivity": ratio(found, found + missed),
        "lesion_precision": ratio(found, found + false),
        "lesion_f1": ratio(2 * found, 2 * found + missed + false, 1.0),
    }


def _numbered(
    mask: npt.NDArray[np.bool_], at: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """The size of each lesion, and which lesion (from 0) lies at some voxels of the mask."""
    from scipy.ndimage import label

    numbers, count = label(mask, _TOUCHING)
    sizes = np.bincount(numbers[mask], minlength=count + 1)[1:]
    return sizes, numbers[at].astype(np.intp) - 1


def _pairs(
    true_sizes: npt.NDArray[np.intp],
    true_at: npt.NDArray[np.intp],
    said_sizes: npt.NDArray[np.intp],
    said_at: npt.NDArray[np.intp],
    least_iou: float,
) -> int:
    """How many lesions can have a partner of their own that is alike enough."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import maximum_bipartite_matching

    pairs, shared = np.unique(true_at * len(said_sizes) + said_at, return_counts=True)
    true, said = np.divmod(pairs, max(len(said_sizes), 1))
    alike = shared / (true_sizes[true] + said_sizes[said] - shared) >= least_iou
    if not alike.any():
        return 0
    shape = (len(true_sizes), len(said_sizes))
    graph = csr_array((np.ones(alike.sum(), np.int8), (true[alike], said[alike])), shape=shape)
    return int(np.count_nonzero(maximum_bipartite_matching(graph, perm_type="column") >= 0))
